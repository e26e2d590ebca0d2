/** The whole network over one batch: hidden states, losses with their gradients, and log-likelihoods. */
import * as tf from "@tensorflow/tfjs";
import { panelColumnsAt, product } from "../engine/fused";
import { crossEntropy } from "../engine/kernels";
import { free, scoped } from "../engine/scope";
import type { LayerAdapters } from "./adapters";
import {
  blockBackward,
  blockForward,
  type BlockSaved,
  type LayerGradients,
  type PassContext,
} from "./block";
import { attend, normWeightGradient, rmsNorm, rmsNormGradient, type Positions } from "./layers";
import { tokenIndex, type Layout } from "./layout";
import { ropeTables, rotateHalfMatrix } from "./rope";
import type { ModelConfig } from "./types";
import type { LayerWeights, ModelWeights } from "./weights";

/** A large negative score: exp() of it is 0 in fp32, and sums of two stay finite. */
export const MASKED = -1e9;

/** Rows of the head computed at once: 256 x 49,152 logits take 50 MB. */
const HEAD_ROWS = 256;

/** What the loss asks of one token: the place of the token before it, its id, and its weight in its job's loss. */
export interface LossToken {
  readonly index: number;
  readonly label: number;
  readonly weight: number;
}

/** A config with its weights. */
export interface Network {
  /** The model's shape. */
  readonly config: ModelConfig;
  /** The weights, as tensors on the engine. */
  readonly weights: ModelWeights;
}

/**
 * Context of a causal pass over whole rows; `keyLengths` bounds the keys of each row that may be attended to.
 * The caller disposes its tensors with `disposeContext`.
 */
export function causalContext(
  config: ModelConfig,
  layout: Layout,
  keyLengths?: readonly number[],
): CausalContext {
  const { time } = layout;
  const tables = ropeTables(
    config,
    Array.from({ length: time }, (_, t) => t),
  );
  const positions: Positions = {
    cos: tf.tidy(() => tf.reshape(tables.cos, [1, time, 1, config.headDim])),
    sin: tf.tidy(() => tf.reshape(tables.sin, [1, time, 1, config.headDim])),
    rotateHalf: rotateHalfMatrix(config.headDim),
  };
  tf.dispose({ ...tables });
  const mask = causalMask(config, time, keyLengths);
  const batch = layout.adapters * layout.rowsPerAdapter;
  return {
    config,
    layout,
    positions,
    mask,
    attend: (heads) => attend(config, heads, mask, batch, time),
  };
}

/** A pass context that owns its mask. */
export interface CausalContext extends PassContext {
  /** [1 or batch * keyValueHeads, groups * time, time] */
  readonly mask: tf.Tensor3D;
}

/** Frees what `causalContext` made. */
export function disposeContext(context: CausalContext): void {
  tf.dispose([context.mask, context.positions.cos, context.positions.sin]);
  context.positions.rotateHalf.dispose();
}

/** Token embeddings of the flat list, [tokens, hidden]. */
export function embed(weights: ModelWeights, ids: Int32Array): tf.Tensor2D {
  const { embedding } = weights;
  return tf.tidy(() => {
    const places = tf.tensor1d(ids, "int32");
    if (embedding.rank === 2) return tf.gather(embedding as tf.Tensor2D, places);
    return panelColumnsAt(embedding, places);
  });
}

/**
 * Hidden states after the last layer, [tokens, hidden], before the final norm. `onSaved` gets each layer's tensors and what went
 * into it, and disposes both.
 */
export function forwardHidden(
  { weights }: Network,
  context: PassContext,
  adapters: readonly LayerAdapters[] | undefined,
  onSaved: (saved: BlockSaved, x: tf.Tensor2D) => void,
): tf.Tensor2D {
  let x = embed(weights, context.layout.ids);
  weights.layers.forEach((layer, l) => {
    const { output, saved } = blockForward(context, layer, adapters?.[l], x);
    onSaved(saved, x);
    x = output;
  });
  return x;
}

/** Logits at the given tokens of the flat list, [indices, vocabulary]. */
export function logitsAt(
  network: Network,
  hidden: tf.Tensor2D,
  indices: readonly number[],
): tf.Tensor2D {
  const { config, weights } = network;
  return tf.tidy(() => {
    const rows = tf.gather(hidden, tf.tensor1d(Int32Array.from(indices), "int32"));
    const normed = tf.mul(rmsNorm(rows, config.rmsNormEpsilon).normalised, weights.finalNorm);
    return headLogits(network, normed as tf.Tensor2D);
  });
}

/** [tokens] the loss of every token asked for, in order, which the caller disposes; nothing else is kept. */
export function tokenLosses(
  network: Network,
  adapters: readonly LayerAdapters[] | undefined,
  layout: Layout,
  tokens: readonly LossToken[],
): tf.Tensor1D {
  const context = causalContext(network.config, layout);
  const hidden = forwardHidden(network, context, adapters, (saved, x) => free([saved, x]));
  disposeContext(context);
  const { losses, gradient } = headLoss(network, hidden, tokens, false);
  tf.dispose([hidden, gradient]);
  return losses;
}

/**
 * [tokens] loss of every token asked for (the caller disposes it), and the gradient of their weighted sum for all stacked
 * adapters, a layer at a time: `onGradients` receives each layer's, from the last to the first, and disposes them. Where a layer
 * is to be `remade`, only what goes into it is kept for the way back.
 */
export function lossAndGradients(
  network: Network,
  adapters: readonly LayerAdapters[],
  layout: Layout,
  tokens: readonly LossToken[],
  onGradients: (gradients: LayerGradients, layer: number) => void,
  keyLengths?: readonly number[],
  remade = false,
): tf.Tensor1D {
  const context = causalContext(network.config, layout, keyLengths);
  const { hidden, kept } = keptForward(network, context, adapters, remade);
  const head = headLoss(network, hidden, tokens, true);
  hidden.dispose();
  const input = backward(network, context, adapters, kept, head.gradient, (back, l) =>
    onGradients(back.adapters, l),
  );
  input.dispose();
  disposeContext(context);
  return head.losses;
}

/** What the way back needs of each layer: what it kept, or what went into it. */
export type Kept = readonly { readonly saved?: BlockSaved; readonly x?: tf.Tensor2D }[];

/** The hidden states after the last layer, and what the way back needs; `remade` as in `lossAndGradients`. */
export function keptForward(
  network: Network,
  context: PassContext,
  adapters: readonly LayerAdapters[] | undefined,
  remade: boolean,
): { hidden: tf.Tensor2D; kept: Kept } {
  const kept: Kept[number][] = [];
  const hidden = forwardHidden(network, context, adapters, (saved, x) => {
    free(remade ? saved : x);
    kept.push(remade ? { x } : { saved });
  });
  return { hidden, kept };
}

/**
 * Back through the layers, the last first: frees what was kept of them, and `gradient`, and gives the gradient of the
 * embeddings, [tokens, hidden]. `onLayer` disposes what it is given, but for the input's.
 */
export function backward(
  { weights }: Network,
  context: PassContext,
  adapters: readonly LayerAdapters[] | undefined,
  kept: Kept,
  gradient: tf.Tensor2D,
  onLayer: (back: ReturnType<typeof blockBackward>, layer: number) => void,
  trained = false,
): tf.Tensor2D {
  for (let l = kept.length - 1; l >= 0; l--) {
    const layer = weights.layers[l];
    const saved = kept[l].saved ?? madeAgain(context, layer, adapters?.[l], kept[l].x!);
    const back = blockBackward(context, layer, adapters?.[l], saved, gradient, trained);
    free([gradient, saved]);
    gradient = back.input;
    onLayer(back, l);
  }
  return gradient;
}

/** What a layer's way back needs, from what went into it, which is freed. */
function madeAgain(
  context: PassContext,
  layer: LayerWeights,
  adapters: LayerAdapters | undefined,
  x: tf.Tensor2D,
): BlockSaved {
  const { output, saved } = blockForward(context, layer, adapters, x);
  free([output, x]);
  return saved;
}

/** Where the loss of row `r`, token `t` (t >= 1) is read: the place of the token before it. */
export function lossIndex(layout: Layout, r: number, t: number): number {
  return tokenIndex(layout, r, t - 1);
}

/** x [rows, hidden] -> [rows, vocabulary]. TensorFlow's product is several times faster as head times x. */
function headLogits({ config, weights }: Network, x: tf.Tensor2D): tf.Tensor2D {
  const { head } = weights;
  if (head.rank !== 2) return product(x, head, config.vocabularySize);
  return tf.transpose(tf.matMul<tf.Tensor2D>(head as tf.Tensor2D, x, false, true));
}

/** Gradient of `headLogits` for x. */
function headGradient({ config, weights }: Network, gradient: tf.Tensor2D): tf.Tensor2D {
  const { head } = weights;
  if (head.rank !== 2) return product(gradient, head, config.vocabularySize, true);
  return tf.matMul(gradient, head as tf.Tensor2D);
}

/** Gradients of the head [vocabulary, hidden] and of the last norm [hidden]. */
export interface HeadGradients {
  readonly head: tf.Tensor2D;
  readonly finalNorm: tf.Tensor1D;
}

/**
 * Losses [tokens asked for], and the gradient of their weighted sum for the hidden states [tokens, hidden]; with
 * `trained`, for the head, which is plain then, and the last norm too.
 */
export function headLoss(
  network: Network,
  hidden: tf.Tensor2D,
  tokens: readonly LossToken[],
  withGradient: boolean,
  trained = false,
): { losses: tf.Tensor1D; gradient: tf.Tensor2D; weights?: HeadGradients } {
  const { config, weights } = network;
  return scoped(() => {
    const indices = tf.tensor1d(
      Int32Array.from(tokens, (token) => token.index),
      "int32",
    );
    const saved = rmsNorm(tf.gather<tf.Tensor2D>(hidden, indices), config.rmsNormEpsilon);
    const normed = tf.mul(saved.normalised, weights.finalNorm) as tf.Tensor2D;
    const parts: { losses: tf.Tensor1D; gradient: tf.Tensor2D }[] = [];
    let head: tf.Tensor2D | undefined;
    for (let start = 0; start < tokens.length; start += HEAD_ROWS) {
      const chunk = tokens.slice(start, start + HEAD_ROWS);
      const before = head;
      const part = scoped(() => {
        const rows = tf.slice(normed, [start, 0], [chunk.length, -1]);
        const labels = tf.tensor1d(
          Int32Array.from(chunk, (token) => token.label),
          "int32",
        );
        const shares = tf.tensor1d(Float32Array.from(chunk, (token) => token.weight));
        const { loss, gradient } = crossEntropy(headLogits(network, rows), labels, shares);
        if (!withGradient)
          return { losses: loss, gradient: tf.zeros<tf.Rank.R2>([0, config.hiddenSize]) };
        const own = trained ? tf.matMul<tf.Tensor2D>(gradient, rows, true, false) : undefined;
        head = own && before ? tf.add<tf.Tensor2D>(before, own) : own;
        const found = { losses: loss, gradient: headGradient(network, gradient) };
        return head ? { ...found, head } : found;
      });
      before?.dispose();
      parts.push(part);
    }
    const losses = joined(parts.map((part) => part.losses));
    const total = joined(parts.map((part) => part.gradient));
    if (!withGradient) return { losses, gradient: total };
    const gathered = rmsNormGradient(total, weights.finalNorm, saved);
    const gradient = spread(gathered, tokens, hidden.shape[0]);
    if (!head) return { losses, gradient };
    return { losses, gradient, weights: { head, finalNorm: normWeightGradient(total, saved) } };
  });
}

function joined<T extends tf.Tensor1D | tf.Tensor2D>(parts: readonly T[]): T {
  return parts.length === 1 ? parts[0] : (tf.concat<tf.Tensor>([...parts], 0) as T);
}

/** Puts gradient rows back at their tokens, zero elsewhere: [tokens asked for, hidden] -> [tokens, hidden]. */
function spread(rows: tf.Tensor2D, tokens: readonly LossToken[], count: number): tf.Tensor2D {
  const source = new Int32Array(count).fill(tokens.length);
  tokens.forEach((token, i) => (source[token.index] = i));
  const withZero = tf.concat([rows, tf.zeros([1, rows.shape[1]])], 0);
  return tf.gather(withZero, tf.tensor1d(source, "int32")) as tf.Tensor2D;
}

/** [1, groups * time, time], or one for each row and key head where rows have key lengths of their own. */
function causalMask(
  config: ModelConfig,
  time: number,
  keyLengths?: readonly number[],
): tf.Tensor3D {
  const groups = config.headCount / config.keyValueHeadCount;
  const masks = keyLengths
    ? keyLengths.flatMap((length) => new Array<number>(config.keyValueHeadCount).fill(length))
    : [time];
  const values = new Float32Array(masks.length * groups * time * time);
  masks.forEach((length, m) => {
    for (let g = 0; g < groups; g++)
      for (let t = 0; t < time; t++) {
        const row = ((m * groups + g) * time + t) * time;
        values.fill(MASKED, row + Math.min(t + 1, length), row + time);
      }
  });
  return tf.tensor3d(values, [masks.length, groups * time, time]);
}
