/** Weights as a tree of tensors: all of them in a list, changed one by one, made plain to be trained, and stored again. */
import * as tf from "@tensorflow/tfjs";
import { PROJECTIONS, projectionWidth, type ProjectionName } from "./adapters";
import { plainHead, plainMatrix, storedHead, storedMatrix, type WeightMatrix } from "./matrix";
import type { ModelConfig } from "./types";
import type { LayerWeights, ModelWeights } from "./weights";

/** What a tensor is in the tree. */
export type WeightName = keyof LayerWeights | Exclude<keyof ModelWeights, "layers">;

/** The order of a layer's tensors here. */
const LAYER_NAMES = [
  "inputNorm",
  "postAttentionNorm",
  "queryKeyValue",
  "queryKeyValueBias",
  "output",
  "gateUp",
  "down",
] as const satisfies readonly (keyof LayerWeights)[];

/** Every tensor of the weights once, in a fixed order; a tied head is the embedding. */
export function weightTensors(weights: ModelWeights): tf.Tensor[] {
  const tensors: tf.Tensor[] = [];
  mapWeights(weights, (tensor) => {
    tensors.push(tensor);
    return tensor;
  });
  return tensors;
}

/** A tree of the same form with other tensors, asked for once each in the order of `weightTensors`. */
export function mapWeights(
  { embedding, layers, finalNorm, head }: ModelWeights,
  change: (tensor: tf.Tensor, name: WeightName) => tf.Tensor,
): ModelWeights {
  const first = change(embedding, "embedding");
  const others = layers.map((layer) =>
    LAYER_NAMES.flatMap((name) => {
      const tensor = layer[name];
      return tensor ? [[name, change(tensor, name)]] : [];
    }),
  );
  const norm = change(finalNorm, "finalNorm");
  const last = head === embedding ? first : change(head, "head");
  return {
    embedding: first as WeightMatrix,
    layers: others.map((layer) => Object.fromEntries(layer) as LayerWeights),
    finalNorm: norm as tf.Tensor1D,
    head: last as WeightMatrix,
  };
}

/** A copy with every matrix plain: [in, out], embedding and head [vocabulary, hidden]. It shares no memory; the caller disposes it. */
export function plainWeights(config: ModelConfig, weights: ModelWeights): ModelWeights {
  const plain = (tensor: tf.Tensor, name: WeightName): tf.Tensor => {
    if (tensor.rank < 2) return tensor;
    return name in PROJECTIONS
      ? plainMatrix(tensor as WeightMatrix, projectionWidth(config, name as ProjectionName))
      : plainHead(tensor as WeightMatrix, config.vocabularySize);
  };
  // A product is new memory, where a clone shares the old.
  return mapWeights(weights, (tensor, name) => tf.tidy(() => tf.mul(plain(tensor, name), 1)));
}

/** Plain weights in the form that the engine reads fastest, which take the plain ones' place: these are freed. */
export function storedWeights(plain: ModelWeights): ModelWeights {
  const tied = plain.head === plain.embedding;
  return mapWeights(plain, (tensor, name) => {
    if (name in PROJECTIONS) {
      const stored = tf.tidy(() => storedMatrix(tf.transpose(tensor as tf.Tensor2D)));
      tensor.dispose();
      return stored;
    }
    const asHead = name === "head" || (name === "embedding" && tied);
    return asHead ? storedHead(tensor as tf.Tensor2D) : tensor;
  });
}
