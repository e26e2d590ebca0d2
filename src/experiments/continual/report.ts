/** The forgetting matrix of every arm, comparisons with plain merging, and figures, from finished sequences; pure. */
import { figureBars } from "../../plot/bars";
import { percent, type Figure } from "../../plot/figure";
import { figureForgetting } from "../../plot/forgetting";
import { figureHeatmap } from "../../plot/heatmap";
import { createRandom } from "../../statistics/random";
import type { CandidateStatus } from "../../restem/select";
import {
  clusterShareInterval,
  mean,
  meanInterval,
  pairedDifference,
} from "../../statistics/statistics";
import type { ContinualVariant } from "./variant";
import type { Outcome } from "../../run/experiment";
import { marksOf, measuresOf, type GivenAnswer } from "../lessons/lessons";
import type { RecordRow, RunRecord } from "../../run/record";

/** A sequence learned by one arm, as journalled and written to rollouts.jsonl. */
export interface ContinualRun {
  readonly seed: number;
  readonly arm: string;
  /** Not "ok": the arm could not finish this sequence, which then stays out of its numbers. */
  readonly status: CandidateStatus;
  readonly reason?: string;
  readonly passages: readonly string[];
  readonly selfEdits: readonly string[];
  /** [update][passage][question]; after an update the passages so far, before any ("untouched") all of them. */
  readonly answers: readonly (readonly (readonly GivenAnswer[])[])[];
  /** Optimizer steps and tokens read in training, of all updates together. */
  readonly steps: number;
  readonly tokens: number;
  readonly seconds: { readonly train: number; readonly answer: number };
}

/** Accuracy [update][passage]; null where a passage was not asked about. */
export type ForgettingMatrix = readonly (readonly (number | null)[])[];

/** One sequence's matrix; its first row is the untouched model's. */
export function forgettingMatrix(untouched: ContinualRun, run: ContinualRun): ForgettingMatrix {
  return [...untouched.answers, ...run.answers].map((row) =>
    run.passages.map((_, passage) => meanOrNull(marksOf(row[passage] ?? []))),
  );
}

/** Cell by cell over sequences. */
export function meanMatrix(matrices: readonly ForgettingMatrix[]): ForgettingMatrix {
  return overCells(matrices, meanOrNull);
}

/** What a matrix says: of every passage when just learned and at the end, averaged over passages. */
export interface ForgettingSummary {
  /** Just after its own update. */
  readonly learned: number;
  /** After the last update. */
  readonly kept: number;
  /** `learned - kept`, over the passages before the last. */
  readonly forgotten: number;
}

/** Summary of a matrix whose row 0 is the untouched model. NaN where a mean has nothing to average. */
export function forgettingSummary(matrix: ForgettingMatrix): ForgettingSummary {
  const last = matrix[matrix.length - 1];
  const pairs = last.flatMap((kept, passage) => {
    const learned = matrix[passage + 1][passage];
    return learned === null || kept === null ? [] : [{ learned, kept }];
  });
  const average = (values: readonly number[]): number => meanOrNull(values) ?? NaN;
  return {
    learned: average(pairs.map(({ learned }) => learned)),
    kept: average(pairs.map(({ kept }) => kept)),
    forgotten: average(pairs.slice(0, -1).map(({ learned, kept }) => learned - kept)),
  };
}

/** Everything that is saved of the runs. */
export function continualReport(
  variant: ContinualVariant,
  runs: readonly ContinualRun[],
  inputs: RunRecord["inputs"],
  generateSeconds: number,
): Outcome {
  const names = variant.arms.map(({ name }) => name);
  const arms = names.map((name) => armNumbers(variant, runs, name));
  const [first] = arms;
  const sum = (part: "train" | "answer"): number =>
    runs.reduce((total, { seconds }) => total + seconds[part], 0);
  return {
    rows: [untouchedRow(variant, runs), ...names.map((name) => lastRow(variant, runs, name))],
    comparisons: names
      .slice(1)
      .flatMap((name) => [
        ...compare(runs, name, names[0], "kept"),
        ...compare(runs, name, names[0], "learned"),
      ]),
    seeds: [...variant.seeds],
    inputs,
    paper: [],
    seconds: { generate: generateSeconds, train: sum("train"), answer: sum("answer") },
    rollouts: runs,
    metrics: arms,
    figures: figures(variant, arms, first, runs),
    tables: {},
  };
}

interface ArmNumbers extends ForgettingSummary {
  readonly arm: string;
  /** Those that the arm finished. */
  readonly sequences: number;
  /** Optimizer steps and tokens of a sequence, mean. */
  readonly steps: number | null;
  readonly tokens: number | null;
  readonly matrix: ForgettingMatrix;
  /** 95% intervals of the matrix's cells over sequences; null where there is no mean. */
  readonly ci95: readonly (readonly (readonly [number, number] | null)[])[];
}

function armNumbers(
  variant: ContinualVariant,
  runs: readonly ContinualRun[],
  arm: string,
): ArmNumbers {
  const own = finished(runs, arm);
  const matrices = own.map((run) => forgettingMatrix(untouchedOf(runs, run), run));
  const random = createRandom(`matrix/${arm}`);
  const matrix = matrices.length > 0 ? meanMatrix(matrices) : emptyMatrix(variant.passages);
  return {
    arm,
    sequences: own.length,
    steps: meanOrNull(own.map(({ steps }) => steps)),
    tokens: meanOrNull(own.map(({ tokens }) => tokens)),
    ...forgettingSummary(matrix),
    matrix,
    ci95: overCells(matrices, (values) =>
      values.length > 0 ? meanInterval(values, { random }) : null,
    ),
  };
}

function emptyMatrix(passages: number): ForgettingMatrix {
  return Array.from({ length: passages + 1 }, () => new Array<null>(passages).fill(null));
}

function untouchedRow(variant: ContinualVariant, runs: readonly ContinualRun[]): RecordRow {
  const own = runs.filter(({ arm }) => arm === "untouched");
  return row(variant, own, "untouched", 0, ({ answers }) => answers[0] ?? []);
}

function lastRow(variant: ContinualVariant, runs: readonly ContinualRun[], arm: string): RecordRow {
  const own = runs.filter((run) => run.arm === arm);
  return row(variant, own, arm, variant.passages, ({ answers }) => answers.at(-1) ?? []);
}

function row(
  variant: ContinualVariant,
  own: readonly ContinualRun[],
  arm: string,
  round: number,
  answersOf: (run: ContinualRun) => readonly (readonly GivenAnswer[])[],
): RecordRow {
  const ok = own.filter(({ status }) => status === "ok");
  const bySequence = ok.map((run) => answersOf(run).flatMap(marksOf));
  const all = bySequence.flat();
  const count = (status: CandidateStatus): number => own.filter((r) => r.status === status).length;
  return {
    arm,
    round,
    n: all.length,
    accuracy: meanOrNull(all) ?? 0,
    ci95:
      all.length > 0
        ? clusterShareInterval(bySequence, { random: createRandom(`row/${arm}`) })
        : [0, 1],
    ungraded: ok.flatMap(answersOf).flat().length - all.length,
    unparsable: count("unparsable"),
    diverged: count("diverged"),
    ...measuresOf(ok.flatMap(answersOf).flat()),
    ...(ok.length === variant.seeds.length && {
      accuracyBySeed: bySequence.map((marks) => meanOrNull(marks) ?? 0),
    }),
  };
}

/** The mean difference a - b over passages of the sequences that both finished; empty where there is none. */
function compare(
  runs: readonly ContinualRun[],
  a: string,
  b: string,
  when: "kept" | "learned",
): NonNullable<RunRecord["comparisons"]> {
  const pairs = finished(runs, a).flatMap((run) => {
    const other = finished(runs, b).find(({ seed }) => seed === run.seed);
    if (!other) return [];
    return run.passages.flatMap((_, passage) => {
      const [left, right] = [run, other].map(({ answers }) =>
        meanOrNull(marksOf((when === "kept" ? answers.at(-1) : answers[passage])?.[passage] ?? [])),
      );
      return left === null || right === null ? [] : [{ seed: run.seed, left, right }];
    });
  });
  const moment = when === "kept" ? "after the last update" : "just after its own update";
  const difference = `${a} - ${b}, ${moment}`;
  if (pairs.length === 0) return [];
  const random = createRandom(difference);
  const [left, right] = [pairs.map((pair) => pair.left), pairs.map((pair) => pair.right)];
  const over = pairedDifference(left, right, random);
  const seeds = pairs.map(({ seed }) => seed);
  const { ci95: ci95OverSeeds } = pairedDifference(left, right, random, seeds);
  return [{ difference, mean: over.mean, n: over.n, ci95OverPeople: over.ci95, ci95OverSeeds }];
}

function figures(
  variant: ContinualVariant,
  arms: readonly ArmNumbers[],
  first: ArmNumbers,
  runs: readonly ContinualRun[],
): Record<string, Figure> {
  const sample = `${variant.seeds.length} sequence${variant.seeds.length > 1 ? "s" : ""} of ${variant.passages} passages`;
  const best = arms.reduce((a, b) => (b.kept > a.kept ? b : a));
  const others = variant.arms
    .slice(1)
    .flatMap(({ name }) => compare(runs, name, first.arm, "kept"));
  const matrix = ({ arm, matrix: values, learned, kept }: ArmNumbers): Figure =>
    figureForgetting(values, {
      title: `${arm}: ${percent(learned)} when just learned, ${percent(kept)} after all ${variant.passages} updates`,
      note: `Mean accuracy (%) over ${sample}.`,
    });
  return {
    forgetting: matrix(first),
    ...(best !== first && { "forgetting-best": matrix(best) }),
    ...(others.length > 0 && {
      "kept-by-arm": figureKept(variant, arms, sample),
      differences: figureDifferences(others, first.arm, sample),
    }),
  };
}

/** Arms by passage, after the last update. */
function figureKept(
  { passages }: ContinualVariant,
  arms: readonly ArmNumbers[],
  sample: string,
): Figure {
  return figureHeatmap({
    title: "What is left of each passage after the last update",
    note: `Mean accuracy (%) over ${sample}.`,
    rows: arms.map(({ arm }) => arm),
    columns: [...Array.from({ length: passages }, (_, i) => String(i + 1)), "mean"],
    values: arms.map(({ matrix, kept }) =>
      [...matrix[passages], kept].map((value) =>
        value === null || Number.isNaN(value) ? null : 100 * value,
      ),
    ),
    rowTitle: "",
    columnTitle: "Passage, in the order learned",
    format: (value) => value.toFixed(0),
  });
}

function figureDifferences(
  comparisons: NonNullable<Outcome["comparisons"]>,
  first: string,
  sample: string,
): Figure {
  const better = comparisons.filter(({ ci95OverSeeds: [low] = [NaN] }) => low > 0).length;
  return figureBars(
    comparisons.map(({ difference, mean: value, ci95OverSeeds: [low, high] = [NaN, NaN] }) => ({
      label: difference.split(` - ${first},`)[0],
      value: 100 * value,
      interval: [100 * low, 100 * high] as const,
    })),
    {
      title: `${better} of ${comparisons.length} other ways keep clearly more than ${first} for the same training`,
      note: `Accuracy on all passages after the last update, minus that of ${first}, paired; ${sample}. Lines: 95% intervals over sequences.`,
      axisTitle: "Difference in accuracy (points)",
      format: (value) => `${value >= 0 ? "+" : "−"}${Math.abs(value).toFixed(1)}`,
      marks: "points",
    },
  );
}

function finished(runs: readonly ContinualRun[], arm: string): ContinualRun[] {
  return runs.filter((run) => run.arm === arm && run.status === "ok");
}

function untouchedOf(runs: readonly ContinualRun[], { seed }: ContinualRun): ContinualRun {
  return runs.find((run) => run.arm === "untouched" && run.seed === seed) as ContinualRun;
}

function overCells<T>(
  matrices: readonly ForgettingMatrix[],
  combine: (values: number[]) => T,
): T[][] {
  return (matrices.at(0) ?? []).map((cells, update) =>
    cells.map((_, passage) => combine(matrices.flatMap((one) => one[update][passage] ?? []))),
  );
}

function meanOrNull(values: readonly number[]): number | null {
  return values.length > 0 ? mean(values) : null;
}
