/** The rules of ARC's small world: what they do to a grid, and the words that name them. Tasks are made in world.ts. */
import type { Random } from "../../statistics/random";
import { augmentGrid } from "./augment";
import type { Grid } from "./grids";

/** Colours of cells; 0 is the ground, and what is cleared. */
export const WORLD_COLOURS = [1, 2, 3, 4, 5, 6, 7, 8, 9] as const;

/** Kinds of rules that have names. */
export const NAMED_KINDS = [
  ...(["mirror", "turn", "shift", "gravity", "recolour"] as const),
  ...(["clear line", "clear cells", "paint line", "paint cells", "spread line"] as const),
  ...(["tile", "crop", "count", "composed"] as const),
] as const;
/** One of `NAMED_KINDS`, or a rule without a name: two colours are exchanged. */
export type RuleKind = (typeof NAMED_KINDS)[number] | "swap";

/** Rows and columns. */
export type Size = readonly [height: number, width: number];

/** A rule: the words that name it in pretraining (none for a rule that it does not have), and what it does. */
export interface Rule {
  readonly kind: RuleKind;
  readonly words: readonly string[];
  /** The colours that it names. */
  readonly colours: readonly number[];
  readonly apply: (grid: Grid) => Grid;
  /** Whether it clears a cell, where that depends on the place alone. */
  readonly clears?: Where;
  /** What its inputs look like: every cell coloured, half of them, one block, or at most five cells of one colour. */
  readonly input: "full" | "half" | "block" | "few";
  /** Fewest and most rows and columns of its inputs. */
  readonly sides: readonly [fewest: number, most: number];
}

type Where = (y: number, x: number, height: number, width: number) => boolean;

/** Fewest and most rows, and as many columns, of inputs; two tiles have up to 6. */
export const SMALLEST_SIDE = 3;
export const WORLD_SIDE = 4;

const DIRECTIONS = ["up", "down", "left", "right"] as const;
type Direction = (typeof DIRECTIONS)[number];

const LINES: Readonly<Record<Direction, Where>> = {
  up: (y) => y === 0,
  down: (y, _, height) => y === height - 1,
  left: (_, x) => x === 0,
  right: (_, x, __, width) => x === width - 1,
};
const isEnd = (place: number, length: number): boolean => place === 0 || place === length - 1;
const CELLS: Readonly<Record<string, Where>> = {
  corners: (y, x, height, width) => isEnd(y, height) && isEnd(x, width),
  border: (y, x, height, width) => isEnd(y, height) || isEnd(x, width),
  inside: (y, x, height, width) => !isEnd(y, height) && !isEnd(x, width),
};
/** The augmentations that do the same, by name. */
const MIRRORS: Readonly<Record<string, string>> = { sideways: "Flip(1)", over: "Flip(0)" };
const TURNS: Readonly<Record<string, string>> = {
  quarter: "Rotate(90)",
  half: "Rotate(180)",
  back: "Rotate(270)",
};
const SHIFTS: Readonly<Record<Direction, string>> = {
  up: "Translate(-1,0)",
  down: "Translate(1,0)",
  left: "Translate(0,-1)",
  right: "Translate(0,1)",
};
const TILES: Readonly<Record<string, string>> = { high: "Repeat(0,2)", wide: "Repeat(1,2)" };

const painted =
  (where: Where, colour: number) =>
  (grid: Grid): Grid =>
    grid.map((row, y) =>
      row.map((cell, x) => (where(y, x, grid.length, row.length) ? colour : cell)),
    );

const recoloured =
  (map: ReadonlyMap<number, number>) =>
  (grid: Grid): Grid =>
    grid.map((row) => row.map((cell) => map.get(cell) ?? cell));

const SPREAD: Readonly<Record<Direction, (grid: Grid) => Grid>> = {
  up: (grid) => grid.map(() => grid[0]),
  down: (grid) => grid.map(() => grid[grid.length - 1]),
  left: (grid) => grid.map((row) => row.map(() => row[0])),
  right: (grid) => grid.map((row) => row.map(() => row[row.length - 1])),
};

/** Every column's cells fall up, down, left or right over the ground. */
function fallen(grid: Grid, direction: Direction): Grid {
  if (direction === "up" || direction === "down")
    return augmentGrid(
      fallen(augmentGrid(grid, "Transpose"), direction === "up" ? "left" : "right"),
      "Transpose",
    );
  return grid.map((row) => {
    const cells = row.filter((cell) => cell !== 0);
    const ground = row.filter((cell) => cell === 0);
    return direction === "left" ? [...cells, ...ground] : [...ground, ...cells];
  });
}

/** The smallest part that has all coloured cells. */
function cropped(grid: Grid): Grid {
  const rows = grid.flatMap((row, y) => (row.some((cell) => cell !== 0) ? [y] : []));
  const columns = grid[0].flatMap((_, x) => (grid.some((row) => row[x] !== 0) ? [x] : []));
  return grid
    .slice(rows[0], (rows.at(-1) ?? 0) + 1)
    .map((row) => row.slice(columns[0], (columns.at(-1) ?? 0) + 1));
}

/** A row of as many cells as are coloured. */
const counted = (grid: Grid): Grid => [grid.flat().filter((cell) => cell !== 0)];

/** The words that name rules, colours apart. */
export const RULE_WORDS: readonly string[] = [
  ...["mirror", "turn", "shift", "gravity", "recolour", "clear", "paint", "spread"],
  ...["tile", "crop", "count", ...DIRECTIONS],
  ...[CELLS, MIRRORS, TURNS, TILES].flatMap(Object.keys),
];

const USUAL = {
  ...{ colours: [], input: "full", sides: [SMALLEST_SIDE, WORLD_SIDE] },
} as const satisfies Partial<Rule>;

/** A random rule of a kind. */
export function randomRule(kind: RuleKind, random: Random): Rule {
  const [a, b] = random.shuffle(WORLD_COLOURS);
  const direction = random.pick(DIRECTIONS);
  const augmenting = (verb: string, names: Readonly<Record<string, string>>): Rule => {
    const name = random.pick(Object.keys(names));
    const apply = (grid: Grid): Grid => augmentGrid(grid, names[name]);
    return { ...USUAL, kind, words: [verb, name], apply };
  };
  switch (kind) {
    case "mirror":
      return augmenting("mirror", MIRRORS);
    case "turn":
      return augmenting("turn", TURNS);
    case "shift":
      return augmenting("shift", SHIFTS);
    case "tile":
      return { ...augmenting("tile", TILES), sides: [3, 3] };
    case "gravity": {
      const apply = (grid: Grid): Grid => fallen(grid, direction);
      return { ...USUAL, kind, words: ["gravity", direction], apply, input: "half" };
    }
    case "clear line":
    case "clear cells":
    case "paint line":
    case "paint cells": {
      const [verb, what] = kind.split(" ");
      const places: Readonly<Record<string, Where>> = what === "line" ? LINES : CELLS;
      const name = random.pick(Object.keys(places));
      const where = places[name];
      return {
        ...USUAL,
        kind,
        ...(verb === "clear"
          ? { words: [verb, name], apply: painted(where, 0), clears: where }
          : { words: [verb, name, String(a)], colours: [a], apply: painted(where, a) }),
      };
    }
    case "spread line":
      return { ...USUAL, kind, words: ["spread", direction], apply: SPREAD[direction] };
    case "recolour": {
      const words = ["recolour", String(a), String(b)];
      return { ...USUAL, kind, words, colours: [a], apply: recoloured(new Map([[a, b]])) };
    }
    case "crop":
      return { ...USUAL, kind, words: ["crop"], apply: cropped, input: "block" };
    case "count":
      return { ...USUAL, kind, words: ["count"], apply: counted, input: "few" };
    case "composed": {
      const first = randomRule(random.pick(["mirror", "shift"]), random);
      const second = recoloured(new Map([[a, b]]));
      const words = [...first.words, "recolour", String(a), String(b)];
      return {
        ...{ ...USUAL, kind, words, colours: [a] },
        apply: (grid) => second(first.apply(grid)),
      };
    }
    case "swap": {
      const map = new Map([
        [a, b],
        [b, a],
      ]);
      return { ...USUAL, kind, words: [], colours: [a, b], apply: recoloured(map) };
    }
  }
}
