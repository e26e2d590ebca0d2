/** Two attempts from many answers, by the released code's votes (few-shot/arclib/voting.py, after Akyürek et al. 2024). */
import type { Grid } from "./grids";
import { pythonSet } from "./python-set";

/** An answer, turned back already, and the name of what turned it; null or absent where nothing did. */
export interface Vote {
  /** The answer. */
  readonly output: Grid;
  /** What turned it back, e.g. "Flip(0)". */
  readonly inverter?: string | null;
}

/** What the released code submits where no answer could be read. */
const NO_ANSWER: Grid = [[0]];

/** The inverters that vote on their own, in this order, after all answers together. */
const CATEGORIES = ["identity", "Transpose()", "Flip(0)", "Flip(1)", "Rotate(180)", "Rotate(270)"];

/** How often each distinct grid was given, the most frequent first. */
export interface VoteCount {
  /** The answer. */
  readonly grid: Grid;
  /** How often it was given. */
  readonly count: number;
}

/**
 * The first and the second attempt. All answers vote, and those of each inverter; each vote names its three most
 * frequent grids (or the grid of its most frequent rows or columns), and these vote again. Equal counts are decided as
 * in Python, by the order of its sets. Without answers both are the grid [[0]].
 */
export function voteGrids(votes: readonly Vote[]): [first: Grid, second: Grid] {
  if (votes.length === 0) return [NO_ANSWER, NO_ANSWER];
  const categories = new Map<string, Grid[]>();
  for (const { output, inverter } of votes) {
    const name = inverter ?? "identity";
    categories.set(name, [...(categories.get(name) ?? []), output]);
  }
  const all = [...categories.values()].flat();
  const voters = [all, ...CATEGORIES.flatMap((name) => [categories.get(name) ?? []])];
  const candidates = voters.filter((own) => own.length > 0).flatMap(topThree);
  const [first, second, third] = topThree(candidates);
  const identity = categories.get("identity");
  // Between equals, the answers to the untouched task decide; without such answers the second stays.
  const tie = identity && countOf(candidates, second) === countOf(candidates, third);
  if (!tie || countOf(identity, second) > countOf(identity, third)) return [first, second];
  return [first, third];
}

/** The distinct grids among the answers by falling count, for reports; ties in the order given. */
export function voteCounts(votes: readonly Vote[]): VoteCount[] {
  const counts = new Map<string, { grid: Grid; count: number }>();
  for (const { output } of votes) {
    const key = JSON.stringify(output);
    const known = counts.get(key) ?? { grid: output, count: 0 };
    counts.set(key, { ...known, count: known.count + 1 });
  }
  return [...counts.values()].sort((a, b) => b.count - a.count);
}

function topThree(outputs: readonly Grid[]): Grid[] {
  const distinct = pythonSet(outputs);
  const counts = distinct.map((grid) => countOf(outputs, grid));
  const byCount = distinct.map((_, i) => i).sort((a, b) => counts[a] - counts[b]);
  const first = distinct[counts.indexOf(Math.max(...counts))];
  let second = distinct.length > 1 ? distinct[byCount[distinct.length - 2]] : first;
  let third = distinct.length > 2 ? distinct[byCount[distinct.length - 3]] : first;
  const byRows = majorityOfRows(outputs);
  const byColumns = transposed(majorityOfRows(outputs.map(transposed)));
  if (same(second, first)) second = same(byRows, first) ? byColumns : byRows;
  if (same(third, first) || same(third, second))
    third = same(byRows, first) || same(byRows, second) ? byColumns : byRows;
  return [first, second, third];
}

/** The most frequent size, filled row by row with the most frequent rows of that width. */
function majorityOfRows(outputs: readonly Grid[]): Grid {
  const [height, width] = mostFrequent(
    outputs.map((grid): readonly number[] => [grid.length, grid[0].length]),
  );
  return Array.from({ length: height }, (_, y) =>
    mostFrequent(
      outputs.filter((grid) => grid.length > y && grid[y].length === width).map((grid) => grid[y]),
    ),
  );
}

/** Python's max(set(items), key=items.count). */
function mostFrequent(items: readonly (readonly number[])[]): readonly number[] {
  const distinct = pythonSet(items);
  const counts = distinct.map((item) => items.filter((other) => same(item, other)).length);
  return distinct[counts.indexOf(Math.max(...counts))];
}

function countOf(outputs: readonly Grid[], grid: Grid): number {
  return outputs.filter((other) => same(grid, other)).length;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function transposed(grid: Grid): Grid {
  return grid[0].map((_, x) => grid.map((row) => row[x]));
}
