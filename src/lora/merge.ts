/** Merging into the weights: W + scaling A B, as PEFT's merge_and_unload, or any change of the adapted matrices. */
import * as tf from "@tensorflow/tfjs";
import {
  PROJECTIONS,
  projectionWidth,
  targetShape,
  type ProjectionName,
  type TargetName,
} from "../model/adapters";
import { plainMatrix, storedMatrix, type WeightMatrix } from "../model/matrix";
import type { ModelConfig } from "../model/types";
import type { LayerWeights, ModelWeights } from "../model/weights";
import { moduleMatrices, type Adapter } from "./adapter";

/** What is added to one target's matrix, [in, out]; undefined where nothing is. Called within tf.tidy. */
export type WeightChange = (layer: number, target: TargetName) => tf.Tensor2D | undefined;

/**
 * New weights with the adapter merged in. Only adapted matrices are new tensors; the rest are clones that share
 * their memory, so both sets are disposed on their own.
 */
export function mergeWeights(
  config: ModelConfig,
  weights: ModelWeights,
  adapter: Adapter,
): ModelWeights {
  return changeWeights(config, weights, (layer, target) =>
    adapterChange(config, adapter, layer, target),
  );
}

/** New weights with a change added to each target's matrix; memory as for `mergeWeights`. */
export function changeWeights(
  config: ModelConfig,
  weights: ModelWeights,
  change: WeightChange,
): ModelWeights {
  const layers = weights.layers.map((layer, l) => changeLayer(config, layer, change, l));
  const embedding = tf.clone(weights.embedding);
  const head = weights.head === weights.embedding ? embedding : tf.clone(weights.head);
  return { embedding, layers, finalNorm: tf.clone(weights.finalNorm), head };
}

/** What an adapter adds to a target's matrix: scaling A B, [in, out]; undefined where it does not adapt it. The caller disposes it. */
export function adapterChange(
  config: ModelConfig,
  adapter: Adapter,
  layer: number,
  target: TargetName,
): tf.Tensor2D | undefined {
  const own = moduleMatrices(adapter, layer, target);
  if (!own) return undefined;
  const { a, b, rank, scaling } = own;
  const { input, output } = targetShape(config, target);
  return tf.tidy(() => {
    const product = tf.matMul<tf.Tensor2D>(
      tf.tensor2d(a.values, [rank, input]),
      tf.tensor2d(b.values, [output, rank]),
      true,
      true,
    );
    return tf.mul<tf.Tensor2D>(product, scaling);
  });
}

function changeLayer(
  config: ModelConfig,
  layer: LayerWeights,
  change: WeightChange,
  index: number,
): LayerWeights {
  const changed = Object.entries(layer).map(([name, tensor]: [string, tf.Tensor]) => [
    name,
    name in PROJECTIONS
      ? changeMatrix(config, tensor as WeightMatrix, name as ProjectionName, change, index)
      : tf.clone(tensor),
  ]);
  return Object.fromEntries(changed) as LayerWeights;
}

/** The weight with the changes of each target added at its columns. */
function changeMatrix(
  config: ModelConfig,
  weight: WeightMatrix,
  projection: ProjectionName,
  change: WeightChange,
  layer: number,
): WeightMatrix {
  return tf.tidy(() => {
    const changes = PROJECTIONS[projection].map((target) => {
      const { input, output } = targetShape(config, target);
      return change(layer, target) ?? tf.zeros<tf.Rank.R2>([input, output]);
    });
    const whole = changes.length === 1 ? changes[0] : tf.concat(changes, 1);
    const merged = tf.add<tf.Tensor2D>(
      plainMatrix(weight, projectionWidth(config, projection)),
      whole,
    );
    return weight.rank === 2 ? merged : storedMatrix(tf.transpose(merged));
  });
}
