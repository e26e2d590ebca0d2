/** What prompts that are decoded together have in common, so that it is read once. */
import type { RowsByAdapter } from "./layout";

/** Beginnings shorter than this are not worth a pass of their own. */
const SHORTEST = 4;

/** How to read a batch of prompts. */
export interface SharedPrompts {
  /** The different prompts of each adapter. */
  readonly distinct: RowsByAdapter;
  /** For every prompt of the batch, adapter by adapter, its place among all different ones. */
  readonly places: readonly number[];
  /** How many tokens all prompts of each adapter begin with; less than any of them has. */
  readonly beginnings: readonly number[];
}

/** Finds equal prompts and equal beginnings under each adapter. */
export function sharePrompts(prompts: RowsByAdapter): SharedPrompts {
  const distinct: (readonly number[])[][] = [];
  const places: number[] = [];
  let before = 0;
  for (const rows of prompts) {
    const found = new Map<string, number>();
    const own: (readonly number[])[] = [];
    for (const row of rows) {
      const key = row.join();
      if (!found.has(key)) found.set(key, own.push(row) - 1);
      places.push(before + found.get(key)!);
    }
    distinct.push(own);
    before += own.length;
  }
  return { distinct, places, beginnings: distinct.map(beginningOf) };
}

function beginningOf(rows: readonly (readonly number[])[]): number {
  if (rows.length < 2) return 0;
  const most = Math.min(...rows.map((row) => row.length)) - 1;
  let count = 0;
  while (count < most && rows.every((row) => row[count] === rows[0][count])) count++;
  return count < SHORTEST ? 0 : count;
}
