/** Rotary position embeddings: the tables, and their application (which is its own inverse with -sin). */
import * as tf from "@tensorflow/tfjs";
import type { ModelConfig } from "./types";

/** cos and sin by position, [positions, headDim] each; both halves of a head hold the same angles. */
export interface RopeTables {
  readonly cos: tf.Tensor2D;
  readonly sin: tf.Tensor2D;
}

/**
 * Angle per position of each pair of a head, [headDim / 2]; transformers' ROPE_INIT_FUNCTIONS
 * "default", "linear" and "llama3".
 */
export function inverseFrequencies(config: ModelConfig): number[] {
  const half = config.headDim / 2;
  const plain = Array.from({ length: half }, (_, i) =>
    Math.fround(1 / Math.fround(Math.pow(config.ropeTheta, (2 * i) / config.headDim))),
  );
  const scaling = config.ropeScaling;
  if (!scaling) return plain;
  if (scaling.type === "linear")
    return plain.map((frequency) => Math.fround(frequency / scaling.factor));
  const longest = scaling.originalMaximumPositions / scaling.lowFrequencyFactor;
  const shortest = scaling.originalMaximumPositions / scaling.highFrequencyFactor;
  return plain.map((frequency) => {
    const wavelength = (2 * Math.PI) / frequency;
    if (wavelength < shortest) return frequency;
    if (wavelength > longest) return frequency / scaling.factor;
    const smooth =
      (scaling.originalMaximumPositions / wavelength - scaling.lowFrequencyFactor) /
      (scaling.highFrequencyFactor - scaling.lowFrequencyFactor);
    return ((1 - smooth) * frequency) / scaling.factor + smooth * frequency;
  });
}

/** Tables for the given positions (caller disposes). */
export function ropeTables(config: ModelConfig, positions: readonly number[]): RopeTables {
  const frequencies = inverseFrequencies(config);
  const { headDim } = config;
  const cos = new Float32Array(positions.length * headDim);
  const sin = new Float32Array(positions.length * headDim);
  positions.forEach((position, p) => {
    for (let i = 0; i < headDim; i++) {
      const angle = Math.fround(position * frequencies[i % (headDim / 2)]);
      cos[p * headDim + i] = Math.cos(angle);
      sin[p * headDim + i] = Math.sin(angle);
    }
  });
  const shape: [number, number] = [positions.length, headDim];
  return { cos: tf.tensor2d(cos, shape), sin: tf.tensor2d(sin, shape) };
}

/** The constant matrix R of rotate_half: x R = concat(-x2, x1) for x = concat(x1, x2). [headDim, headDim] */
export function rotateHalfMatrix(headDim: number): tf.Tensor2D {
  const values = new Float32Array(headDim * headDim);
  const half = headDim / 2;
  for (let i = 0; i < half; i++) {
    values[(i + half) * headDim + i] = -1;
    values[i * headDim + i + half] = 1;
  }
  return tf.tensor2d(values, [headDim, headDim]);
}

/**
 * x cos + rotate_half(x) sin, for x [batch, time, heads, headDim] and tables that broadcast against it,
 * e.g. [1, time, 1, headDim]. The gradient is the same with `inverse`: rotation by the opposite angle.
 */
export function applyRope(
  x: tf.Tensor4D,
  cos: tf.Tensor,
  sin: tf.Tensor,
  rotateHalf: tf.Tensor2D,
  inverse = false,
): tf.Tensor4D {
  const headDim = x.shape[3];
  const rotated = tf.reshape(
    tf.matMul(tf.reshape(x, [-1, headDim]), rotateHalf, false, inverse),
    x.shape,
  );
  return tf.add(tf.mul(x, cos), tf.mul(rotated, sin));
}
