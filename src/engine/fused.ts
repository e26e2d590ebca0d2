/**
 * The fused operations of `kernels/kernels.cc` as functions of tensors: on a CPU with the tensorflow engine, where they were
 * compiled. Elsewhere `hasFusedKernels` is false, and portable operations do the same. Callers wrap them in tf.tidy.
 * What is written "in place" changes the tensor's values.
 */
import * as tf from "@tensorflow/tfjs";
import type { NodeJSKernelBackend } from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend";

/** What the compiled library says of itself. */
export interface KernelLibrary {
  /** Whether this processor multiplies in bfloat16. */
  readonly bfloat16: boolean;
  /** Columns of a weight's panel. */
  readonly columns: number;
  /** Gives memory that is free back to the system, and says whether there was any. */
  readonly giveBackMemory: () => boolean;
}

let library: KernelLibrary | undefined;
let half = false;

/** Told by `native.ts` once the library is loaded. */
export function fusedKernelsLoaded(loaded: KernelLibrary): void {
  library = loaded;
}

/**
 * Whether frozen matrices that are loaded from now on are kept in bfloat16, and so multiplied in it (sums stay fp32); where the
 * processor cannot, never.
 */
export function useBfloat16(on: boolean): boolean {
  half = on && library?.bfloat16 === true;
  return half;
}

/** Columns of a weight's panel for the engine that runs; 0 where weights are read as they are. */
export function panelColumns(): number {
  return hasFusedKernels() ? library!.columns : 0;
}

/** Whether frozen matrices are kept in bfloat16 (`useBfloat16`). */
export function keepsBfloat16(): boolean {
  return half;
}

/** Whether the engine that runs has the fused operations. */
export function hasFusedKernels(): boolean {
  return library !== undefined && tf.getBackend() === "tensorflow";
}

/** Gives the memory that freed tensors have left to the system; whether there was any. Elsewhere than there, nothing is done. */
export function giveBackMemory(): boolean {
  return hasFusedKernels() && library!.giveBackMemory();
}

/** The matrices and norms of a layer, as weights.ts has them. */
export interface FusedWeights {
  /** [hidden] */
  readonly inputNorm: tf.Tensor1D;
  readonly postAttentionNorm: tf.Tensor1D;
  /** [in, out], or in panels (model/matrix.ts). */
  readonly queryKeyValue: tf.Tensor;
  readonly output: tf.Tensor;
  readonly gateUp: tf.Tensor;
  readonly down: tf.Tensor;
  /** [queries + keys + values] */
  readonly queryKeyValueBias?: tf.Tensor1D;
}

/** The stacked adapters of one projection: [layers, k, …], or [k, …] with layer 0. */
export interface ProjectionAdapters {
  /** […, k, in, targets * rank]; of no size where there are no targets. */
  readonly a: tf.Tensor;
  /** For each target […, k, rank, out]. */
  readonly b: readonly tf.Tensor[];
  /** [targets] int32: the column of the fused output where each target's begin. */
  readonly columns: tf.Tensor1D;
  /** Where the gradients go, shaped as a and b. */
  readonly gradients?: { readonly a: tf.Tensor; readonly b: readonly tf.Tensor[] };
}

/** What a layer reads beside tokens and weights. */
export interface FusedInputs {
  /** [positions, headDim] */
  readonly cos: tf.Tensor2D;
  readonly sin: tf.Tensor2D;
  /** [rows, 4] int32: first token, tokens, position of the first, keys that may be read. */
  readonly rows: tf.Tensor2D;
  /** In decoding [rows, keyValueHeads, time, headDim], where the new tokens' are put in place; else of no size, and rows are whole. */
  readonly keys: tf.Tensor;
  readonly values: tf.Tensor;
  /** [k, 1, 1] alpha / rank */
  readonly scaling: tf.Tensor3D;
  /** [k + 1] int32: the tokens of adapter i are those from ranges[i] to ranges[i + 1]. */
  readonly ranges: tf.Tensor1D;
  /** Of queries with keys and values, output, gate with up, down. */
  readonly adapters: readonly ProjectionAdapters[];
  /** Place of this layer in stacked adapters. */
  readonly layer: number;
  readonly headCount: number;
  readonly keyValueHeadCount: number;
  readonly rmsNormEpsilon: number;
  /** [0] */
  readonly nothing: tf.Tensor1D;
}

/** A layer: x [tokens, hidden] -> output [tokens, hidden], and what its gradient needs (tensors of no size without `keep`). */
export function layerForward(
  x: tf.Tensor2D,
  weights: FusedWeights,
  inputs: FusedInputs,
  keep: boolean,
): { output: tf.Tensor2D; saved: tf.Tensor[] } {
  const all = [x, ...layerInputs(weights, inputs)];
  const [output, ...saved] = run("SealLayer", all, 8, layerAttributes(inputs, keep));
  return { output: output as tf.Tensor2D, saved };
}

/** Gradient of a layer's x, of no size where it is not `wanted`; the adapters' are put in place. */
export function layerGradient(
  gradient: tf.Tensor2D,
  x: tf.Tensor2D,
  saved: readonly tf.Tensor[],
  weights: FusedWeights,
  inputs: FusedInputs,
  wanted: boolean,
): tf.Tensor2D {
  const into = inputs.adapters.flatMap(({ a, b, gradients = { a, b } }) => [
    gradients.a,
    ...gradients.b,
  ]);
  const all = [gradient, x, ...saved, ...layerInputs(weights, inputs), ...into];
  return one("SealLayerGradient", all, layerAttributes(inputs, wanted));
}

function layerInputs(weights: FusedWeights, inputs: FusedInputs): tf.Tensor[] {
  const { inputNorm, queryKeyValue, output, postAttentionNorm, gateUp, down } = weights;
  const { cos, sin, rows, keys, values, scaling, ranges, adapters } = inputs;
  return [
    ...[inputNorm, queryKeyValue, weights.queryKeyValueBias ?? inputs.nothing, output],
    ...[postAttentionNorm, gateUp, down, cos, sin, rows, keys, values, scaling, ranges],
    ...adapters.flatMap(({ columns, a, b }) => [columns, a, ...b]),
  ];
}

function layerAttributes(inputs: FusedInputs, keep: boolean): Record<string, number> {
  const { headCount, keyValueHeadCount, layer, rmsNormEpsilon, adapters } = inputs;
  const counts = adapters.map(({ b }, p) => [`N${p}`, b.length] as const);
  return {
    heads: headCount,
    keyHeads: keyValueHeadCount,
    layer,
    keep: keep ? 1 : 0,
    epsilon: rmsNormEpsilon,
    ...Object.fromEntries(counts),
  };
}

/** a [m, in] times a weight [in, out] in any form, or a [m, out] times its transpose. */
export function product(
  a: tf.Tensor2D,
  weight: tf.Tensor,
  out: number,
  transposed = false,
): tf.Tensor2D {
  return one("SealMatMul", [a, weight], { turned: transposed ? 1 : 0, out });
}

/** A weight in panels [panels, in, columns] in bfloat16, [2, panels, in / 2, columns] (kernels/bfloat16.h). */
export function roundedToBfloat16(panels: tf.Tensor3D): tf.Tensor4D {
  return one("SealRound", [panels]);
}

/** The columns at `ids` of a weight [in, out] in panels, [ids, in]. */
export function panelColumnsAt(weight: tf.Tensor, ids: tf.Tensor1D): tf.Tensor2D {
  return one("SealEmbed", [ids, weight]);
}

/**
 * Cross-entropy of each row, [rows]. The logits [rows, vocabulary] become, in place, the gradient of the weighted sum of losses.
 * labels [rows] int32, weights [rows].
 */
export function crossEntropyInPlace(
  logits: tf.Tensor2D,
  labels: tf.Tensor1D,
  weights: tf.Tensor1D,
): tf.Tensor1D {
  return one("SealCrossEntropy", [logits, labels, weights]);
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

/** Runs an operation; "epsilon" is a float, every other attribute a whole number. */
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
    type: key === "epsilon" ? TF_ATTR_FLOAT : TF_ATTR_INT,
    value,
  }));
  return backend.executeMultipleOutputs(name, own, [...inputs], outputs);
}
