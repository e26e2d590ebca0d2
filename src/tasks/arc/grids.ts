/** Grids and tasks of ARC (Chollet 2019) as plain data, and a grid's text form. Reading files and prompts are elsewhere. */

/** A grid of colours 0 to 9, [height][width]. */
export type Grid = readonly (readonly number[])[];

/** A demonstration. */
export interface ArcExample {
  /** What is given. */
  readonly input: Grid;
  /** What it becomes. */
  readonly output: Grid;
}

/** A test; the output is absent where the solution is not known. */
export interface ArcTest {
  /** What is given. */
  readonly input: Grid;
  /** The solution. */
  readonly output?: Grid;
}

/** A task: demonstrations, and one or more tests. */
export interface ArcTask {
  /** Its name in the data set. */
  readonly id?: string;
  /** Kind of its rule, where that is known (the small world). */
  readonly family?: string;
  /** The demonstrations. */
  readonly train: readonly ArcExample[];
  /** The tests. */
  readonly test: readonly ArcTest[];
}

/** Most rows and columns of a grid. */
export const LARGEST_SIDE = 30;

/** Number of colours. */
export const COLOUR_COUNT = 10;

/** The grid as NumPy prints an array: `[[1 2]\n [3 4]]`. */
export function gridText(grid: Grid): string {
  return `[${grid.map((row) => `[${row.join(" ")}]`).join("\n ")}]`;
}

/** True where both grids have the same size and colours. */
export function sameGrid(a: Grid, b: Grid): boolean {
  return (
    a.length === b.length &&
    a.every((row, y) => row.length === b[y].length && row.every((cell, x) => cell === b[y][x]))
  );
}

/** What is wrong with a value as a grid, or undefined. */
export function gridProblem(value: unknown): string | undefined {
  if (value === undefined) return "it is missing";
  if (!Array.isArray(value))
    return `a grid is a list of rows, not ${JSON.stringify(value).slice(0, 40)}`;
  if (value.length === 0) return "it has no rows";
  const rows = value as unknown[];
  if (rows.length > LARGEST_SIDE) return `${rows.length} rows are more than ${LARGEST_SIDE}`;
  for (const [y, row] of rows.entries()) {
    if (!Array.isArray(row) || row.length === 0) return `row ${y + 1} is not a list of colours`;
    const cells = row as unknown[];
    const { length: width } = rows[0] as unknown[];
    if (cells.length !== width) return `row ${y + 1} has ${cells.length} cells, row 1 has ${width}`;
    if (width > LARGEST_SIDE) return `${width} columns are more than ${LARGEST_SIDE}`;
    const wrong = cells.find((cell) => !isColour(cell));
    if (wrong !== undefined)
      return `row ${y + 1} has ${JSON.stringify(wrong)}, which is no colour from 0 to 9`;
  }
  return undefined;
}

function isColour(cell: unknown): boolean {
  return Number.isInteger(cell) && (cell as number) >= 0 && (cell as number) < COLOUR_COUNT;
}

/** A model's answer as a grid, or what is wrong with it. */
export type GridAnswer =
  | {
      /** What was read. */
      readonly grid: Grid;
    }
  | {
      /** Why nothing was. */
      readonly problem: string;
    };

/** More text than the largest grid needs, with room for spaces. */
const LONGEST_ANSWER = 10_000;

/**
 * Reads an answer in the form of `gridText`, ended by "#" or the text's end. Brackets may be missing and spaces doubled,
 * as in the released code (parse_numpy_from_str); rows of unequal length, other numbers and words may not.
 */
export function parseGridAnswer(text: string): GridAnswer {
  if (text.length > LONGEST_ANSWER)
    return { problem: `${text.length} characters are more than a grid has` };
  const [body] = text.split("#", 1);
  const lines = body
    .split("\n")
    .map((line) => line.replace(/[[\]]/g, " ").trim())
    .filter((line) => line !== "");
  if (lines.length === 0) return { problem: "the answer is empty" };
  const words = lines.map((line) => line.split(/\s+/));
  const stray = words.flat().find((word) => !/^\d+$/.test(word));
  if (stray !== undefined)
    return { problem: `"${stray.slice(0, 20)}" stands where a colour is due` };
  const grid = words.map((row) => row.map(Number));
  const problem = gridProblem(grid);
  return problem === undefined ? { grid } : { problem };
}

/** The largest number of rows or columns of any grid of the task. */
export function largestSide(task: ArcTask): number {
  const grids = [...task.train, ...task.test].flatMap(({ input, output }) =>
    output ? [input, output] : [input],
  );
  return Math.max(...grids.flatMap((grid) => [grid.length, grid[0].length]));
}

/** The task with its grids replaced. */
export function mapGrids(task: ArcTask, change: (grid: Grid) => Grid): ArcTask {
  return {
    ...task,
    train: task.train.map(({ input, output }) => ({
      input: change(input),
      output: change(output),
    })),
    test: task.test.map(({ input, output }) => ({
      input: change(input),
      ...(output ? { output: change(output) } : {}),
    })),
  };
}

/** A text that is equal for equal demonstrations (in order) and tests. */
export function taskKey({ train, test }: ArcTask): string {
  return JSON.stringify(
    [train, test].map((part) => part.map(({ input, output }) => [input, output])),
  );
}

/** The items without later ones of the same key. */
export function unique<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  const seen = new Map<string, T>();
  for (const item of items) {
    const key = keyOf(item);
    if (!seen.has(key)) seen.set(key, item);
  }
  return [...seen.values()];
}
