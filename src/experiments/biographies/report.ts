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
import { createRandom } from "../../statistics/random";
import type { CandidateStatus } from "../../restem/select";
import { clusterShareInterval, pairedDifference } from "../../statistics/statistics";
import { selfEditStyles, type SelfEditContent } from "../../tasks/biographies/selfedits";
import { attributes } from "../../tasks/biographies/words";
import { biographyArms, roundLines, type BiographiesVariant } from "./variant";
import type { Outcome } from "../../run/experiment";
import type { BiographyRollout, Cell, LineCost } from "./rollout";
import type { RunRecord } from "../../run/record";
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
const comparisons = (rounds: number): [Cell, Cell][] => [
  [
    { arm: "untrained self-edits", round: 0 },
    { arm: "passage only, matched tokens", round: 0 },
  ],
  [
    { arm: "untrained self-edits", round: 0 },
    { arm: "passage only, matched steps", round: 0 },
  ],
  ...Array.from({ length: rounds }, (_, r): [Cell, Cell][] => [
    [
      { arm: "best of K", round: r + 1 },
      { arm: "untrained self-edits", round: 0 },
    ],
    [
      { arm: "best of K", round: r + 1 },
      { arm: "random selection", round: r + 1 },
    ],
  ]).flat(),
  ...(rounds > 0 ? lastRound(rounds) : []),
];

const lastRound = (round: number): [Cell, Cell][] => [
  [
    { arm: "best of K", round },
    { arm: "passage only, matched steps", round: 0 },
  ],
  [
    { arm: "oracle", round: 0 },
    { arm: "best of K", round },
  ],
];

/** What came of a run beside its rollouts. */
interface RunFacts extends Pick<Outcome, "inputs" | "seconds"> {
  readonly costs: readonly LineCost[];
}

/** Everything that is saved of a run. */
export function biographyReport(
  variant: BiographiesVariant,
  rollouts: readonly BiographyRollout[],
  { inputs, seconds, costs }: RunFacts,
): Outcome {
  const heldOut = rollouts.filter(({ part }) => part === "held-out");
  const cells = cellsOf(variant);
  const rows = cells.map((cell) => rowOf(variant, cell, heldOut));
  const { seeds, people } = variant;
  const sample = `${seeds.length} seed${seeds.length > 1 ? "s" : ""} of ${people.heldOut} held-out people, ${attributes.length} questions each. Lines and bands: 95% intervals over people.`;
  const several = roundLines(variant).length > 2;
  const among = rewardComparisons(variant).map(([a, b]) => compare(heldOut, a, b));
  return {
    rows,
    comparisons: [...comparisons(variant.rounds).map(([a, b]) => compare(heldOut, a, b)), ...among],
    writing: writingRows(heldOut),
    seeds: [...seeds],
    inputs,
    paper,
    seconds,
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
function headline(variant: BiographiesVariant, rows: RunRecord["rows"]): string {
  const at = (arm: string): string => {
    const row = rows.filter((one) => one.arm === arm).at(-1);
    return row ? `${(100 * row.accuracy).toFixed(0)}%` : "none";
  };
  const { rounds } = variant;
  if (rounds === 0) return `Untrained self-edits: ${at("untrained self-edits")} right`;
  return `Untrained ${at("untrained self-edits")}, after ${rounds} rounds ${at("best of K")} (random selection ${at("random selection")})`;
}

function cellsOf(variant: BiographiesVariant): Cell[] {
  return biographyArms(variant).flatMap(({ arm, rounds }): Cell[] =>
    rounds > 0
      ? Array.from({ length: rounds }, (_, r) => ({ arm, round: r + 1 }))
      : [{ arm, round: 0 }],
  );
}

function inCell(rollouts: readonly BiographyRollout[], { arm, round }: Cell): BiographyRollout[] {
  return rollouts.filter((rollout) => rollout.arm === arm && rollout.round === round);
}

function rowOf(
  variant: BiographiesVariant,
  cell: Cell,
  heldOut: readonly BiographyRollout[],
): RunRecord["rows"][number] {
  const own = inCell(heldOut, cell);
  const byPerson = [...groupBy(own, personKey).values()].map((group) => group.flatMap(marks));
  const all: number[] = byPerson.flat();
  const count = (status: CandidateStatus): number => own.filter((r) => r.status === status).length;
  return {
    ...cell,
    n: all.length,
    accuracy: all.length > 0 ? meanOf(all) : 0,
    ci95:
      all.length > 0
        ? clusterShareInterval(byPerson, { random: createRandom(`${cell.arm}/${cell.round}`) })
        : [0, 1],
    ungraded: own.flatMap(({ answers }) => answers).filter((a) => a.verdict === "ungraded").length,
    unparsable: count("unparsable"),
    diverged: count("diverged"),
    ...answerMeasures(
      own
        .flatMap(({ answers }) => answers)
        .filter(({ verdict }) => verdict !== "ungraded")
        .map(({ answer, gold }) => ({ answer, golds: [gold] })),
    ),
    accuracyBySeed: variant.seeds.map((seed) => {
      const values = own.filter((rollout) => rollout.seed === seed).flatMap(marks);
      return values.length > 0 ? meanOf(values) : 0;
    }),
  };
}

/** The mean difference a - b over people that have both, with an interval over people and one over seeds. */
function compare(
  heldOut: readonly BiographyRollout[],
  a: Cell,
  b: Cell,
): NonNullable<RunRecord["comparisons"]>[number] {
  const means = (cell: Cell): Map<string, number> =>
    new Map(
      [...groupBy(inCell(heldOut, cell), personKey)].flatMap(([key, group]) => {
        const values = group.flatMap(marks);
        return values.length > 0 ? [[key, meanOf(values)] as const] : [];
      }),
    );
  const [left, right] = [means(a), means(b)];
  const keys = [...left.keys()].filter((key) => right.has(key));
  const pair = (map: Map<string, number>): number[] => keys.map((key) => map.get(key) ?? NaN);
  const name = ({ arm, round }: Cell): string => (round > 0 ? `${arm}, round ${round}` : arm);
  const random = createRandom(`${name(a)} - ${name(b)}`);
  const seeds = keys.map((key) => key.split("/")[0]);
  const overPeople = pairedDifference(pair(left), pair(right), random);
  return {
    difference: `${name(a)} - ${name(b)}`,
    mean: overPeople.mean,
    n: overPeople.n,
    ci95OverPeople: overPeople.ci95,
    ci95OverSeeds: pairedDifference(pair(left), pair(right), random, seeds).ci95,
  };
}

function contentOf(
  cell: Cell,
  heldOut: readonly BiographyRollout[],
): { n: number } & Record<string, unknown> {
  const contents = inCell(heldOut, cell).flatMap(({ content }) => content ?? []);
  const average = (value: (content: SelfEditContent) => number): number | null =>
    contents.length > 0 ? meanOf(contents.map(value)) : null;
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

function marks({ answers }: BiographyRollout): number[] {
  return answers
    .filter(({ verdict }) => verdict !== "ungraded")
    .map(({ verdict }) => (verdict === "correct" ? 1 : 0));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
