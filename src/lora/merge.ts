/** Merging an adapter into the weights: W + scaling A B, as PEFT's merge_and_unload. */
import * as tf from "@tensorflow/tfjs";
import { PROJECTIONS, targetShape, type ProjectionName } from "../model/adapters";
import type { ModelConfig } from "../model/types";
import type { LayerWeights, ModelWeights } from "../model/weights";
import { adapterTensorName, type Adapter } from "./adapter";

/**
 * New weights with the adapter merged in. Only adapted matrices are new tensors; the rest are clones that share
 * their memory, so both sets are disposed on their own.
 */
export function mergeWeights(
  config: ModelConfig,
  weights: ModelWeights,
  adapter: Adapter,
): ModelWeights {
  const layers = weights.layers.map((layer, l) => mergeLayer(config, layer, adapter, l));
  const embedding = tf.clone(weights.embedding);
  const head = weights.head === weights.embedding ? embedding : tf.clone(weights.head);
  return { embedding, layers, finalNorm: tf.clone(weights.finalNorm), head };
}

function mergeLayer(
  config: ModelConfig,
  layer: LayerWeights,
  adapter: Adapter,
  index: number,
): LayerWeights {
  const merged = Object.entries(layer).map(([name, tensor]: [string, tf.Tensor]) => [
    name,
    name in PROJECTIONS
      ? mergeMatrix(config, tensor as tf.Tensor2D, name as ProjectionName, adapter, index)
      : tf.clone(tensor),
  ]);
  return Object.fromEntries(merged) as LayerWeights;
}

/** [in, out] + the deltas of each target at its columns. */
function mergeMatrix(
  config: ModelConfig,
  weight: tf.Tensor2D,
  projection: ProjectionName,
  adapter: Adapter,
  layer: number,
): tf.Tensor2D {
  return tf.tidy(() => {
    const deltas = PROJECTIONS[projection].map((target) => {
      const a = adapter.tensors.get(adapterTensorName(layer, target, "A"));
      const b = adapter.tensors.get(adapterTensorName(layer, target, "B"));
      const { input, output } = targetShape(config, target);
      if (!a || !b) return tf.zeros<tf.Rank.R2>([input, output]);
      const product = tf.matMul<tf.Tensor2D>(
        tf.tensor2d(a.values, [adapter.rank, input]),
        tf.tensor2d(b.values, [output, adapter.rank]),
        true,
        true,
      );
      return tf.mul<tf.Tensor2D>(product, adapter.alpha / adapter.rank);
    });
    return tf.add<tf.Tensor2D>(weight, deltas.length === 1 ? deltas[0] : tf.concat(deltas, 1));
  });
}
