/** AdamW and clipping for stacked adapters: every adapter has its own step count, rate and norm. */
import * as tf from "@tensorflow/tfjs";
import type { StackTensors } from "./stack";

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/**
 * The moments, scaled so that an update needs no product by 1 - beta:
 * first = m / (1 - beta1), second = v / (1 - beta2).
 */
export interface Moments {
  readonly first: StackTensors;
  readonly second: StackTensors;
}

/** What differs between the adapters of one update. */
export interface AdapterUpdate {
  /** Steps already taken by this adapter, 0 before its first. */
  readonly step: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Factor on the gradient (clipping). */
  readonly gradientScale: number;
}

/** Zero moments for the parameters. The caller disposes. */
export function createMoments(parameters: StackTensors): Moments {
  const zeros = (): StackTensors => parameters.map((parameter) => tf.zerosLike(parameter));
  return { first: zeros(), second: zeros() };
}

/** Global norm of each adapter's gradient, over all its matrices (torch.nn.utils.clip_grad_norm_). */
export function gradientNorms(gradients: StackTensors): Float32Array {
  const squares = tf.tidy(() => {
    const sums = gradients.map((gradient) => tf.sum(tf.square(gradient), [0, 2, 3]));
    return sums.reduce((total, sum) => tf.add(total, sum)).dataSync() as Float32Array;
  });
  return squares.map(Math.sqrt);
}

/** clip_grad_norm_'s factor: at most 1. */
export function clipFactor(norm: number, clipNorm: number): number {
  return clipNorm > 0 ? Math.min(1, clipNorm / (norm + 1e-6)) : 1;
}

/**
 * One AdamW step (Loshchilov and Hutter 2019; torch.optim.AdamW) of all adapters. Replaces the tensors in
 * `parameters` and `moments` and disposes the old ones; the gradients stay the caller's.
 */
export function adamStep(
  parameters: StackTensors,
  gradients: StackTensors,
  moments: Moments,
  updates: readonly AdapterUpdate[],
): void {
  const factors = tf.tidy(() => updateFactors(updates));
  parameters.forEach((parameter, i) => {
    const old = [parameter, moments.first[i], moments.second[i]];
    const [next, first, second] = tf.tidy(() => {
      const gradient = factors.scale ? tf.mul(gradients[i], factors.scale) : gradients[i];
      const m = tf.add(tf.mul(moments.first[i], BETA1), gradient);
      const v = tf.add(tf.mul(moments.second[i], BETA2), tf.square(gradient));
      const direction = tf.div(m, tf.add(tf.sqrt(v), factors.epsilon));
      const kept = factors.keep ? tf.mul(parameter, factors.keep) : parameter;
      return [tf.sub(kept, tf.mul(direction, factors.rate)), m, v] as tf.Tensor4D[];
    });
    parameters[i] = next;
    moments.first[i] = first;
    moments.second[i] = second;
    tf.dispose(old);
  });
  tf.dispose({ ...factors });
}

/** Factors by adapter, [1, adapters, 1, 1] each; absent where they would all be 1. */
function updateFactors(updates: readonly AdapterUpdate[]): {
  scale?: tf.Tensor;
  keep?: tf.Tensor;
  rate: tf.Tensor;
  epsilon: tf.Tensor;
} {
  const column = (value: (update: AdapterUpdate) => number): tf.Tensor =>
    tf.tensor4d(updates.map(value), [1, updates.length, 1, 1]);
  const correction1 = (u: AdapterUpdate): number => 1 - BETA1 ** (u.step + 1);
  const correction2 = (u: AdapterUpdate): number => 1 - BETA2 ** (u.step + 1);
  const root = (u: AdapterUpdate): number => Math.sqrt(correction2(u) / (1 - BETA2));
  return {
    ...(updates.some((u) => u.gradientScale !== 1)
      ? { scale: column((u) => u.gradientScale) }
      : {}),
    ...(updates.some((u) => u.weightDecay !== 0)
      ? { keep: column((u) => 1 - u.learningRate * u.weightDecay) }
      : {}),
    rate: column((u) => (u.learningRate * (1 - BETA1) * root(u)) / correction1(u)),
    epsilon: column((u) => EPSILON * root(u)),
  };
}
