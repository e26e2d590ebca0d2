/** The continual experiment: what is kept of each dataset after later updates, from the released matrices. */
import paper from "./paper.json";
import type { ContinualLog } from "./released";

/** What is kept of each dataset after later updates: [update][dataset], accuracies over sequences. */
export interface ContinualRecord {
  /** Number of sequences of datasets. */
  readonly sequences: number;
  /** Row 0: untouched; row u: after update u. Null above the diagonal. */
  readonly accuracy: readonly (readonly (number | null)[])[];
  /** Standard errors of the same, over sequences. */
  readonly standardError: readonly (readonly (number | null)[])[];
  /** For each dataset: accuracy after its own update minus after the last one. */
  readonly forgotten: readonly number[];
  /** For each dataset: accuracy after its own update minus untouched. */
  readonly learned: readonly number[];
  /** For each dataset: accuracy after the last update minus untouched. */
  readonly keptOverUntouched: readonly number[];
  /** Largest difference to the mean of the single runs' matrices, where they are there. */
  readonly runsDiffer?: number;
  /** Largest difference of the standard errors to the paper's table 5, for as many updates as there. */
  readonly errorsDiffer?: number;
}

/** The matrix of the continual experiment; unmeasured cells (released as 0) become null. */
export function continualRecord(log: ContinualLog, runs: readonly ContinualLog[]): ContinualRecord {
  const measured = (update: number, dataset: number): boolean => update === 0 || dataset < update;
  const mask = (rows: readonly (readonly number[])[], scale = 1): (number | null)[][] =>
    rows.map((row, u) => row.map((value, d) => (measured(u, d) ? value * scale : null)));
  const mean = log.mean_over_sequences;
  const last = mean.length - 1;
  const datasets = mean[0].map((_, d) => d);
  const total = runs.reduce((sum, run) => sum + run.n_sequences, 0);
  const gap = (u: number, d: number): number =>
    Math.abs(
      mean[u][d] -
        runs.reduce((sum, run) => sum + run.mean_over_sequences[u][d] * run.n_sequences, 0) / total,
    );
  const standardError = mask(log.std_over_sequences, 1 / Math.sqrt(log.n_sequences));
  const printed = paper.continualStandardErrors;
  return {
    sequences: log.n_sequences,
    accuracy: mask(mean),
    standardError,
    ...(standardError.length === printed.length && {
      errorsDiffer: Math.max(
        ...printed.flatMap((row, u) =>
          row.map((error, d) => Math.abs(error - (standardError[u][d] ?? NaN))),
        ),
      ),
    }),
    forgotten: datasets.map((d) => mean[d + 1][d] - mean[last][d]),
    learned: datasets.map((d) => mean[d + 1][d] - mean[0][d]),
    keptOverUntouched: datasets.map((d) => mean[last][d] - mean[0][d]),
    ...(runs.length > 0 && {
      runsDiffer: Math.max(...mean.flatMap((row, u) => row.map((_, d) => gap(u, d)))),
    }),
  };
}
