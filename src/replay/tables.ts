/** The replay's tables: every number of the paper that the released logs can give, from their verdicts. No text, no files. */
import { createRandom } from "../statistics/random";
import { bootstrapMean, passageAccuracies, type Estimate } from "./accuracy";
import paper from "./paper.json";
import type { ContinualLog, ReleasedLog } from "./released";
import { mean } from "../statistics/statistics";

/** An accuracy recomputed from verdicts, beside what was released and printed. */
export interface AccuracyRecord {
  readonly table: "single passage" | "prompts" | "continued pretraining" | "untouched";
  readonly arm: string;
  readonly log: string;
  readonly passages: number;
  readonly questions: number;
  /** Recomputed, with a 95% interval from resampling passages. */
  readonly accuracy: Estimate;
  /** The same with all passages of an article resampled together. */
  readonly byArticle: Estimate;
  /** Share of all questions, not averaged by passage first. */
  readonly overQuestions: number;
  /** `overall` of the released file. */
  readonly released: number;
  readonly matchesReleased: boolean;
  /** The paper's number (version 1, see paper.json). */
  readonly paper?: number;
}

/** A paired difference between two arms on the same passages. */
export interface DifferenceRecord {
  readonly arm: string;
  readonly minus: string;
  readonly difference: Estimate;
  /** Resampling whole articles. */
  readonly byArticle: Estimate;
  /** Whether both intervals leave out zero. */
  readonly clear: boolean;
}

/** One arm of a table: which side of which log. */
export interface Arm {
  readonly table: AccuracyRecord["table"];
  readonly arm: string;
  readonly log: string;
  readonly side: "baseline" | "adapter";
  readonly paper?: number;
}

const ROUNDS = ["base", "iter1", "iter2"] as const;
const ROUND_NAMES = ["untrained self-edits", "round 1", "round 2"] as const;

const single = (
  arm: keyof typeof paper.singlePassage,
  log: string,
  side: Arm["side"] = "adapter",
): Arm => ({
  table: "single passage",
  arm,
  log: `eval/${log}`,
  side,
  paper: paper.singlePassage[arm],
});

const pooled = (arm: keyof typeof paper.continuedPretraining, log: string): Arm => ({
  table: "continued pretraining",
  arm,
  log: `cpt/${log}`,
  side: "adapter",
  paper: paper.continuedPretraining[arm],
});

/** All arms that the released logs hold, in the order of the tables. */
export const ARMS: readonly Arm[] = [
  single("untouched", "base", "baseline"),
  single("passage only", "naive"),
  single("untrained self-edits", "base"),
  single("GPT-4.1 data", "gpt4_1"),
  single("round 1", "iter1"),
  single("round 2", "iter2"),
  ...Object.entries(paper.prompts).flatMap(([prompt, values]) =>
    ROUNDS.map((round, i): Arm => ({
      table: "prompts",
      arm: `${prompt}, ${ROUND_NAMES[i]}`,
      log: `eval-prompts/${round}_prompt-${prompt}`,
      side: "adapter",
      paper: values[i],
    })),
  ),
  pooled("passage only", "cpt_naive"),
  pooled("untrained self-edits", "cpt_base"),
  pooled("GPT-4.1 data", "cpt_gpt4_1"),
  pooled("round 2", "cpt_iter2"),
];

const COMPARISONS: readonly (readonly [string, string])[] = [
  ["passage only", "untouched"],
  ["untrained self-edits", "passage only"],
  ["round 1", "untrained self-edits"],
  ["round 2", "round 1"],
  ["round 2", "untrained self-edits"],
  ["round 2", "GPT-4.1 data"],
  ["GPT-4.1 data", "untrained self-edits"],
];

/** Accuracy of one arm. `pooled` logs are averaged over questions, as CPT.py does; others by passage first. */
export function accuracyRecord(arm: Arm, log: ReleasedLog, seed: string): AccuracyRecord {
  const rows = log[arm.side];
  const byPassage = passageAccuracies(rows);
  const overQuestions = mean(rows.map((row) => Number(row.correct)));
  const overAll = arm.table === "continued pretraining";
  const values = overAll ? rows.map((row) => Number(row.correct)) : byPassage;
  const passage = overAll ? rows.map((row) => row.article) : undefined;
  const titles = overAll ? rows.map((row) => log.titles[row.article]) : log.titles;
  const accuracy = bootstrapMean(values, createRandom(seed), passage);
  const released = log.released[arm.side];
  return {
    table: arm.table,
    arm: arm.arm,
    log: arm.log,
    passages: byPassage.length,
    questions: rows.length,
    accuracy,
    byArticle: bootstrapMean(values, createRandom(seed), titles),
    overQuestions,
    released,
    matchesReleased: Math.abs(accuracy.value - released) < 5.1e-5,
    ...(arm.paper !== undefined && { paper: arm.paper }),
  };
}

/** Paired differences of the main table's arms, over the same passages. */
export function differences(
  logs: ReadonlyMap<string, ReleasedLog>,
  seed: string,
): DifferenceRecord[] {
  const accuracies = (
    name: string,
  ): { values: number[]; titles: readonly string[] } | undefined => {
    const arm = ARMS.find((one) => one.table === "single passage" && one.arm === name);
    const log = arm && logs.get(arm.log);
    return arm && log
      ? { values: passageAccuracies(log[arm.side]), titles: log.titles }
      : undefined;
  };
  return COMPARISONS.flatMap(([arm, minus]) => {
    const [a, b] = [accuracies(arm), accuracies(minus)];
    if (!a || !b) return [];
    const values = a.values.map((value, i) => value - b.values[i]);
    const difference = bootstrapMean(values, createRandom(seed));
    const byArticle = bootstrapMean(values, createRandom(seed), a.titles);
    const clear = [difference, byArticle].every(({ low, high }) => low > 0 || high < 0);
    return [{ arm, minus, difference, byArticle, clear }];
  });
}

/** Accuracy before adaptation in one log, and how much its answers are those of `eval/base`. */
export interface BeforeRecord extends AccuracyRecord {
  /** Share of answers equal, letter by letter, to those of the untouched model in `eval/base`. */
  readonly sameAnswersAsBase: number;
}

/**
 * The accuracy before adaptation in every log over the same questions. Logs of later rounds begin
 * from that round's model, as their answers show: only reruns of one model give mostly the same ones.
 */
export function beforeRecords(
  logs: ReadonlyMap<string, ReleasedLog>,
  seed: string,
): BeforeRecord[] {
  const base = logs.get("eval/base")?.baseline ?? [];
  return [...logs].map(([name, log]) => {
    const table = name.startsWith("cpt/") ? "continued pretraining" : "untouched";
    const record = accuracyRecord(
      { table, arm: "before adaptation", log: name, side: "baseline" },
      log,
      seed,
    );
    const same = log.baseline.filter(
      (row, i) => row.answer.trim() === base[i]?.answer.trim(),
    ).length;
    return {
      ...record,
      table: "untouched" as const,
      sameAnswersAsBase: same / log.baseline.length,
    };
  });
}

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

/** Verdicts by passage: one string of 1 and 0 (question by question, completions and repeats after each other). */
export function verdictStrings(log: ReleasedLog, side: Arm["side"]): string[] {
  const strings: string[] = [];
  for (const row of log[side]) {
    strings[row.article] = (strings[row.article] ?? "") + (row.correct ? "1" : "0");
  }
  return strings;
}

/** One article: how its passages' questions were answered. Articles and passages by number in file order; no text. */
export interface ArticleRecord {
  readonly article: number;
  readonly passages: readonly number[];
  readonly questions: number;
  /** Accuracy of each log's adapters, mean over the article's passages. */
  readonly accuracy: Readonly<Record<string, number>>;
}

/** Accuracy by article, for every log. An article is the passages of one title. */
export function articleRecords(logs: ReadonlyMap<string, ReleasedLog>): ArticleRecord[] {
  const accuracies = [...logs].map(
    ([name, log]) => [name, passageAccuracies(log.adapter)] as const,
  );
  const order = logs.get("eval/base");
  const titles = order?.titles ?? [];
  return [...new Set(titles)].map((title, article) => {
    const passages = titles.flatMap((own, i) => (own === title ? [i] : []));
    return {
      article,
      passages,
      questions: (order?.adapter ?? []).filter((row) => passages.includes(row.article)).length,
      accuracy: Object.fromEntries(
        accuracies.map(([name, values]) => [name, mean(passages.map((i) => values[i]))]),
      ),
    };
  });
}

/** How many of the logs' adapters answer each question rightly: [passage][question]. */
export function rightAnswers(logs: ReadonlyMap<string, ReleasedLog>): number[][] {
  const counts: number[][] = [];
  for (const { adapter } of logs.values()) {
    for (const { article, question, correct } of adapter) {
      const own = (counts[article] ??= []);
      own[question] = (own[question] ?? 0) + Number(correct);
    }
  }
  return counts;
}
