/** Accuracy from questions up, with bootstrap intervals and paired differences. Reading logs and writing tables is elsewhere. */
import type { Random } from "../random";
import type { GradedAnswer } from "./released";

/** A mean with its 95% interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 2000;

/** Arithmetic mean; NaN for an empty list. */
export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Accuracy of each passage: over completions the mean of the mean over repeats of the
 * share of right answers, as query_server.py computes it. Indexed by passage number.
 */
export function passageAccuracies(
  rows: readonly GradedAnswer[],
  verdict: (row: GradedAnswer) => boolean = (row) => row.correct,
): number[] {
  const repeats = repeatAccuracies(rows, verdict);
  return repeats.map((completions) => meanOf(completions.map(meanOf)));
}

/** Share of right answers [passage][completion][repeat]. */
export function repeatAccuracies(
  rows: readonly GradedAnswer[],
  verdict: (row: GradedAnswer) => boolean = (row) => row.correct,
): number[][][] {
  const counts: { right: number; all: number }[][][] = [];
  for (const row of rows) {
    const cell = (((counts[row.article] ??= [])[row.completion] ??= [])[row.repeat] ??= {
      right: 0,
      all: 0,
    });
    cell.all++;
    if (verdict(row)) cell.right++;
  }
  return counts.map((passage) =>
    passage.map((completion) => completion.map(({ right, all }) => right / all)),
  );
}

/** 95% percentile interval of a mean, resampling whole clusters (passages, or articles of several passages). */
export function bootstrapMean(
  values: readonly number[],
  random: Random,
  clusters: readonly (string | number)[] = values.map((_, i) => i),
): Estimate {
  const groups = new Map<string | number, { sum: number; n: number }>();
  values.forEach((value, i) => {
    const group = groups.get(clusters[i]) ?? { sum: 0, n: 0 };
    groups.set(clusters[i], { sum: group.sum + value, n: group.n + 1 });
  });
  const units = [...groups.values()];
  return bootstrapOf(units, random, (sample) => {
    const total = sample.reduce((all, { sum, n }) => ({ sum: all.sum + sum, n: all.n + n }), {
      sum: 0,
      n: 0,
    });
    return total.sum / total.n;
  });
}

/** 95% percentile interval of any statistic of `units`, resampled with replacement; its value on `units` themselves. */
export function bootstrapOf<T>(
  units: readonly T[],
  random: Random,
  statistic: (sample: readonly T[]) => number,
): Estimate {
  const draws = Array.from({ length: RESAMPLES }, () =>
    statistic(Array.from(units, () => units[random.integer(units.length)])),
  ).sort((a, b) => a - b);
  const at = (share: number): number =>
    draws[Math.min(RESAMPLES - 1, Math.floor(share * RESAMPLES))];
  return { value: statistic(units), low: at(0.025), high: at(0.975) };
}
