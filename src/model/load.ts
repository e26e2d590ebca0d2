/** A model by name: its files found, checked and loaded. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { prepareEngine, startEngine } from "../engine";
import { errorMessage, UserError } from "../messages/errors";
import { parseModelConfig } from "./config";
import { openGguf } from "./gguf/model";
import { openSafetensors } from "./safetensors";
import { resolveModel, type ModelFiles, type ResolveOptions } from "./sources";
import { tokenizerFromGguf, tokenizerFromJson } from "./tokenizer";
import type { Network } from "./transformer";
import type { ModelConfig, Tokenizer, WeightSource } from "./types";
import { disposeWeights, loadWeights } from "./weights";

/** Text in and out of a model. */
export interface TextFormat {
  readonly tokenizer: Tokenizer;
  /** Jinja; absent in base models. */
  readonly chatTemplate?: string;
  readonly bosToken?: string;
  readonly eosToken?: string;
}

/** A loaded model. `disposeModel` frees its weights. */
export interface Model extends Network {
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
  /** Called with the share of the weights that is loaded. */
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
    const weights = await loadWeights(opened.config, opened.source, options.onLoad);
    const { config, text } = opened;
    return { id, config, weights, inputs: files.inputs, ...(text ? { text } : {}) };
  } finally {
    await opened.source.close();
  }
}

/** Frees a model's weights. */
export function disposeModel(model: Model): void {
  disposeWeights(model.weights);
}

/** The model's tokenizer and template. Throws UserError where it has none. */
export function textOf(model: Model): TextFormat {
  if (!model.text)
    throw new UserError(`Model ${model.id} has no tokenizer.json: give token ids instead of text.`);
  return model.text;
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
  const configJson = await readJson(configFile);
  if (configJson === undefined)
    throw new UserError(`No config.json in ${directory}: not a model's folder.`);
  const generation = await readJson(path.join(directory, "generation_config.json"));
  const config = parseModelConfig(configJson, configFile, generation);
  const text = await readTextFormat(directory);
  // Last, as it is what has to be closed.
  return { config, source: await openSafetensors(directory), ...(text ? { text } : {}) };
}

/** Undefined where the folder has no tokenizer. */
async function readTextFormat(directory: string): Promise<TextFormat | undefined> {
  const tokenizerJson = await readJson(path.join(directory, "tokenizer.json"));
  if (tokenizerJson === undefined) return undefined;
  const tokenizerConfig = await readJson(path.join(directory, "tokenizer_config.json"));
  const template =
    (await readText(path.join(directory, "chat_template.jinja"))) ?? templateOf(tokenizerConfig);
  return {
    tokenizer: tokenizerFromJson(tokenizerJson, tokenizerConfig, directory),
    ...(template === undefined ? {} : { chatTemplate: template }),
    ...tokensOf(tokenizerConfig),
  };
}

function templateOf(tokenizerConfig: unknown): string | undefined {
  const template = (tokenizerConfig as { chat_template?: unknown } | undefined)?.chat_template;
  return typeof template === "string" ? template : undefined;
}

function tokensOf(tokenizerConfig: unknown): { bosToken?: string; eosToken?: string } {
  const config = (tokenizerConfig ?? {}) as Record<string, unknown>;
  const token = (key: string): string | undefined => {
    const value = config[key];
    if (typeof value === "string") return value;
    const content = (value as { content?: unknown } | null | undefined)?.content;
    return typeof content === "string" ? content : undefined;
  };
  const [bosToken, eosToken] = [token("bos_token"), token("eos_token")];
  return { ...(bosToken ? { bosToken } : {}), ...(eosToken ? { eosToken } : {}) };
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new UserError(`Cannot read ${file}: ${errorMessage(error)}`);
  }
}

async function readJson(file: string): Promise<unknown> {
  const text = await readText(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UserError(`${file} is not JSON: ${errorMessage(error)}`);
  }
}
