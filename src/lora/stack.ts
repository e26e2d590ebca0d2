/**
 * K adapters stacked into a few large tensors, over layers and adapters at once, so that an optimizer step is
 * a few operations and a layer's share is a slice. Smaller ranks and missing targets are zeros, which stay zero:
 * where A and B are both zero, so are their gradients.
 */
import * as tf from "@tensorflow/tfjs";
import {
  PROJECTIONS,
  targetShape,
  type Branch,
  type LayerAdapters,
  type ProjectionName,
  type TargetName,
} from "../model/adapters";
import type { FusedBranch } from "../model/fused-pass";
import type { ModelConfig } from "../model/types";
import {
  adapterTensorName,
  commonScaling,
  moduleForm,
  moduleMatrices,
  scalingOf,
  type Adapter,
  type AdapterForm,
  type HostTensor,
} from "./adapter";

/** The common shape of a stack; fixed while adapters come and go. */
export interface StackShape {
  readonly layers: number;
  /** The largest rank. */
  readonly rank: number;
  /** Targets with a common input, and where they belong. */
  readonly branches: readonly BranchShape[];
}

interface BranchShape {
  readonly projection: ProjectionName;
  readonly targets: readonly TargetName[];
  readonly input: number;
  readonly outputs: readonly number[];
}

/**
 * Stacked tensors in the order of the branches, A before its B's:
 * A [layers, adapters, in, targets * rank], B [layers, adapters, rank, out].
 * Parameters, gradients and the optimizer's moments all have this form.
 */
export type StackTensors = tf.Tensor4D[];

/** The shape that holds all these adapters. With `separate`, every target is a branch of its own (dropout needs that). */
export function stackShape(
  config: ModelConfig,
  adapters: readonly Pick<AdapterForm, "rank" | "targets">[],
  separate = false,
): StackShape {
  const used = (target: TargetName): boolean =>
    adapters.some((adapter) => adapter.targets.includes(target));
  const branches = (Object.keys(PROJECTIONS) as ProjectionName[]).flatMap((projection) => {
    const targets: TargetName[] = [...PROJECTIONS[projection]].filter(used);
    const groups = separate ? targets.map((target) => [target]) : [targets];
    return groups
      .filter((group) => group.length > 0)
      .map((group) => ({
        projection,
        targets: group,
        input: targetShape(config, group[0]).input,
        outputs: group.map((target) => targetShape(config, target).output),
      }));
  });
  const rank = Math.max(...adapters.map((adapter) => adapter.rank));
  return { layers: config.layerCount, rank, branches };
}

/** Stacks adapters to be read, scalings of single modules taken into B (the caller disposes the tensors). */
export function stackAdapters(shape: StackShape, adapters: readonly Adapter[]): StackTensors {
  const tensors = stackEach(shape, adapters.length, (k) => adapters[k]);
  const scalings = ownScalings(shape, adapters);
  if (!scalings) return tensors;
  const scaled = scaleStack(tensors, scalings);
  tf.dispose([tensors, scalings]);
  return scaled;
}

/**
 * Stacks `count` adapters as they are, each asked for once and not held on to, so that there need never be two copies of
 * all.
 */
export function stackEach(
  shape: StackShape,
  count: number,
  adapterAt: (k: number) => Adapter,
): StackTensors {
  const { layers, rank, branches } = shape;
  const arrays = branches.map(({ targets, input, outputs }) => ({
    a: new Float32Array(layers * count * input * targets.length * rank),
    bs: outputs.map((output) => new Float32Array(layers * count * rank * output)),
  }));
  for (let k = 0; k < count; k++) {
    const adapter = adapterAt(k);
    branches.forEach(({ targets, input, outputs }, i) => {
      const width = targets.length * rank;
      for (let layer = 0; layer < layers; layer++) {
        const place = layer * count + k;
        targets.forEach((target, t) => {
          const own = moduleMatrices(adapter, layer, target);
          if (!own) return;
          transposeInto(own.a, arrays[i].a, place * input * width + t * rank, width);
          transposeInto(own.b, arrays[i].bs[t], place * rank * outputs[t], outputs[t]);
        });
      }
    });
  }
  return branches.flatMap(({ targets, input, outputs }, i) => [
    tf.tensor4d(arrays[i].a, [layers, count, input, targets.length * rank]),
    ...arrays[i].bs.map((b, t) => tf.tensor4d(b, [layers, count, rank, outputs[t]])),
  ]);
}

/** Reads adapter `k` back out of the stack, with the form of `like`. */
export async function unstackAdapter(
  shape: StackShape,
  tensors: StackTensors,
  k: number,
  like: AdapterForm,
): Promise<Adapter> {
  const own: Float32Array[] = [];
  for (const tensor of tensors) {
    const [layers, , rows, columns] = tensor.shape;
    const part = tf.slice(tensor, [0, k, 0, 0], [layers, 1, rows, columns]);
    own.push(await part.data<"float32">());
    part.dispose();
  }
  const found = new Map<string, HostTensor>();
  for (let layer = 0; layer < shape.layers; layer++) {
    let position = 0;
    for (const { targets, input, outputs } of shape.branches) {
      const a = own[position++];
      const width = targets.length * shape.rank;
      targets.forEach((target, t) => {
        const b = own[position++];
        const form = moduleForm(like, layer, target);
        if (!form) return;
        const { rank } = form;
        const aStart = layer * input * width + t * shape.rank;
        const bStart = layer * shape.rank * outputs[t];
        found.set(adapterTensorName(layer, target, "A"), {
          shape: [rank, input],
          values: transposed(a, aStart, width, input, rank),
        });
        found.set(adapterTensorName(layer, target, "B"), {
          shape: [outputs[t], rank],
          values: transposed(b, bStart, outputs[t], rank, outputs[t]),
        });
      });
    }
  }
  return { ...like, tensors: found };
}

/** Keeps the adapters at `indices`, in that order (new tensors; the old ones stay the caller's). */
export function gatherAdapters(tensors: StackTensors, indices: readonly number[]): StackTensors {
  return tensors.map((tensor) =>
    tf.tidy(() => tf.gather(tensor, tf.tensor1d(Int32Array.from(indices), "int32"), 1)),
  );
}

/** The view of one layer for the forward pass; made inside a tf.tidy or disposed by the caller. */
export function layerAdapters(
  shape: StackShape,
  tensors: StackTensors,
  scaling: tf.Tensor3D,
  layer: number,
): LayerAdapters {
  const branches: Partial<Record<ProjectionName, Branch<tf.Tensor3D>[]>> = {};
  let position = 0;
  for (const { projection, targets } of shape.branches) {
    const a = layerOf(tensors[position++], layer);
    const b = targets.map(() => layerOf(tensors[position++], layer));
    (branches[projection] ??= []).push({ targets, a, b });
  }
  return { scaling, branches };
}

/** The whole stack as fused operations read it, which take the layer's share themselves; gradients go to `gradients`. */
export function stackBranches(
  shape: StackShape,
  tensors: StackTensors,
  gradients: StackTensors,
): (layer: number) => Partial<Record<ProjectionName, FusedBranch>> {
  return (layer) => {
    const branches: Partial<Record<ProjectionName, FusedBranch>> = {};
    let position = 0;
    for (const { projection, targets } of shape.branches) {
      const own = (all: StackTensors): { a: tf.Tensor; b: tf.Tensor[] } => ({
        a: all[position],
        b: all.slice(position + 1, position + 1 + targets.length),
      });
      branches[projection] = { targets, layer, ...own(tensors), gradients: own(gradients) };
      position += 1 + targets.length;
    }
    return branches;
  };
}

/** [adapters, 1, 1] the scaling of each adapter; 1 where its modules have several (`ownScalings`). */
export function stackScaling(adapters: readonly AdapterForm[]): tf.Tensor3D {
  const values = adapters.map((adapter) => commonScaling(adapter) ?? 1);
  return tf.tensor3d(values, [adapters.length, 1, 1]);
}

/**
 * Where modules of an adapter have several scalings: for each tensor of the stack [layers, adapters, 1, 1], what B is to
 * be multiplied by, and 1 for A. Undefined where no adapter has. The caller disposes.
 */
export function ownScalings(
  { layers, branches }: StackShape,
  adapters: readonly AdapterForm[],
): StackTensors | undefined {
  const several = adapters.map((adapter) => commonScaling(adapter) === undefined);
  if (!several.includes(true)) return undefined;
  const factors = (factor: (adapter: AdapterForm, layer: number) => number): tf.Tensor4D =>
    tf.tensor4d(
      Array.from({ length: layers }, (_, layer) =>
        adapters.map((adapter, k) => (several[k] ? factor(adapter, layer) : 1)),
      ).flat(),
      [layers, adapters.length, 1, 1],
    );
  return branches.flatMap(({ targets }) => [
    factors(() => 1),
    ...targets.map((target) =>
      factors((adapter, layer) => {
        const form = moduleForm(adapter, layer, target);
        return form ? scalingOf(adapter, form) : 1;
      }),
    ),
  ]);
}

/** A stack times `ownScalings`; new tensors, the caller's. */
export function scaleStack(tensors: StackTensors, scalings: StackTensors): StackTensors {
  return tensors.map((tensor, i) => tf.mul<tf.Tensor4D>(tensor, scalings[i]));
}

function layerOf(tensor: tf.Tensor4D, layer: number): tf.Tensor3D {
  const [, adapters, rows, columns] = tensor.shape;
  return tf.tidy(() =>
    tf.reshape(tf.slice(tensor, [layer, 0, 0, 0], [1, adapters, rows, columns]), [
      adapters,
      rows,
      columns,
    ]),
  );
}

/** Writes the transpose of a [rows, columns] matrix to `into` from `start`, `stride` values to the row. */
function transposeInto(
  { shape: [rows, columns], values }: HostTensor,
  into: Float32Array,
  start: number,
  stride: number,
): void {
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) into[start + c * stride + r] = values[r * columns + c];
}

/** The transpose [columns, rows] of the first `columns` columns of `rows` rows at `start`, `stride` values to the row. */
function transposed(
  from: Float32Array,
  start: number,
  stride: number,
  rows: number,
  columns: number,
): Float32Array {
  const values = new Float32Array(rows * columns);
  for (let c = 0; c < columns; c++)
    for (let r = 0; r < rows; r++) values[c * rows + r] = from[start + r * stride + c];
  return values;
}
