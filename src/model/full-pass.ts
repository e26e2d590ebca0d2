/** A pass that trains the network's own weights: losses, and their gradients in the form of the weights. */
import * as tf from "@tensorflow/tfjs";
import type { Layout } from "./layout";
import {
  backward,
  causalContext,
  disposeContext,
  headLoss,
  keptForward,
  type LossToken,
  type Network,
} from "./transformer";
import type { LayerWeights, ModelWeights } from "./weights";

/**
 * [tokens] loss of every token asked for, and the gradient of their weighted sum for every weight of the network, which
 * are plain (`plainWeights`); a tied head's and the embedding's are one. The caller disposes both. Where a layer is to be
 * `remade`, only what goes into it is kept for the way back.
 */
export function lossAndWeightGradients(
  network: Network,
  layout: Layout,
  tokens: readonly LossToken[],
  keyLengths?: readonly number[],
  remade = false,
): { losses: tf.Tensor1D; gradients: ModelWeights } {
  const { config, weights } = network;
  const context = causalContext(config, layout, keyLengths);
  const { hidden, kept } = keptForward(network, context, undefined, remade);
  const { losses, gradient, weights: last } = headLoss(network, hidden, tokens, true, true);
  hidden.dispose();
  const layers: LayerWeights[] = [];
  const onLayer = (back: { readonly weights?: LayerWeights }, l: number): void => {
    layers[l] = back.weights!;
  };
  const input = backward(network, context, undefined, kept, gradient, onLayer, true);
  disposeContext(context);
  const { head, finalNorm } = last!;
  const read = embeddingGradient(input, layout.ids, weights.embedding.shape as [number, number]);
  input.dispose();
  if (!config.tiedHead) return { losses, gradients: { embedding: read, layers, finalNorm, head } };
  const embedding = tf.add<tf.Tensor2D>(read, head);
  tf.dispose([read, head]);
  return { losses, gradients: { embedding, layers, finalNorm, head: embedding } };
}

/** The gradient of every token's row, added up by token: [vocabulary, hidden]. */
function embeddingGradient(
  gradient: tf.Tensor2D,
  ids: Int32Array,
  shape: [number, number],
): tf.Tensor2D {
  return tf.tidy(() =>
    tf.scatterND(tf.tensor2d(ids, [ids.length, 1], "int32"), gradient, shape),
  ) as tf.Tensor2D;
}
