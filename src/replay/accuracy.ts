/** Accuracy from questions up, with bootstrap intervals and paired differences. Reading logs and writing tables is elsewhere. */
import type { Random } from "../statistics/random";
import { clusterMeanInterval, mean } from "../statistics/statistics";
import type { GradedAnswer } from "./released";

/** A mean with its 95% interval. */
export interface Estimate {
  /** The estimate. */
  readonly value: number;
  /** Lower end of its 95% interval. */
  readonly low: number;
  /** Upper end of its 95% interval. */
  readonly high: number;
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
  return repeats.map((completions) => mean(completions.map((repeats) => mean(repeats))));
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

/** A mean with its 95% bootstrap interval, resampling whole clusters (passages, or articles of several passages). */
export function bootstrapMean(
  values: readonly number[],
  random: Random,
  clusters: readonly (string | number)[] = values.map((_, i) => i),
): Estimate {
  const groups = new Map<string | number, number[]>();
  values.forEach((value, i) => {
    const group = groups.get(clusters[i]);
    if (group) group.push(value);
    else groups.set(clusters[i], [value]);
  });
  const [low, high] = clusterMeanInterval([...groups.values()], { random });
  return { value: mean(values), low, high };
}
