/** The small world's rows, comparisons and figures from its rollouts; pure. */
import { answerMeasures } from "../../judge/measures";
import type { Verdict } from "../../judge/verdict";
import { groupBy } from "../../statistics/groups";
import {
  figureAccuracyByRound,
  figureRewardDistribution,
  figureSelfEditStyles,
} from "../../plot/rounds";
import type { Table } from "../../plot/table";
import { selfEditStyles, type SelfEditContent } from "../../tasks/biographies/selfedits";
import { attributes } from "../../tasks/biographies/words";
import { biographyArms, roundLines, type BiographiesVariant } from "./variant";
import type { Outcome } from "../../run/experiment";
import type { BiographyRollout, LineCost } from "./rollout";
import type { Comparison, RecordRow } from "../../run/record";
import type { Cell } from "../../run/rollout";
import {
  cellName,
  cellsOf,
  comparisonOf,
  inCell,
  marksOf,
  meanOrNull,
  rowOf,
  secondsOf,
  type Marked,
} from "../../run/rows";
import { writingRows } from "../../run/writing";
import { compactRollout, figureRewards, rewardComparisons } from "./rewards-report";

/** The paper's table 2, one passage, Qwen2.5-7B. */
const PAPER_SOURCE = "paper, table 2 (Qwen2.5-7B, SQuAD, one passage)";
const paper = [
  { arm: "untouched", accuracy: 0.327, source: PAPER_SOURCE },
  { arm: "passage only", accuracy: 0.335, source: PAPER_SOURCE },
  { arm: "untrained self-edits", accuracy: 0.397, source: PAPER_SOURCE },
  { arm: "best of K", round: 2, accuracy: 0.47, source: `${PAPER_SOURCE}, after two rounds` },
];

/** Pairs of arms that the claims are about. */
function comparedCells(rounds: number): [Cell, Cell][] {
  const plain = (arm: string): Cell => ({ arm, round: 0 });
  const untrained = plain("untrained self-edits");
  const steps = plain("passage only, matched steps");
  const rounded = Array.from({ length: rounds }, (_, r) => ({ arm: "best of K", round: r + 1 }));
  return [
    [untrained, plain("passage only, matched tokens")],
    [untrained, steps],
    ...rounded.flatMap((best): [Cell, Cell][] => [
      [best, untrained],
      [best, { ...best, arm: "random selection" }],
    ]),
    ...rounded.slice(-1).flatMap((best): [Cell, Cell][] => [
      [best, steps],
      [plain("oracle"), best],
    ]),
  ];
}

/** What came of a run beside its rollouts. */
interface RunFacts extends Pick<Outcome, "inputs"> {
  /** Seconds spent on writing self-edits. */
  readonly generate: number;
  readonly costs: readonly LineCost[];
}

/** Everything that is saved of a run. */
export function biographyReport(
  variant: BiographiesVariant,
  rollouts: readonly BiographyRollout[],
  { inputs, generate, costs }: RunFacts,
): Outcome {
  const heldOut = rollouts.filter(({ part }) => part === "held-out");
  const cells = cellsOf(biographyArms(variant));
  const rows = cells.map((cell) => cellRow(variant, cell, heldOut));
  const { seeds, people } = variant;
  const sample = `${seeds.length} seed${seeds.length > 1 ? "s" : ""} of ${people.heldOut} held-out people, ${attributes.length} questions each. Lines and bands: 95% intervals over people.`;
  const several = roundLines(variant).length > 2;
  const among = rewardComparisons(variant).flatMap(([a, b]) => compare(heldOut, a, b));
  return {
    rows,
    comparisons: [
      ...comparedCells(variant.rounds).flatMap(([a, b]) => compare(heldOut, a, b)),
      ...among,
    ],
    writing: writingRows(heldOut),
    seeds: [...seeds],
    inputs,
    paper,
    seconds: secondsOf(generate, rollouts),
    rollouts: several ? rollouts.map(compactRollout) : rollouts,
    metrics: [
      ...cells.map((cell) => contentOf(cell, heldOut)).filter(({ n }) => n > 0),
      ...(several ? costs : []),
    ],
    figures: {
      "accuracy-by-round": figureAccuracyByRound(rows, {
        title: headline(variant, rows),
        note: sample,
        lines: roundLines(variant).map(({ name: arm }) => ({ arm })),
      }),
      "reward-distribution": figureRewardDistribution(rewardsByRound(variant, rollouts), {
        title: "Rewards of the sampled self-edits, by round",
        steps: attributes.length * variant.rewardSeeds,
      }),
      "self-edit-styles": figureSelfEditStyles(stylesByRound(variant, heldOut), {
        title: "What the self-edits are made of, by round",
      }),
      ...(several ? { rewards: figureRewards(variant, among, sample) } : {}),
    },
    tables: { person: personTable(variant, heldOut) },
  };
}

/** What the main figure says, from its numbers. */
function headline(variant: BiographiesVariant, rows: readonly RecordRow[]): string {
  const at = (arm: string): string => {
    const row = rows.filter((one) => one.arm === arm).at(-1);
    return row ? `${(100 * row.accuracy).toFixed(0)}%` : "none";
  };
  const { rounds } = variant;
  if (rounds === 0) return `Untrained self-edits: ${at("untrained self-edits")} right`;
  return `Untrained ${at("untrained self-edits")}, after ${rounds} rounds ${at("best of K")} (random selection ${at("random selection")})`;
}

function cellRow(
  variant: BiographiesVariant,
  cell: Cell,
  heldOut: readonly BiographyRollout[],
): RecordRow {
  const candidates = inCell(heldOut, cell);
  const byPerson = [...groupBy(candidates, personKey).values()];
  const answers = candidates.flatMap((one) => one.answers);
  return {
    ...rowOf(
      cell,
      byPerson.map((own) => own.flatMap((one) => marksOf(one.answers))),
      {
        candidates,
        ungraded: answers.filter(({ verdict }) => verdict === "ungraded").length,
        seed: `${cell.arm}/${cell.round}`,
      },
    ),
    ...answerMeasures(
      answers
        .filter(({ verdict }) => verdict !== "ungraded")
        .map(({ answer, gold }) => ({ answer, golds: [gold] })),
    ),
    accuracyBySeed: variant.seeds.map((seed) => {
      const own = candidates.filter((rollout) => rollout.seed === seed);
      return meanOrNull(own.flatMap((one) => marksOf(one.answers))) ?? 0;
    }),
  };
}

/** The mean difference a - b over people that have both, with an interval over people and one over seeds. */
function compare(heldOut: readonly BiographyRollout[], a: Cell, b: Cell): Comparison[] {
  const people = (cell: Cell): Marked[] =>
    inCell(heldOut, cell).map((rollout) => ({
      key: personKey(rollout),
      marks: marksOf(rollout.answers),
      seed: rollout.seed,
    }));
  return comparisonOf(`${cellName(a)} - ${cellName(b)}`, people(a), people(b));
}

function contentOf(
  cell: Cell,
  heldOut: readonly BiographyRollout[],
): { n: number } & Record<string, unknown> {
  const contents = inCell(heldOut, cell).flatMap(({ content }) => content ?? []);
  const average = (value: (content: SelfEditContent) => number): number | null =>
    meanOrNull(contents.map(value));
  return {
    ...cell,
    n: contents.length,
    facts: average(({ facts }) => facts),
    wrongStatements: average(({ wrongStatements }) => wrongStatements),
    wrongNames: average(({ wrongNames }) => wrongNames),
    words: average(({ length }) => length),
    shares: sharesOf(contents),
  };
}

function sharesOf(contents: readonly SelfEditContent[]): Record<string, number> {
  return Object.fromEntries(
    selfEditStyles.map((style) => [
      style,
      contents.filter((content) => content.style === style).length / Math.max(1, contents.length),
    ]),
  );
}

/** Rewards of the training people's samples: round r's were drawn from the policy of round r - 1. */
function rewardsByRound(
  variant: BiographiesVariant,
  rollouts: readonly BiographyRollout[],
): { round: number; rewards: number[] }[] {
  return Array.from({ length: variant.rounds }, (_, r) => ({
    round: r,
    rewards: rollouts
      .filter(({ part, arm, round }) => part === "train" && arm === "best of K" && round === r + 1)
      .flatMap(({ reward }) => reward ?? []),
  }));
}

function stylesByRound(
  variant: BiographiesVariant,
  heldOut: readonly BiographyRollout[],
): { round: number; shares: Record<string, number> }[] {
  return Array.from({ length: variant.rounds + 1 }, (_, round) => {
    const arm = round === 0 ? "untrained self-edits" : "best of K";
    const contents = inCell(heldOut, { arm, round }).flatMap(({ content }) => content ?? []);
    return { round, shares: sharesOf(contents) };
  });
}

/** One held-out person: passage, self-edit before and after, answers. */
function personTable(variant: BiographiesVariant, heldOut: readonly BiographyRollout[]): Table {
  const before = inCell(heldOut, { arm: "untrained self-edits", round: 0 })[0];
  const after = inCell(heldOut, { arm: "best of K", round: variant.rounds }).find(
    ({ person, seed }) => person === before.person && seed === before.seed,
  );
  const tone = (verdict: Verdict): "right" | "wrong" => (verdict === "correct" ? "right" : "wrong");
  const answers = before.answers.length > 0 ? before.answers : (after?.answers ?? []);
  return {
    title: `${before.person}: self-edits before and after ${variant.rounds} rounds`,
    note: before.passage,
    columns: [
      { title: "", share: 1.2 },
      { title: "untrained", share: 1 },
      { title: `after round ${variant.rounds}`, share: 1 },
    ],
    rows: [
      ["self-edit", before.completion ?? "", after?.completion ?? ""],
      ...answers.map(({ question, gold }, q) => [
        `${question} (${gold})`,
        ...[before, after].map((rollout) => {
          const given = rollout?.answers[q];
          return given
            ? { text: given.answer, tone: tone(given.verdict) }
            : { text: "(none)", tone: "muted" as const };
        }),
      ]),
    ],
  };
}

function personKey({ seed, person }: BiographyRollout): string {
  return `${seed}/${person}`;
}
