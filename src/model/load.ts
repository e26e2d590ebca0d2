/** A model by name: its files found, checked and loaded. */
import path from "node:path";
import { prepareEngine, startEngine } from "../engine";
import { UserError } from "../messages/errors";
import { parseModelConfig } from "./config";
import { readJsonIfThere } from "../files/text";
import { openGguf } from "./gguf/model";
import { openSafetensors } from "./safetensors";
import { resolveModel, type ModelFiles, type ResolveOptions } from "./sources";
import { readTextFormat, type TextFormat } from "./text-format";
import { withStoredHead } from "./tied-head";
import { tokenizerFromGguf } from "./tokenizer";
import type { Network } from "./transformer";
import type { ModelConfig, WeightSource } from "./types";
import { disposeWeights, loadWeights } from "./weights";

/** A loaded model. `disposeModel` frees its weights. */
export interface Model extends Network {
  /** The name that it was loaded by. */
  readonly id: string;
  /** Absent where the model's folder has no tokenizer: then only token ids go in and out. */
  readonly text?: TextFormat;
  /** Name, source and SHA-256 of each file, for the run record. */
  readonly inputs: ModelFiles["inputs"];
  /** True where training gave it weights that neither its files nor adapters merged into them can tell another machine. */
  readonly ownWeights?: boolean;
}

/** Options of `loadModel`. */
export interface LoadOptions extends ResolveOptions {
  /** Called with the share of the weights that is loaded, 0 to 1; nothing is called unless told. */
  readonly onLoad?: (share: number) => void;
}

/** Loads the model named `id` (see `resolveModel`) on the engine that runs, starting one if none does. */
export async function loadModel(id: string, options: LoadOptions = {}): Promise<Model> {
  const files = await resolveModel(id, options);
  const opened =
    files.kind === "gguf" ? await openGgufModel(files.path) : await openFolder(files.directory);
  try {
    prepareEngine(id);
    await startEngine();
    const { config: shape, source } = await withStoredHead(opened, id);
    const weights = await loadWeights(shape, source, options.onLoad);
    const { text } = opened;
    const config = withEndToken({ config: shape, text });
    return { id, config, weights, inputs: files.inputs, ...(text ? { text } : {}) };
  } finally {
    await opened.source.close();
  }
}

/** An answer also stops at the end token that completions are learned with (as transformers' Trainer sees to it). */
function withEndToken({ config, text }: Pick<Model, "config" | "text">): ModelConfig {
  const end = endTokenOf({ config, text });
  if (end === undefined || config.eosTokenIds.includes(end)) return config;
  return { ...config, eosTokenIds: [...config.eosTokenIds, end] };
}

/** Frees a model's weights. */
export function disposeModel(model: Model): void {
  disposeWeights(model.weights);
}

/** The model's tokenizer and template. Throws UserError where it has none. */
export function textOf(model: Model): TextFormat {
  if (!model.text)
    throw new UserError(
      `Model ${model.id} has no tokenizer.json: give token ids instead of text, or have transformers write one (AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)).`,
    );
  return model.text;
}

/**
 * The token that ends a completion when it is learned: the tokenizer's own eos_token, as TRL appends it, else the first of
 * config.json's. Undefined where there is none.
 */
export function endTokenOf({ text, config }: Pick<Model, "text" | "config">): number | undefined {
  const own = text?.eosToken === undefined ? undefined : text.tokenizer.idOf(text.eosToken);
  return own ?? config.eosTokenIds[0];
}

interface OpenedModel {
  readonly config: ModelConfig;
  readonly source: WeightSource;
  readonly text?: TextFormat;
}

async function openGgufModel(file: string): Promise<OpenedModel> {
  const source = await openGguf(file);
  try {
    return { config: source.config, source, text: tokenizerFromGguf(source.metadata) };
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function openFolder(directory: string): Promise<OpenedModel> {
  const configFile = path.join(directory, "config.json");
  const configJson = await readJsonIfThere(configFile);
  if (configJson === undefined)
    throw new UserError(`No config.json in ${directory}: not a model's folder.`);
  const generation = await readJsonIfThere(path.join(directory, "generation_config.json"));
  const config = parseModelConfig(configJson, configFile, generation);
  const text = await readTextFormat(directory, configJson);
  // Last, as it is what has to be closed.
  return { config, source: await openSafetensors(directory), ...(text ? { text } : {}) };
}
