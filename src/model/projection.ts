/** A frozen linear layer with K stacked adapters beside it: forward, and the gradient by hand. */
import * as tf from "@tensorflow/tfjs";
import { toRows, toTokens, type Layout } from "./layout";
import { plainMatrix, type WeightMatrix } from "./matrix";
import {
  PROJECTIONS,
  projectionWidth,
  targetShape,
  type Branch,
  type LayerAdapters,
  type ProjectionName,
} from "./adapters";
import type { ModelConfig } from "./types";

/** What the gradient needs of one branch. */
export interface BranchSaved {
  /** [adapters, rows * time, in] the branch's input, after dropout */
  readonly input: tf.Tensor3D;
  /** [adapters, rows * time, targets * rank] scaling (x A) */
  readonly hidden: tf.Tensor3D;
}

/** Gradients of a branch: the same shapes as its matrices. */
export type BranchGradients = Branch<tf.Tensor3D>;

/**
 * x W + scaling (x A) B for all targets of a projection, side by side.
 * x [tokens, in]; W [in, out], or in panels; result [tokens, out].
 */
export function project(
  config: ModelConfig,
  x: tf.Tensor2D,
  weight: WeightMatrix,
  name: ProjectionName,
  adapters: LayerAdapters | undefined,
  layout: Layout,
): { output: tf.Tensor2D; saved: BranchSaved[] } {
  const frozen = product(config, x, weight, name);
  const branches = adapters?.branches[name] ?? [];
  if (!adapters || branches.length === 0) return { output: frozen, saved: [] };
  const rows = toRows(x, layout);
  const saved = branches.map((branch, i) => {
    const mask = adapters.dropout?.[name]?.[i];
    const input = mask ? tf.mul<tf.Tensor3D>(rows, mask) : rows;
    return { input, hidden: tf.mul<tf.Tensor3D>(tf.matMul(input, branch.a), adapters.scaling) };
  });
  const deltas = targetParts(config, name, branches, (b, t) =>
    tf.matMul(targetSlice(saved[b].hidden, branches[b], t), branches[b].b[t]),
  );
  const delta = toTokens(joinParts(deltas, rows), layout);
  return { output: tf.add<tf.Tensor2D>(frozen, delta), saved };
}

/** x times a frozen weight, or times its transpose. */
function product(
  config: ModelConfig,
  x: tf.Tensor2D,
  weight: WeightMatrix,
  name: ProjectionName,
  transposed = false,
): tf.Tensor2D {
  const plain = plainMatrix(weight, projectionWidth(config, name));
  return tf.matMul(x, plain, false, transposed);
}

/** Gradient of `project`: for the input [tokens, in], and for each branch's matrices. */
export function projectGradient(
  config: ModelConfig,
  gradient: tf.Tensor2D,
  weight: WeightMatrix,
  name: ProjectionName,
  adapters: LayerAdapters | undefined,
  layout: Layout,
  saved: readonly BranchSaved[],
): { input: tf.Tensor2D; branches: BranchGradients[] } {
  const frozen = product(config, gradient, weight, name, true);
  const branches = adapters?.branches[name] ?? [];
  if (!adapters || branches.length === 0) return { input: frozen, branches: [] };
  const rows = toRows(gradient, layout);
  const offsets = targetOffsets(config, name);
  let input: tf.Tensor3D | undefined;
  const gradients = branches.map((branch, i) => {
    const outputs = branch.targets.map((target, t) => {
      const { start, width } = offsets[target];
      const whole = width === rows.shape[2];
      const output = whole ? rows : tf.slice(rows, [0, 0, start], [-1, -1, width]);
      const hidden = targetSlice(saved[i].hidden, branch, t);
      return {
        b: tf.matMul<tf.Tensor3D>(hidden, output, true, false),
        hidden: tf.matMul<tf.Tensor3D>(output, branch.b[t], false, true),
      };
    });
    const hiddenGradient = tf.mul(
      joined(outputs.map((output) => output.hidden)),
      adapters.scaling,
    ) as tf.Tensor3D;
    const a = tf.matMul<tf.Tensor3D>(saved[i].input, hiddenGradient, true, false);
    const through = tf.matMul<tf.Tensor3D>(hiddenGradient, branch.a, false, true);
    const mask = adapters.dropout?.[name]?.[i];
    const own = mask ? tf.mul<tf.Tensor3D>(through, mask) : through;
    input = input ? tf.add<tf.Tensor3D>(input, own) : own;
    return { targets: branch.targets, a, b: outputs.map((output) => output.b) };
  });
  const total = input ? tf.add<tf.Tensor2D>(frozen, toTokens(input, layout)) : frozen;
  return { input: total, branches: gradients };
}

/** Columns of each target in the fused output. */
function targetOffsets(
  config: ModelConfig,
  name: ProjectionName,
): Record<string, { start: number; width: number }> {
  let start = 0;
  const entries = PROJECTIONS[name].map((target) => {
    const width = targetShape(config, target).output;
    start += width;
    return [target, { start: start - width, width }] as const;
  });
  return Object.fromEntries(entries);
}

/** For each target in order: its delta, or the width of the gap where it has no adapter. */
function targetParts(
  config: ModelConfig,
  name: ProjectionName,
  branches: readonly Branch<tf.Tensor3D>[],
  delta: (branch: number, target: number) => tf.Tensor3D,
): (tf.Tensor3D | number)[] {
  return PROJECTIONS[name].map((target) => {
    const b = branches.findIndex((branch) => branch.targets.includes(target));
    return b < 0
      ? targetShape(config, target).output
      : delta(b, branches[b].targets.indexOf(target));
  });
}

function joinParts(parts: (tf.Tensor3D | number)[], rows: tf.Tensor3D): tf.Tensor3D {
  const [adapters, places] = rows.shape;
  return joined(
    parts.map((part) => (typeof part === "number" ? tf.zeros([adapters, places, part]) : part)),
  );
}

function joined(parts: tf.Tensor3D[]): tf.Tensor3D {
  return parts.length === 1 ? parts[0] : tf.concat(parts, 2);
}

/** The columns of one target in a branch's hidden activations. */
function targetSlice(
  hidden: tf.Tensor3D,
  branch: Branch<tf.Tensor3D>,
  target: number,
): tf.Tensor3D {
  const count = branch.targets.length;
  if (count === 1) return hidden;
  const rank = hidden.shape[2] / count;
  return tf.slice(hidden, [0, 0, target * rank], [-1, -1, rank]);
}
