/** Training adapters for people: sequences as text or token ids, settings checked; the work is `trainer.ts`'s. */
import { UserError } from "../errors";
import { textOf, type Model } from "../model/load";
import type { Adapter } from "./adapter";
import type { TokenSequence } from "./plan";
import { parseLoraSettings, type LoraSettings } from "./settings";
import { trainJobs, type TrainingOptions, type TrainingResult } from "./trainer";

/** A training text, a prompt with its completion (only the completion counts in the loss), or token ids. */
export type Sequence =
  string | { readonly prompt: string; readonly completion: string } | TokenSequence;

/** One adapter to train. Settings left out are SEAL's. */
export interface AdapterJob {
  readonly sequences: readonly Sequence[];
  readonly settings?: Partial<LoraSettings>;
  /** Start from this adapter; its rank, alpha and targets then hold. */
  readonly initial?: Adapter;
}

/** Trains one adapter for each job, several at once, on the model's frozen weights. Results are in the jobs' order. */
export async function trainAdapters(
  model: Model,
  jobs: readonly AdapterJob[],
  options: TrainingOptions = {},
): Promise<TrainingResult[]> {
  const prepared = jobs.map(({ sequences, settings, initial }) => ({
    sequences: sequences.map((sequence) => tokenSequence(model, sequence)),
    settings: parseLoraSettings(settings ?? {}),
    ...(initial ? { initial } : {}),
  }));
  return trainJobs(model, prepared, options);
}

/** Token ids of a training sequence. A completion ends with the model's end token, so that it is learned to stop. */
export function tokenSequence(model: Model, sequence: Sequence): TokenSequence {
  if (typeof sequence === "object" && "ids" in sequence) return sequence;
  const { tokenizer } = textOf(model);
  if (typeof sequence === "string")
    return { ids: tokenizer.encode(sequence, { addSpecial: true }) };
  return completionSequence(model, tokenizer.encode(sequence.prompt), sequence.completion);
}

/** A prompt's ids, the completion and the end token; the loss is on the last two. Throws UserError where the model has no end token. */
export function completionSequence(
  model: Model,
  prompt: readonly number[],
  completion: string,
): TokenSequence {
  const [end] = model.config.eosTokenIds;
  if (end === undefined)
    throw new UserError(`Model ${model.id} names no end token, which a completion needs.`);
  const ids = [...prompt, ...textOf(model).tokenizer.encode(completion), end];
  return { ids, lossFrom: prompt.length };
}
