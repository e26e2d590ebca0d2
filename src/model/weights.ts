/** The frozen weights as tensors, and their loading from a weight source, one matrix at a time. */
import { createHash } from "node:crypto";
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../messages/errors";
import { warn } from "../messages/warnings";
import type { ModelConfig, WeightSource } from "./types";
import { storedHead, storedMatrix, type WeightMatrix } from "./matrix";
import { PROJECTIONS, targetShape, type ProjectionName, type TargetName } from "./adapters";

/**
 * One layer. Matrices are [in, out] (or in panels), the transpose of the file: products of few rows (decoding) are several
 * times faster so. Those that read the same input lie side by side.
 */
export interface LayerWeights {
  /** [hidden] */
  readonly inputNorm: tf.Tensor1D;
  /** [hidden] */
  readonly postAttentionNorm: tf.Tensor1D;
  /** [hidden, queries + keys + values] */
  readonly queryKeyValue: WeightMatrix;
  /** [queries + keys + values], Qwen2 only. */
  readonly queryKeyValueBias?: tf.Tensor1D;
  /** [queries, hidden] */
  readonly output: WeightMatrix;
  /** [hidden, 2 * intermediate] */
  readonly gateUp: WeightMatrix;
  /** [intermediate, hidden] */
  readonly down: WeightMatrix;
}

/** All frozen weights of a model; `disposeWeights` frees them. */
export interface ModelWeights {
  /** [vocabulary, hidden]; the head itself where it is tied. */
  readonly embedding: WeightMatrix;
  readonly layers: readonly LayerWeights[];
  /** [hidden] */
  readonly finalNorm: tf.Tensor1D;
  /** [vocabulary, hidden], as the file has it; or [hidden, vocabulary] in panels. */
  readonly head: WeightMatrix;
}

/** The name in a checkpoint of a layer's linear module: `model.layers.3.self_attn.q_proj`. */
export function modulePath(layer: number, target: TargetName): string {
  const parent = target === "gate_proj" || target === "up_proj" || target === "down_proj";
  return `model.layers.${layer}.${parent ? "mlp" : "self_attn"}.${target}`;
}

/**
 * Reads every weight; shapes are checked against the config. `progress` is called with the share done. Throws UserError
 * where one is missing or does not fit; then nothing is kept.
 */
export async function loadWeights(
  config: ModelConfig,
  source: WeightSource,
  progress: (share: number) => void = () => undefined,
): Promise<ModelWeights> {
  checkNames(config, source);
  const made: tf.Tensor[] = [];
  const keep = <T extends tf.Tensor>(tensor: T): T => {
    made.push(tensor);
    return tensor;
  };
  try {
    return await readWeights(config, source, progress, keep);
  } catch (error) {
    tf.dispose(made);
    throw error;
  }
}

async function readWeights(
  config: ModelConfig,
  source: WeightSource,
  progress: (share: number) => void,
  keep: <T extends tf.Tensor>(tensor: T) => T,
): Promise<ModelWeights> {
  const vector = async (name: string, size: number): Promise<tf.Tensor1D> =>
    keep(tf.tensor1d(await readChecked(source, name, [size])));
  const matrix = async (name: string, out: number, input: number): Promise<tf.Tensor2D> =>
    keep(tf.tensor2d(await readChecked(source, name, [out, input]), [out, input]));
  const { hiddenSize: hidden, vocabularySize: vocabulary } = config;
  const plain = await matrix("model.embed_tokens.weight", vocabulary, hidden);
  const embedding = config.tiedHead ? keep(storedHead(plain)) : plain;
  const layers: LayerWeights[] = [];
  for (let l = 0; l < config.layerCount; l++) {
    const fused = async (projection: ProjectionName): Promise<WeightMatrix> =>
      keep(await fusedMatrix(config, source, l, PROJECTIONS[projection]));
    layers.push({
      inputNorm: await vector(`model.layers.${l}.input_layernorm.weight`, hidden),
      postAttentionNorm: await vector(`model.layers.${l}.post_attention_layernorm.weight`, hidden),
      queryKeyValue: await fused("queryKeyValue"),
      ...(config.queryKeyValueBias
        ? { queryKeyValueBias: keep(await biases(config, source, l)) }
        : {}),
      output: await fused("output"),
      gateUp: await fused("gateUp"),
      down: await fused("down"),
    });
    progress((l + 1) / config.layerCount);
  }
  const head = config.tiedHead
    ? embedding
    : keep(storedHead(await matrix("lm_head.weight", vocabulary, hidden)));
  return { embedding, layers, finalNorm: await vector("model.norm.weight", hidden), head };
}

/** Frees every tensor of the weights. */
export function disposeWeights(weights: ModelWeights): void {
  weights.layers.forEach((layer) => tf.dispose({ ...layer }));
  tf.dispose([weights.embedding, weights.finalNorm, weights.head]);
}

/** SHA-256 of all values, in hexadecimal: equal where two sets of weights of one config are the same bit for bit. */
export async function sha256OfWeights(weights: ModelWeights): Promise<string> {
  const hash = createHash("sha256");
  const layers = weights.layers.flatMap((layer) => Object.values(layer) as tf.Tensor[]);
  for (const tensor of [weights.embedding, ...layers, weights.finalNorm, weights.head]) {
    const { buffer, byteOffset, byteLength } = await tensor.data();
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest("hex");
}

async function fusedMatrix(
  config: ModelConfig,
  source: WeightSource,
  layer: number,
  targets: readonly TargetName[],
): Promise<WeightMatrix> {
  const shapes = targets.map((target) => targetShape(config, target));
  const rows = shapes.reduce((sum, shape) => sum + shape.output, 0);
  const width = shapes[0].input;
  const values = new Float32Array(rows * width);
  let offset = 0;
  for (const [i, target] of targets.entries()) {
    const name = `${modulePath(layer, target)}.weight`;
    values.set(await readChecked(source, name, [shapes[i].output, width]), offset);
    offset += shapes[i].output * width;
  }
  return tf.tidy(() => storedMatrix(tf.tensor2d(values, [rows, width])));
}

async function biases(
  config: ModelConfig,
  source: WeightSource,
  layer: number,
): Promise<tf.Tensor1D> {
  const parts: Float32Array[] = [];
  for (const target of PROJECTIONS.queryKeyValue) {
    const name = `${modulePath(layer, target)}.bias`;
    parts.push(await readChecked(source, name, [targetShape(config, target).output]));
  }
  const values = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((offset, part) => (values.set(part, offset), offset + part.length), 0);
  return tf.tensor1d(values);
}

async function readChecked(
  source: WeightSource,
  name: string,
  shape: readonly number[],
): Promise<Float32Array> {
  const found = source.tensors.get(name);
  if (!found)
    throw new UserError(`The weights have no tensor ${name}, which config.json calls for.`);
  if (found.shape.join("x") !== shape.join("x"))
    throw new UserError(
      `Tensor ${name} has shape [${found.shape.join(", ")}]; config.json calls for [${shape.join(", ")}].`,
    );
  return source.read(name);
}

/** What a checkpoint of these families holds; older ones hold the rotary frequencies too, which are computed. */
const usedNames =
  /^(model\.(embed_tokens|norm)|lm_head|model\.layers\.\d+\.(input_layernorm|post_attention_layernorm|self_attn\.[qkvo]_proj|mlp\.(gate|up|down)_proj))\.weight$|self_attn\.([qkv]_proj\.bias|rotary_emb\.inv_freq)$/;

function checkNames(config: ModelConfig, source: WeightSource): void {
  const unused = [...source.tensors.keys()].filter((name) => !usedNames.test(name));
  if (unused.length > 0)
    warn(
      `the weights hold ${unused.length} tensors that a ${config.family} model does not have (${unused[0]} first); they are not used`,
    );
  for (const name of source.tensors.keys()) {
    const layer = /^model\.layers\.(\d+)\./.exec(name);
    if (layer && Number(layer[1]) >= config.layerCount)
      throw new UserError(
        `The weights hold ${name}, but config.json says ${config.layerCount} layers.`,
      );
    if (!config.queryKeyValueBias && /self_attn\.[qkv]_proj\.bias$/.test(name))
      throw new UserError(
        `The weights hold ${name}, but config.json says that there are no biases.`,
      );
  }
}
