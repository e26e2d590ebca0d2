/** Rows and paired comparisons from marks: what the reports of all experiments have in common; pure. */
import type { Verdict } from "../judge/verdict";
import { groupBy } from "../statistics/groups";
import { createRandom } from "../statistics/random";
import { clusterShareInterval, mean, pairedDifference } from "../statistics/statistics";
import type { Outcome } from "./experiment";
import type { Comparison, RecordRow } from "./record";
import type { Cell, Finished } from "./rollout";

/** What a cell is called: its arm, with the round where there is one. */
export function cellName({ arm, round }: Cell): string {
  return round > 0 ? `${arm}, round ${round}` : arm;
}

/** Every arm at each of its rounds, from 1; at 0 where it has none. */
export function cellsOf(
  arms: readonly { readonly arm: string; readonly rounds: number }[],
): Cell[] {
  return arms.flatMap(({ arm, rounds }) =>
    Array.from({ length: Math.max(1, rounds) }, (_, r) => ({ arm, round: rounds > 0 ? r + 1 : 0 })),
  );
}

/** What belongs to a cell. */
export function inCell<T extends Cell>(all: readonly T[], { arm, round }: Cell): T[] {
  return all.filter((one) => one.arm === arm && one.round === round);
}

/** 1 for a right answer, 0 for a wrong one; ungraded ones are left out. */
export function marksOf(answers: readonly { readonly verdict: Verdict }[]): number[] {
  return answers.flatMap(({ verdict }) =>
    verdict === "ungraded" ? [] : [verdict === "correct" ? 1 : 0],
  );
}

/** A mean that may have nothing to average: null then. */
export function meanOrNull(values: readonly number[]): number | null {
  return values.length > 0 ? mean(values) : null;
}

/** What a row says beside its accuracy. */
export interface RowFacts {
  /** All candidates of the cell, of which those that came to nothing are counted. */
  readonly candidates: readonly Pick<Finished, "status">[];
  /** Answers without a verdict. */
  readonly ungraded: number;
  /** Of the interval. */
  readonly seed: string;
}

/** How many candidates ended so. */
export function countStatus(
  candidates: RowFacts["candidates"],
  status: Finished["status"],
): number {
  return candidates.filter((one) => one.status === status).length;
}

/** A row from marks of 1 and 0 in groups (people, passages, tasks), which are drawn whole for the interval. */
export function rowOf(
  { arm, round }: Cell,
  groups: readonly (readonly number[])[],
  { candidates, ungraded, seed }: RowFacts,
): RecordRow {
  const marks = groups.flat();
  return {
    ...{ arm, round, n: marks.length, accuracy: meanOrNull(marks) ?? 0 },
    ci95: marks.length > 0 ? clusterShareInterval(groups, { random: createRandom(seed) }) : [0, 1],
    ungraded,
    unparsable: countStatus(candidates, "unparsable"),
    diverged: countStatus(candidates, "diverged"),
  };
}

/** Marks of what is paired with another arm's. */
export interface Marked {
  /** What is paired: a person, a question, a task. Marks of one key are averaged. */
  readonly key: string;
  readonly marks: readonly number[];
  /** What the pair depends on, drawn whole for the interval over people; itself unless told. */
  readonly cluster?: string;
  /** Where there is an interval over seeds too. */
  readonly seed?: string | number;
}

/** The mean difference a - b over all pairs of which both have marks; empty where there is none. */
export function comparisonOf(
  difference: string,
  a: readonly Marked[],
  b: readonly Marked[],
): Comparison[] {
  const [left, right] = [a, b].map((side) => groupBy(side, ({ key }) => key));
  const marksAt = (side: typeof left, key: string): number[] =>
    (side.get(key) ?? []).flatMap(({ marks }) => marks);
  const pairs = [...left].flatMap(([key, [first]]) => {
    const [own, others] = [marksAt(left, key), marksAt(right, key)];
    return own.length > 0 && others.length > 0
      ? [{ ...first, left: mean(own), right: mean(others) }]
      : [];
  });
  if (pairs.length === 0) return [];
  const random = createRandom(difference);
  const over = (clusters: (string | number)[]): ReturnType<typeof pairedDifference> =>
    pairedDifference(
      pairs.map((pair) => pair.left),
      pairs.map((pair) => pair.right),
      random,
      clusters,
    );
  const overPeople = over(pairs.map(({ cluster }, i) => cluster ?? i));
  const seeds = pairs.flatMap(({ seed }) => seed ?? []);
  return [
    {
      difference,
      mean: overPeople.mean,
      n: overPeople.n,
      ci95OverPeople: overPeople.ci95,
      ...(seeds.length > 0 && { ci95OverSeeds: over(seeds).ci95 }),
    },
  ];
}

/** Time of the parts of a run: writing self-edits, as given, and all candidates' training and answers. */
export function secondsOf(
  generate: number,
  candidates: readonly Pick<Finished, "seconds">[],
): Outcome["seconds"] {
  const sum = (part: "train" | "answer"): number =>
    candidates.reduce((total, { seconds }) => total + seconds[part], 0);
  return { generate, train: sum("train"), answer: sum("answer") };
}
