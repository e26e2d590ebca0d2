/** Accuracy against the number of passages trained on together: rows, comparisons and the figure; pure. */
import { figureCurves, type Curve } from "../../plot/curves";
import type { Figure } from "../../plot/figure";
import published from "../../replay/paper.json";
import { mean } from "../../statistics/statistics";
import type { Outcome } from "../../run/experiment";
import type { LearnedRound, RoundCost } from "../lessons/rounds";
import { measuresOf, type GivenAnswer } from "../lessons/lessons";
import { armName, isRoundArm, type PretrainingArm, type PretrainingVariant } from "./variant";
import type { Comparison, RecordRow } from "../../run/record";
import { comparisonOf, marksOf, meanOrNull, rowOf, secondsOf, type Marked } from "../../run/rows";
import type { Finished } from "../../run/rollout";
import { writingRows } from "../../run/writing";

/** A finished training run, as journalled and written to rollouts.jsonl. */
export interface PretrainingRollout extends Finished {
  readonly seed: number;
  readonly arm: PretrainingArm;
  /** N. */
  readonly passages: number;
  /** Self-edits that gave no training sequence. */
  readonly unparsable: number;
  readonly sequences: number;
  readonly steps: number;
  readonly tokens: number;
  readonly lastLoss?: number;
  readonly completions?: readonly string[];
  /** Empty unless the status is "ok". */
  readonly answers: readonly {
    readonly passage: string;
    readonly answers: readonly GivenAnswer[];
  }[];
}

/** A round of ReST-EM, as written to metrics.jsonl. */
export interface RoundMetrics extends RoundCost {
  readonly seed: number;
  readonly arm: PretrainingArm;
  readonly round: number;
  /** Self-edits that the model was fine-tuned on. */
  readonly kept: number;
  /** Mean rewards; null where nothing was scored. */
  readonly meanReward: number | null;
  readonly meanKeptReward: number | null;
}

/** What is saved of a round. */
export function roundMetrics(
  place: Pick<RoundMetrics, "seed" | "arm" | "round">,
  { scored, kept, cost }: LearnedRound,
): RoundMetrics {
  const ofKept = kept.flatMap(({ task, index }) => scored[task][index].reward ?? []);
  return {
    ...place,
    kept: kept.length,
    meanReward: meanOrNull(scored.flat().flatMap(({ reward }) => reward ?? [])),
    meanKeptReward: meanOrNull(ofKept),
    ...cost,
  };
}

/** What came of a run beside its training runs. */
interface RunFacts extends Pick<Outcome, "inputs"> {
  /** Seconds spent on writing self-edits. */
  readonly generate: number;
  readonly rounds: readonly RoundMetrics[];
}

/** Pairs of arms that are compared at each number of passages. */
const COMPARED: readonly (readonly [PretrainingArm, PretrainingArm])[] = [
  ["untrained self-edits", "passages only"],
  ["untrained self-edits", "passages only, matched steps"],
  ["SEAL", "untrained self-edits"],
  ["SEAL", "random selection"],
  ["random selection", "untrained self-edits"],
  ["oracle", "untrained self-edits"],
  ["oracle", "SEAL"],
];

const PAPER_SOURCE =
  "paper, version 2, table 2: Qwen2.5-7B, fully fine-tuned, SQuAD, 200 passages at once";
const { continuedPretrainingVersion2: printed } = published;
const paper: readonly { arm: PretrainingArm; accuracy: number }[] = [
  { arm: "passages only", accuracy: printed["passage only"] },
  { arm: "untrained self-edits", accuracy: printed["untrained self-edits"] },
  { arm: "SEAL", accuracy: printed["round 2"] },
];

/** Everything that is saved of the runs. */
export function pretrainingReport(
  variant: PretrainingVariant,
  rollouts: readonly PretrainingRollout[],
  { inputs, generate, rounds }: RunFacts,
): Outcome {
  const cells = variant.arms.flatMap((arm) => variant.passages.map((count) => ({ arm, count })));
  const rows = cells.map(({ arm, count }) => ({
    arm,
    count,
    row: cellRow(variant, arm, count, inCell(rollouts, arm, count)),
  }));
  return {
    rows: rows.map(({ row }) => row),
    comparisons: COMPARED.flatMap(([a, b]) =>
      variant.passages.flatMap((count) =>
        compare(variant, inCell(rollouts, a, count), inCell(rollouts, b, count), count),
      ),
    ),
    writing: writingRows(written(variant, rollouts)),
    seeds: [...variant.seeds],
    inputs,
    paper: paper
      .filter(({ arm }) => variant.passages.includes(200) && variant.arms.includes(arm))
      .map(({ arm, accuracy }) => ({
        arm: rowName(variant, arm, 200),
        ...(isRoundArm(arm) && { round: 2 }),
        accuracy,
        source: PAPER_SOURCE,
      })),
    seconds: secondsOf(generate, rollouts),
    rollouts,
    metrics: [
      ...rollouts.map(({ seed, arm, passages, status, sequences, steps, tokens, lastLoss }) => ({
        ...{ seed, arm, passages, status, sequences, steps, tokens, lastLoss },
      })),
      ...rounds,
    ],
    figures: { "accuracy-by-passages": figure(variant, rows) },
    tables: {},
  };
}

/** The self-edits about all passages; those about fewer are among them. */
function written(
  { passages, outerLoop }: PretrainingVariant,
  rollouts: readonly PretrainingRollout[],
): { arm: string; round: number; completion: string }[] {
  const all = rollouts.filter((one) => one.passages === passages.at(-1));
  return all.flatMap(({ arm, completions = [] }) =>
    completions.map((completion) => ({
      arm,
      round: isRoundArm(arm) ? (outerLoop?.rounds ?? 0) : 0,
      completion,
    })),
  );
}

function figure(
  variant: PretrainingVariant,
  rows: readonly { arm: PretrainingArm; count: number; row: RecordRow }[],
): Figure {
  const curves = variant.arms.map((arm): Curve => ({
    label: armName(variant, arm),
    points: rows
      .filter((one) => one.arm === arm && one.row.n > 0)
      .map(({ count, row: { accuracy, ci95 } }) => ({
        x: count,
        value: 100 * accuracy,
        interval: [100 * ci95[0], 100 * ci95[1]] as const,
      })),
  }));
  return figureCurves(curves, {
    title: headline(variant, rows),
    note: `${variant.seeds.length} seed${variant.seeds.length > 1 ? "s" : ""}. Questions about all passages trained on. Vertical bars: 95% intervals over passages.`,
    xTitle: "Passages in one training run",
    yTitle: "Questions answered correctly (%)",
    format: (value) => `${value.toFixed(1)}%`,
  });
}

/** What the figure says, at the largest number of passages. */
function headline(
  variant: PretrainingVariant,
  rows: readonly { arm: PretrainingArm; count: number; row: RecordRow }[],
): string {
  const many = variant.passages[variant.passages.length - 1];
  const said = (["SEAL", "untrained self-edits", "passages only"] as const)
    .flatMap((arm) => rows.filter((one) => one.arm === arm && one.count === many))
    .filter(({ row }) => row.n > 0)
    .map(({ arm, row }) => `${arm} ${(100 * row.accuracy).toFixed(0)}%`);
  return `${many} passages in one training run: ${said.join(", ")}`;
}

const rowName = (variant: PretrainingVariant, arm: PretrainingArm, count: number): string =>
  `${armName(variant, arm)}, ${count} passage${count > 1 ? "s" : ""}`;

function inCell(
  rollouts: readonly PretrainingRollout[],
  arm: PretrainingArm,
  count: number,
): PretrainingRollout[] {
  return rollouts.filter((one) => one.arm === arm && one.passages === count);
}

function cellRow(
  variant: PretrainingVariant,
  arm: PretrainingArm,
  count: number,
  candidates: readonly PretrainingRollout[],
): RecordRow {
  const { seeds, outerLoop } = variant;
  const name = rowName(variant, arm, count);
  const asked = candidates.flatMap(({ answers }) => answers);
  const byPassage = asked.map(({ answers }) => marksOf(answers));
  const row = rowOf(
    { arm: name, round: isRoundArm(arm) ? (outerLoop?.rounds ?? 0) : 0 },
    byPassage,
    {
      candidates,
      ungraded: asked.flatMap(({ answers }) => answers).length - byPassage.flat().length,
      seed: name,
    },
  );
  const bySeed = seeds.map((seed) => {
    const own = candidates.filter((one) => one.seed === seed).flatMap(({ answers }) => answers);
    return own.flatMap(({ answers }) => marksOf(answers));
  });
  return {
    ...row,
    unparsable: candidates.reduce((sum, { unparsable }) => sum + unparsable, 0),
    ...measuresOf(asked.flatMap(({ answers }) => answers)),
    ...(bySeed.every((marks) => marks.length > 0) && { accuracyBySeed: bySeed.map(mean) }),
  };
}

/** The mean difference a - b over passages that both runs of a seed were asked about; empty where there is none. */
function compare(
  variant: PretrainingVariant,
  a: readonly PretrainingRollout[],
  b: readonly PretrainingRollout[],
  count: number,
): Comparison[] {
  if (a.length === 0 || b.length === 0) return [];
  const passages = (own: readonly PretrainingRollout[]): Marked[] =>
    own.flatMap(({ seed, answers }) =>
      answers.map((one) => ({ key: `${seed}/${one.passage}`, seed, marks: marksOf(one.answers) })),
    );
  const difference = `${armName(variant, a[0].arm)} - ${rowName(variant, b[0].arm, count)}`;
  return comparisonOf(difference, passages(a), passages(b));
}
