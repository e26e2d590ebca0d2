/** AdamW and clipping for stacked adapters: every adapter has its own step count, rate and norm. */
import * as tf from "@tensorflow/tfjs";
import { adam, hasFusedKernels, squares } from "../engine/fused";
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
export async function gradientNorms(gradients: StackTensors): Promise<Float32Array> {
  const ownSum = hasFusedKernels()
    ? squares
    : (gradient: tf.Tensor4D) => tf.sum<tf.Tensor1D>(tf.square(gradient), [0, 2, 3]);
  const total = tf.tidy(() => gradients.map(ownSum).reduce((all, sum) => tf.add(all, sum)));
  const squared = await total.data<"float32">();
  total.dispose();
  return squared.map(Math.sqrt);
}

/** clip_grad_norm_'s factor: at most 1. */
export function clipFactor(norm: number, clipNorm: number): number {
  return clipNorm > 0 ? Math.min(1, clipNorm / (norm + 1e-6)) : 1;
}

/**
 * One AdamW step (Loshchilov and Hutter 2019; torch.optim.AdamW) of all adapters. Replaces the tensors in
 * `parameters` and `moments` and disposes the old ones, or changes them in place; the gradients stay the caller's.
 */
export function adamStep(
  parameters: StackTensors,
  gradients: StackTensors,
  moments: Moments,
  updates: readonly AdapterUpdate[],
): void {
  if (hasFusedKernels()) {
    fusedStep(parameters, gradients, moments, updates);
    return;
  }
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

function fusedStep(
  parameters: StackTensors,
  gradients: StackTensors,
  { first, second }: Moments,
  updates: readonly AdapterUpdate[],
): void {
  const rows = updates.map((update) => {
    const { scale, keep, rate, epsilon } = factorsOf(update);
    return [scale, keep, rate, epsilon];
  });
  const factors = tf.tensor2d(rows);
  parameters.forEach((parameter, i) => adam(parameter, first[i], second[i], gradients[i], factors));
  factors.dispose();
}

/** What an adapter's gradient and parameters are multiplied by, and the rate and epsilon that go with the scaled moments. */
function factorsOf(update: AdapterUpdate): Record<"scale" | "keep" | "rate" | "epsilon", number> {
  const { step, learningRate, weightDecay, gradientScale } = update;
  const correction = 1 - BETA1 ** (step + 1);
  const root = Math.sqrt((1 - BETA2 ** (step + 1)) / (1 - BETA2));
  return {
    scale: gradientScale,
    keep: 1 - learningRate * weightDecay,
    rate: (learningRate * (1 - BETA1) * root) / correction,
    epsilon: EPSILON * root,
  };
}

/** Factors by adapter, [1, adapters, 1, 1] each; absent where they would all be 1. */
function updateFactors(updates: readonly AdapterUpdate[]): {
  scale?: tf.Tensor;
  keep?: tf.Tensor;
  rate: tf.Tensor;
  epsilon: tf.Tensor;
} {
  const all = updates.map(factorsOf);
  const column = (name: keyof (typeof all)[number]): tf.Tensor =>
    tf.tensor4d(
      all.map((factors) => factors[name]),
      [1, all.length, 1, 1],
    );
  return {
    ...(all.some(({ scale }) => scale !== 1) ? { scale: column("scale") } : {}),
    ...(all.some(({ keep }) => keep !== 1) ? { keep: column("keep") } : {}),
    rate: column("rate"),
    epsilon: column("epsilon"),
  };
}
