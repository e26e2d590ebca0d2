/** The rules of ARC's small world: what they do to a 3 x 3 grid, and the words that name them. Tasks are made in world.ts. */
import type { Random } from "../../random";
import type { Grid } from "./grids";

/** Rows and columns of the world's grids. */
export const WORLD_SIDE = 3;
/** Colours of cells; 0 is what is cleared. */
export const WORLD_COLOURS = [1, 2, 3, 4, 5, 6, 7, 8, 9] as const;

/** A rule: the words that name it in pretraining (none for a rule that it does not have), and what it does. */
export interface Rule {
  readonly kind: RuleKind;
  readonly words: readonly string[];
  /** The colours that it names. */
  readonly colours: readonly number[];
  readonly apply: (grid: Grid) => Grid;
  /** Whether it clears a cell, where that depends on the place alone. */
  readonly clears?: (y: number, x: number) => boolean;
}

/** Kinds of rules that have names: a line, or cells that lie symmetrically, become 0 or a colour; a line is copied to all. */
export const NAMED_KINDS = [
  ...(["clear line", "clear cells", "paint line", "paint cells", "spread line"] as const),
] as const;
/** One of `NAMED_KINDS`, or a rule without a name: two colours are exchanged. */
export type RuleKind = (typeof NAMED_KINDS)[number] | "swap";

type Where = (y: number, x: number) => boolean;

const LAST = WORLD_SIDE - 1;
const LINES: Readonly<Record<string, Where>> = {
  top: (y) => y === 0,
  bottom: (y) => y === LAST,
  left: (_, x) => x === 0,
  right: (_, x) => x === LAST,
};
const isCorner: Where = (y, x) => y !== 1 && x !== 1;
const isCentre: Where = (y, x) => y === 1 && x === 1;
const CELLS: Readonly<Record<string, Where>> = {
  corners: isCorner,
  edges: (y, x) => !isCorner(y, x) && !isCentre(y, x),
  centre: isCentre,
};

const painted =
  (where: Where, colour: number) =>
  (grid: Grid): Grid =>
    grid.map((row, y) => row.map((cell, x) => (where(y, x) ? colour : cell)));

const recoloured =
  (map: ReadonlyMap<number, number>) =>
  (grid: Grid): Grid =>
    grid.map((row) => row.map((cell) => map.get(cell) ?? cell));

const SPREAD: Readonly<Record<string, (grid: Grid) => Grid>> = {
  top: (grid) => grid.map(() => grid[0]),
  bottom: (grid) => grid.map(() => grid[LAST]),
  left: (grid) => grid.map((row) => row.map(() => row[0])),
  right: (grid) => grid.map((row) => row.map(() => row[LAST])),
};

/** The words that name rules, colours apart. */
export const RULE_WORDS: readonly string[] = [
  ...["clear", "paint", "spread"],
  ...Object.keys(LINES),
  ...Object.keys(CELLS),
];

/** A random rule of a kind. */
export function randomRule(kind: RuleKind, random: Random): Rule {
  const [a, b] = random.shuffle(WORLD_COLOURS);
  switch (kind) {
    case "clear line":
    case "clear cells": {
      const places = kind === "clear line" ? LINES : CELLS;
      const name = random.pick(Object.keys(places));
      const clears = places[name];
      const words = ["clear", name];
      return { kind, words, colours: [], apply: painted(clears, 0), clears };
    }
    case "paint line":
    case "paint cells": {
      const places = kind === "paint line" ? LINES : CELLS;
      const name = random.pick(Object.keys(places));
      const words = ["paint", name, String(a)];
      return { kind, words, colours: [a], apply: painted(places[name], a) };
    }
    case "spread line": {
      const name = random.pick(Object.keys(SPREAD));
      return { kind, words: ["spread", name], colours: [], apply: SPREAD[name] };
    }
    case "swap": {
      const map = new Map([
        [a, b],
        [b, a],
      ]);
      return { kind, words: [], colours: [a, b], apply: recoloured(map) };
    }
  }
}
