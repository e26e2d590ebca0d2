/**
 * The fused operations of `kernels/kernels.cc` as functions of tensors: on a CPU with the tensorflow engine, where they were
 * compiled. Elsewhere `hasFusedKernels` is false, and portable operations do the same. Callers wrap them in tf.tidy.
 * What is written "in place" changes the tensor's values.
 */
import * as tf from "@tensorflow/tfjs";
import type { NodeJSKernelBackend } from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend";

let loaded = false;

/** Told by `native.ts` once the library is loaded. */
export function fusedKernelsLoaded(): void {
  loaded = true;
}

/** Whether the engine that runs has the fused operations. */
export function hasFusedKernels(): boolean {
  return loaded && tf.getBackend() === "tensorflow";
}

/** The stacked adapters of one projection: [layers, k, …], or [k, …] with layer 0. */
export interface ProjectionAdapters {
  readonly layer: number;
  /** […, k, in, targets * rank] */
  readonly a: tf.Tensor;
  /** For each target […, k, rank, out]. */
  readonly b: readonly tf.Tensor[];
  /** [targets] int32: the column of the fused output where each target's begin. */
  readonly columns: tf.Tensor1D;
  /** Where the gradients go, shaped as a and b. */
  readonly gradients?: { readonly a: tf.Tensor; readonly b: readonly tf.Tensor[] };
}

/** What the adapters of all projections share. */
export interface AdapterRanges {
  /** [k, 1, 1] alpha / rank */
  readonly scaling: tf.Tensor3D;
  /** [k + 1] int32: the tokens of adapter i are those from ranges[i] to ranges[i + 1]. */
  readonly ranges: tf.Tensor1D;
}

/** What attention reads beside the projected tokens. */
export interface AttentionInputs {
  /** [positions, headDim] */
  readonly cos: tf.Tensor2D;
  readonly sin: tf.Tensor2D;
  /** [rows, 4] int32: first token, tokens, position of the first, keys that may be read. */
  readonly rows: tf.Tensor2D;
  /** [rows, keyValueHeads, time, headDim]; the new tokens' are put in place. */
  readonly keys: tf.Tensor4D;
  readonly values: tf.Tensor4D;
}

/** x + delta, its RMSNorm times the weight, and 1 / rms; x [tokens, hidden], delta the same or of no size. */
export function norm(
  x: tf.Tensor2D,
  delta: tf.Tensor,
  weight: tf.Tensor1D,
  epsilon: number,
): { sum: tf.Tensor2D; output: tf.Tensor2D; inverse: tf.Tensor1D } {
  const [sum, output, inverse] = run("SealNorm", [x, delta, weight], 3, { real: epsilon });
  return { sum, output, inverse } as ReturnType<typeof norm>;
}

/** residual + the gradient of norm's sum, for the gradient of its output. */
export function normGradient(
  gradient: tf.Tensor2D,
  { sum, inverse }: { sum: tf.Tensor2D; inverse: tf.Tensor1D },
  weight: tf.Tensor1D,
  residual: tf.Tensor2D,
): tf.Tensor2D {
  return one("SealNormGradient", [gradient, sum, inverse, weight, residual]);
}

/** silu(gate) * up, [tokens, 2 * intermediate] -> [tokens, intermediate]. */
export function gated(gateUp: tf.Tensor2D): tf.Tensor2D {
  return one("SealGated", [gateUp]);
}

/** Gradient of `gated`. */
export function gatedGradient(gradient: tf.Tensor2D, gateUp: tf.Tensor2D): tf.Tensor2D {
  return one("SealGatedGradient", [gradient, gateUp]);
}

/** Causal grouped-query attention with rotary positions; qkv [tokens, queries + keys + values] -> [tokens, queries]. */
export function attention(
  qkv: tf.Tensor2D,
  { cos, sin, rows, keys, values }: AttentionInputs,
  queryHeads: number,
): tf.Tensor2D {
  const attributes = { first: queryHeads, N: keys.shape[1] };
  return one("SealAttention", [qkv, cos, sin, rows, keys, values], attributes);
}

/** Gradient of `attention` for qkv, where every row began at position 0. */
export function attentionGradient(
  gradient: tf.Tensor2D,
  qkv: tf.Tensor2D,
  { cos, sin, rows, keys, values }: AttentionInputs,
  queryHeads: number,
): tf.Tensor2D {
  const inputs = [gradient, qkv, cos, sin, rows, keys, values];
  return one("SealAttentionGradient", inputs, { first: queryHeads, N: keys.shape[1] });
}

/** a [m, k] times b [k, n], or times the transpose of b [n, k]. */
export function product(a: tf.Tensor2D, b: tf.Tensor2D, transposeB = false): tf.Tensor2D {
  return one("SealMatMul", [a, b], { first: transposeB ? 1 : 0 });
}

/** x W + scaling (x A) B for all targets of a projection, and x A, which the gradient needs. */
export function project(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  adapters: ProjectionAdapters,
  { scaling, ranges }: AdapterRanges,
): { output: tf.Tensor2D; hidden: tf.Tensor2D } {
  const { layer, a, b, columns } = adapters;
  const inputs = [x, weight, scaling, ranges, columns, a, ...b];
  const [output, hidden] = run("SealProject", inputs, 2, { first: layer, N: b.length });
  return { output, hidden } as ReturnType<typeof project>;
}

/** Gradient of `project` for x; the adapters' are put in place. */
export function projectGradient(
  gradient: tf.Tensor2D,
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  hidden: tf.Tensor2D,
  adapters: ProjectionAdapters,
  { scaling, ranges }: AdapterRanges,
): tf.Tensor2D {
  const { layer, a, b, columns, gradients = { a, b } } = adapters;
  const own = [scaling, ranges, columns, a, ...b, gradients.a, ...gradients.b];
  const attributes = { first: layer, N: b.length };
  return one("SealProjectGradient", [gradient, x, weight, hidden, ...own], attributes);
}

/** Sum of squares of each adapter, x [layers, k, rows, columns] -> [k]. */
export function squares(x: tf.Tensor4D): tf.Tensor1D {
  return one("SealSquares", [x]);
}

/** One AdamW step in place; factors [k, 4]: of the gradient, of the parameter, rate and epsilon (see optimizer.ts). */
export function adam(
  parameter: tf.Tensor4D,
  first: tf.Tensor4D,
  second: tf.Tensor4D,
  gradient: tf.Tensor4D,
  factors: tf.Tensor2D,
): void {
  one("SealAdam", [parameter, first, second, gradient, factors]).dispose();
}

function one<T extends tf.Tensor>(
  name: string,
  inputs: readonly tf.Tensor[],
  attributes: Readonly<Record<string, number>> = {},
): T {
  return run(name, inputs, 1, attributes)[0] as T;
}

/** Runs an operation; "real" is a float, every other attribute a whole number. */
function run(
  name: string,
  inputs: readonly tf.Tensor[],
  outputs: number,
  attributes: Readonly<Record<string, number>>,
): tf.Tensor[] {
  const backend = tf.backend() as NodeJSKernelBackend;
  const { TF_ATTR_FLOAT, TF_ATTR_INT } = backend.binding;
  const own = Object.entries(attributes).map(([key, value]) => ({
    name: key,
    type: key === "real" ? TF_ATTR_FLOAT : TF_ATTR_INT,
    value,
  }));
  return backend.executeMultipleOutputs(name, own, [...inputs], outputs);
}
