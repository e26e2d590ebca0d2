/** Adapters on disk and merged models, for people who hold a `Model`. */
import type { Model } from "../model/load";
import type { Adapter } from "./adapter";
import { mergeWeights } from "./merge";
import { requireAdapter } from "./options";
import { readPeft, writePeft } from "./peft";

/** Reads a PEFT adapter for this model. Throws UserError where it does not fit. */
export async function loadAdapter(model: Model, directory: string): Promise<Adapter> {
  return readPeft(model.config, directory);
}

/** Writes an adapter as PEFT does; `model` is recorded as its base. */
export async function saveAdapter(
  adapter: Adapter,
  directory: string,
  model?: Model,
): Promise<void> {
  requireAdapter(adapter, "saveAdapter");
  return writePeft(adapter, directory, model?.id ?? null);
}

/** A model with the adapter merged into new weights; both models are disposed on their own. */
export function mergeAdapter(model: Model, adapter: Adapter): Model {
  requireAdapter(adapter, "mergeAdapter");
  return { ...model, weights: mergeWeights(model.config, model.weights, adapter) };
}
