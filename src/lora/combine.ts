/**
 * The weight changes of several adapters made into one: sums, means, TIES and DARE. Training them, and adding the
 * result to the weights, is done elsewhere.
 */
import * as tf from "@tensorflow/tfjs";
import type { ModelConfig } from "../model/types";
import type { ModelWeights } from "../model/weights";
import { UserError } from "../messages/errors";
import type { Random } from "../statistics/random";
import type { Adapter } from "./adapter";
import { adapterChange, changeWeights } from "./merge";

/** How changes are combined; shares are of each matrix's entries. `scale` multiplies the result. */
export type CombineRule =
  /** Task arithmetic (Ilharco et al. 2023). */
  | { readonly kind: "sum"; readonly scale: number }
  | { readonly kind: "mean"; readonly scale: number }
  /** Each change keeps its `keep` largest entries, signs are elected, and those that agree averaged (Yadav et al. 2023). */
  | { readonly kind: "ties"; readonly keep: number; readonly scale: number }
  /** Each change loses `drop` of its entries at random and grows by 1 / (1 - drop); then summed (Yu et al. 2024). */
  | { readonly kind: "dare"; readonly drop: number; readonly scale: number };

/** One change out of several of equal length, by a rule. `random` decides what DARE drops. */
export function combineChanges(
  changes: readonly Float32Array[],
  rule: CombineRule,
  random: Random,
): Float32Array {
  switch (rule.kind) {
    case "sum":
      return scaled(sum(changes), rule.scale);
    case "mean":
      return scaled(sum(changes), rule.scale / changes.length);
    case "ties": {
      const trimmed = changes.map((change) => trimChange(change, rule.keep));
      return scaled(agreeingMean(trimmed), rule.scale);
    }
    case "dare":
      return scaled(
        sum(changes.map((change) => dropEntries(change, rule.drop, random))),
        rule.scale,
      );
  }
}

/** The `keep` share of entries that are largest in magnitude (rounded down, the first among equals); the others 0. */
export function trimChange(change: Float32Array, keep: number): Float32Array {
  if (!(keep > 0 && keep <= 1))
    throw new UserError(`Trimming keeps a share above 0 and at most 1, not ${keep}.`);
  const count = Math.floor(keep * change.length + 1e-9);
  const magnitudes = change.map(Math.abs).sort();
  const limit = magnitudes[change.length - count] ?? Infinity;
  let ties = count - change.filter((value) => Math.abs(value) > limit).length;
  return change.map((value) => {
    const magnitude = Math.abs(value);
    return magnitude > limit || (magnitude === limit && ties-- > 0) ? value : 0;
  });
}

/** DARE's drop and rescale. */
function dropEntries(change: Float32Array, drop: number, random: Random): Float32Array {
  if (!(drop >= 0 && drop < 1))
    throw new UserError(`DARE drops a share of at least 0 and below 1, not ${drop}.`);
  return change.map((value) => (random.next() < drop ? 0 : value / (1 - drop)));
}

/** TIES' elected sign (that of the sum) and the mean of the entries that have it. */
function agreeingMean(changes: readonly Float32Array[]): Float32Array {
  const elected = sum(changes);
  const totals = new Float32Array(elected.length);
  const counts = new Uint16Array(elected.length);
  for (const change of changes)
    change.forEach((value, i) => {
      if (value * elected[i] <= 0) return;
      totals[i] += value;
      counts[i] += 1;
    });
  return totals.map((total, i) => (counts[i] > 0 ? total / counts[i] : 0));
}

function sum(changes: readonly Float32Array[]): Float32Array {
  const total = new Float32Array(changes[0].length);
  for (const change of changes) change.forEach((value, i) => (total[i] += value));
  return total;
}

function scaled(values: Float32Array, scale: number): Float32Array {
  return values.map((value) => value * scale);
}

/**
 * New weights with the combined changes of several adapters; memory as for `mergeWeights`. One matrix of each
 * adapter is held at a time.
 */
export function mergeCombined(
  config: ModelConfig,
  weights: ModelWeights,
  adapters: readonly Adapter[],
  rule: CombineRule,
  random: Random,
): ModelWeights {
  return mapChanges(config, weights, adapters, (changes) => combineChanges(changes, rule, random));
}

/** New weights with an adapter's change, trimmed to its largest entries matrix by matrix. */
export function mergeTrimmed(
  config: ModelConfig,
  weights: ModelWeights,
  adapter: Adapter,
  keep: number,
): ModelWeights {
  return mapChanges(config, weights, [adapter], ([change]) => trimChange(change, keep));
}

function mapChanges(
  config: ModelConfig,
  weights: ModelWeights,
  adapters: readonly Adapter[],
  combine: (changes: Float32Array[]) => Float32Array,
): ModelWeights {
  return changeWeights(config, weights, (layer, target) => {
    const changes = adapters.map((adapter) => adapterChange(config, adapter, layer, target));
    const present = changes.flatMap((change) => change ?? []);
    if (present.length === 0) return undefined;
    const values = changes.map((change) =>
      change ? (change.dataSync() as Float32Array) : new Float32Array(present[0].size),
    );
    return tf.tensor2d(combine(values), present[0].shape);
  });
}
