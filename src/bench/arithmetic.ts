/** The benchmark's sums: what is counted, bounded and compared. Nothing is timed here. */
import os from "node:os";
import { TARGET_NAMES, targetShape, type TargetName } from "../model/adapters";
import { adapterParameterCount, type ModelShape } from "../model/shape";

/** The weights that every token is multiplied by: all matrices and the head, not the embedding. */
export function productWeights(model: ModelShape): number {
  const layer = TARGET_NAMES.reduce((sum, target) => {
    const { input, output } = targetShape(model, target);
    return sum + input * output;
  }, 0);
  return model.layerCount * layer + model.vocabularySize * model.hiddenSize;
}

/**
 * Operations that training on one token takes in products: a multiplication and an addition for each frozen weight forward
 * and back, and for each of the adapter's forward, back and for its own gradient. Attention is not counted.
 */
export function operationsPerToken(
  model: ModelShape,
  rank: number,
  targets: readonly TargetName[],
): number {
  return 4 * productWeights(model) + 6 * adapterParameterCount(model, rank, targets);
}

/** What the lengths of jobs' sequences say of SEAL's own way, which pads every sequence to `padTo`. */
export function countPadding(
  jobs: readonly (readonly number[])[],
  padTo: number,
): { sequences: number; tokens: number; places: number; useful: number } {
  const lengths = jobs.flat();
  const tokens = lengths.reduce((sum, length) => sum + Math.min(length, padTo), 0);
  const places = padTo * lengths.length;
  return { sequences: lengths.length, tokens, places, useful: tokens / places };
}

/** `count` jobs that stand for all: evenly spaced by their tokens, then taken from far apart in turn. */
export function representative(
  jobs: readonly (readonly number[])[],
  count: number,
): (readonly number[])[] {
  const total = (job: readonly number[]): number => job.reduce((sum, length) => sum + length, 0);
  const sorted = [...jobs].sort((a, b) => total(a) - total(b));
  const chosen = Array.from(
    { length: count },
    (_, i) => sorted[Math.floor(((i + 0.5) * sorted.length) / count)],
  );
  // From the middle outwards, so that the first few are ordinary ones.
  const middle = (count - 1) / 2;
  const order = chosen
    .map((_, i) => i)
    .sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle) || a - b);
  return order.map((i) => chosen[i]);
}

/** Token ids of a sequence of a given length: time does not depend on which they are. */
export function idsOf(length: number, seed: number, vocabulary: number): number[] {
  return Array.from({ length }, (_, i) => 100 + ((seed * 7919 + i * 104_729) % (vocabulary - 100)));
}

/** Adapters a minute, each of `epochs` times `tokensPerEpoch` tokens. */
export function adaptersPerMinute(
  tokensPerSecond: number,
  tokensPerEpoch: number,
  epochs: number,
): number {
  return (60 * tokensPerSecond) / (tokensPerEpoch * epochs);
}

/** Share of all cores' time that something used during `milliseconds`; asked while nothing of ours runs. */
export async function busyShare(milliseconds: number): Promise<number> {
  const before = cpuTimes();
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return busyBetween(before, cpuTimes());
}

/** Busy and total time of all cores so far, in milliseconds. */
export interface CpuTimes {
  readonly busy: number;
  readonly total: number;
}

/** The share of the time between two readings that was not idle. */
export function busyBetween(before: CpuTimes, after: CpuTimes): number {
  const total = after.total - before.total;
  return total > 0 ? (after.busy - before.busy) / total : 0;
}

function cpuTimes(): CpuTimes {
  const all = os.cpus().map(({ times }) => times);
  const total = all.flatMap((times) => Object.values(times)).reduce((sum, time) => sum + time, 0);
  return { busy: total - all.reduce((sum, { idle }) => sum + idle, 0), total };
}
