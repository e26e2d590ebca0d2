/** The forgetting matrix of every arm, comparisons with plain merging, and figures, from finished sequences; pure. */
import { figureDifferences } from "../../plot/bars";
import { percent, type Figure } from "../../plot/figure";
import { figureForgetting } from "../../plot/forgetting";
import { figureHeatmap } from "../../plot/heatmap";
import { createRandom } from "../../statistics/random";
import { meanInterval } from "../../statistics/statistics";
import type { ContinualVariant } from "./variant";
import type { Outcome } from "../../run/experiment";
import { measuresOf, type GivenAnswer } from "../lessons/lessons";
import type { Comparison, RecordRow, RunRecord } from "../../run/record";
import type { Cell, Finished } from "../../run/rollout";
import { comparisonOf, marksOf, meanOrNull, rowOf, secondsOf, type Marked } from "../../run/rows";

/**
 * A sequence learned by one arm, as journalled and written to rollouts.jsonl. Its status is not "ok" where the arm could not
 * finish it; it then stays out of the arm's numbers.
 */
export interface ContinualRun extends Finished {
  readonly seed: number;
  readonly arm: string;
  readonly passages: readonly string[];
  readonly selfEdits: readonly string[];
  /** [update][passage][question]; after an update the passages so far, before any ("untouched") all of them. */
  readonly answers: readonly (readonly (readonly GivenAnswer[])[])[];
  /** Optimizer steps and tokens read in training, of all updates together. */
  readonly steps: number;
  readonly tokens: number;
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
  return {
    rows: [
      row(variant, runs, { arm: "untouched", round: 0 }),
      ...names.map((arm) => row(variant, runs, { arm, round: variant.passages })),
    ],
    comparisons: names
      .slice(1)
      .flatMap((name) => [
        ...compare(runs, name, names[0], "kept"),
        ...compare(runs, name, names[0], "learned"),
      ]),
    seeds: [...variant.seeds],
    inputs,
    paper: [],
    seconds: secondsOf(generateSeconds, runs),
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

/** What an arm, or the untouched model, answers in the end. */
function row(variant: ContinualVariant, runs: readonly ContinualRun[], cell: Cell): RecordRow {
  const candidates = runs.filter(({ arm }) => arm === cell.arm);
  const answers = finished(runs, cell.arm).map((run) => (run.answers.at(-1) ?? []).flat());
  const bySequence = answers.map(marksOf);
  return {
    ...rowOf(cell, bySequence, {
      candidates,
      ungraded: answers.flat().length - bySequence.flat().length,
      seed: `row/${cell.arm}`,
    }),
    ...measuresOf(answers.flat()),
    ...(answers.length === variant.seeds.length && {
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
): Comparison[] {
  const passages = (arm: string): Marked[] =>
    finished(runs, arm).flatMap(({ seed, answers, passages: learned }) =>
      learned.map((_, passage) => {
        const asked = when === "kept" ? answers.at(-1) : answers[passage];
        return { key: `${seed}/${passage}`, seed, marks: marksOf(asked?.[passage] ?? []) };
      }),
    );
  const moment = when === "kept" ? "after the last update" : "just after its own update";
  return comparisonOf(`${a} - ${b}, ${moment}`, passages(a), passages(b));
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
      differences: differencesFigure(others, first.arm, sample),
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
    columnTitle: "Passage, in the order learned",
    format: (value) => value.toFixed(0),
  });
}

function differencesFigure(
  comparisons: readonly Comparison[],
  first: string,
  sample: string,
): Figure {
  const better = comparisons.filter(({ ci95OverSeeds: [low] = [NaN] }) => low > 0).length;
  return figureDifferences(
    comparisons.map(({ difference, mean, ci95OverSeeds = [NaN, NaN] }) => ({
      label: difference.split(` - ${first},`)[0],
      mean,
      ci95: ci95OverSeeds,
    })),
    {
      title: `${better} of ${comparisons.length} other ways keep clearly more than ${first} for the same training`,
      note: `Accuracy on all passages after the last update, minus that of ${first}, paired; ${sample}. Lines: 95% intervals over sequences.`,
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
