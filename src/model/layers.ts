/**
 * The parts of a transformer layer that have no trained weights of their own here: each a forward function and,
 * beside it, its gradient by hand. Callers wrap them in tf.tidy.
 */
import * as tf from "@tensorflow/tfjs";
import type { ModelConfig } from "./types";
import { applyRope } from "./rope";

/** What the gradient of a normalisation needs. */
export interface NormSaved {
  /** [tokens, hidden] x / rms(x) */
  readonly normalised: tf.Tensor2D;
  /** [tokens, 1] 1 / rms(x) */
  readonly inverse: tf.Tensor2D;
}

/** RMSNorm without its weight (Zhang and Sennrich 2019): x / sqrt(mean(x^2) + epsilon). x [tokens, hidden] */
export function rmsNorm(x: tf.Tensor2D, epsilon: number): NormSaved {
  const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(x), 1, true), epsilon)) as tf.Tensor2D;
  return { normalised: tf.mul(x, inverse), inverse };
}

/** Gradient of `rmsNorm` for the gradient of its weighted output: `gradient` [tokens, hidden], `weight` [hidden]. */
export function rmsNormGradient(
  gradient: tf.Tensor2D,
  weight: tf.Tensor1D,
  { normalised, inverse }: NormSaved,
): tf.Tensor2D {
  const weighted = tf.mul(gradient, weight);
  const along = tf.mean(tf.mul(weighted, normalised), 1, true);
  return tf.mul(tf.sub(weighted, tf.mul(normalised, along)), inverse);
}

/** Gradient of `rmsNorm`'s weight, [hidden], for the gradient of its weighted output. */
export function normWeightGradient(gradient: tf.Tensor2D, { normalised }: NormSaved): tf.Tensor1D {
  return tf.sum(tf.mul(gradient, normalised), 0);
}

/** What the gradient of the gated unit needs, each [tokens, intermediate]. */
export interface GatedSaved {
  readonly gate: tf.Tensor2D;
  readonly up: tf.Tensor2D;
  readonly sigmoid: tf.Tensor2D;
}

/** SwiGLU (Shazeer 2020): silu(gate) * up, from [tokens, 2 * intermediate]. */
export function gatedUnit(gateUp: tf.Tensor2D): { output: tf.Tensor2D; saved: GatedSaved } {
  const [gate, up] = tf.split(gateUp, 2, 1) as [tf.Tensor2D, tf.Tensor2D];
  const saved = { gate, up, sigmoid: tf.sigmoid(gate) };
  return { output: gatedOutput(saved), saved };
}

/** The output of `gatedUnit` from what was kept of it. */
export function gatedOutput({ gate, up, sigmoid }: GatedSaved): tf.Tensor2D {
  return tf.mul(tf.mul(gate, sigmoid), up);
}

/** Gradient of `gatedUnit`: [tokens, intermediate] -> [tokens, 2 * intermediate]. */
export function gatedUnitGradient(
  gradient: tf.Tensor2D,
  { gate, up, sigmoid }: GatedSaved,
): tf.Tensor2D {
  const silu = tf.mul(gate, sigmoid);
  const slope = tf.add(sigmoid, tf.mul(silu, tf.sub(1, sigmoid)));
  const gateGradient = tf.mul<tf.Tensor2D>(tf.mul(gradient, up), slope);
  return tf.concat([gateGradient, tf.mul<tf.Tensor2D>(gradient, silu)], 1);
}

/** Rotary tables that broadcast against [batch, time, heads, headDim], and the constant matrix of rotate_half. */
export interface Positions {
  readonly cos: tf.Tensor4D;
  readonly sin: tf.Tensor4D;
  readonly rotateHalf: tf.Tensor2D;
}

/** Heads laid out for batched products; query heads that share a key head lie below one another. */
export interface Heads {
  /** [batch * keyValueHeads, groups * time, headDim], rotated and scaled by 1 / sqrt(headDim) */
  readonly query: tf.Tensor3D;
  /** [batch * keyValueHeads, time, headDim], rotated */
  readonly key: tf.Tensor3D;
  /** [batch * keyValueHeads, time, headDim] */
  readonly value: tf.Tensor3D;
}

/** What the gradient of attention needs. */
export interface AttentionSaved extends Heads {
  /** [batch * keyValueHeads, groups * time, keys] attention weights */
  readonly weights: tf.Tensor3D;
}

/** Splits the fused projection into rotated heads; qkv [batch, time, queries + keys + values]. */
export function splitHeads(config: ModelConfig, qkv: tf.Tensor3D, positions: Positions): Heads {
  const [batch, time] = qkv.shape;
  const { headCount: queries, keyValueHeadCount: keys, headDim } = config;
  const heads = tf.reshape(qkv, [batch, time, queries + 2 * keys, headDim]) as tf.Tensor4D;
  const turned = applyRope(
    tf.slice(heads, [0, 0, 0, 0], [batch, time, queries + keys, headDim]),
    positions.cos,
    positions.sin,
    positions.rotateHalf,
  );
  const part = (x: tf.Tensor4D, start: number, count: number): tf.Tensor4D =>
    tf.slice(x, [0, 0, start, 0], [batch, time, count, headDim]);
  const scaled = tf.mul<tf.Tensor4D>(part(turned, 0, queries), 1 / Math.sqrt(headDim));
  return {
    query: headsFirst(scaled, keys),
    key: headsFirst(part(turned, queries, keys), keys),
    value: headsFirst(part(heads, queries + keys, keys), keys),
  };
}

/**
 * Grouped-query attention. `mask` is added to the scores and broadcasts against
 * [batch * keyValueHeads, groups * time, keys]. Output [batch, time, queries].
 */
export function attend(
  config: ModelConfig,
  { query, key, value }: Heads,
  mask: tf.Tensor,
  batch: number,
  time: number,
): { output: tf.Tensor3D; weights: tf.Tensor3D } {
  const scores = tf.add(tf.matMul(query, key, false, true), mask);
  const weights = tf.softmax(scores) as tf.Tensor3D;
  return { output: attended(config, { value, weights }, batch, time), weights };
}

/** The output of `attend`, [batch, time, queries], from what was kept of it. */
export function attended(
  config: ModelConfig,
  { value, weights }: Pick<AttentionSaved, "value" | "weights">,
  batch: number,
  time: number,
): tf.Tensor3D {
  return headsLast(tf.matMul(weights, value), batch, config.keyValueHeadCount, time);
}

/** Gradient of `attend` and `splitHeads`: [batch, time, queries] -> [batch, time, queries + keys + values]. */
export function attendGradient(
  config: ModelConfig,
  gradient: tf.Tensor3D,
  { query, key, value, weights }: AttentionSaved,
  positions: Positions,
): tf.Tensor3D {
  const [batch, time] = gradient.shape;
  const { headCount: queries, keyValueHeadCount: keys, headDim } = config;
  const split = tf.reshape(gradient, [batch, time, queries, headDim]) as tf.Tensor4D;
  const output = headsFirst(split, keys);
  const valueGradient = tf.matMul<tf.Tensor3D>(weights, output, true, false);
  const weightGradient = tf.matMul(output, value, false, true);
  const along = tf.sum(tf.mul(weightGradient, weights), 2, true);
  const scoreGradient = tf.mul(weights, tf.sub(weightGradient, along));
  const queryGradient = tf.mul<tf.Tensor3D>(tf.matMul(scoreGradient, key), 1 / Math.sqrt(headDim));
  const keyGradient = tf.matMul<tf.Tensor3D>(scoreGradient, query, true, false);
  const last = (x: tf.Tensor3D, heads: number): tf.Tensor4D =>
    tf.reshape(headsLast(x, batch, keys, time), [batch, time, heads, headDim]);
  const turned = tf.concat([last(queryGradient, queries), last(keyGradient, keys)], 2);
  const { cos, sin, rotateHalf } = positions;
  const straight = applyRope(turned as tf.Tensor4D, cos, sin, rotateHalf, true);
  const all = tf.concat([straight, last(valueGradient, keys)], 2);
  return tf.reshape(all, [batch, time, (queries + 2 * keys) * headDim]);
}

/** [batch, time, heads, headDim] -> [batch * keyValueHeads, groups * time, headDim] */
function headsFirst(x: tf.Tensor4D, keyValueHeads: number): tf.Tensor3D {
  const [batch, time, heads, headDim] = x.shape;
  const groups = heads / keyValueHeads;
  const split = tf.reshape(x, [batch, time, keyValueHeads, groups, headDim]);
  const order = tf.transpose(split, [0, 2, 3, 1, 4]);
  return tf.reshape(order, [batch * keyValueHeads, groups * time, headDim]);
}

/** [batch * keyValueHeads, groups * time, headDim] -> [batch, time, heads * headDim] */
function headsLast(
  x: tf.Tensor3D,
  batch: number,
  keyValueHeads: number,
  time: number,
): tf.Tensor3D {
  const headDim = x.shape[2];
  const groups = x.shape[1] / time;
  const split = tf.reshape(x, [batch, keyValueHeads, groups, time, headDim]);
  const order = tf.transpose(split, [0, 3, 1, 2, 4]);
  return tf.reshape(order, [batch, time, keyValueHeads * groups * headDim]);
}
