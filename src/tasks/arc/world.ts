/** The small world of ARC: tasks of known and of new families, drawn at random. Rules are in rules.ts. */
import { createRandom, type Random } from "../../statistics/random";
import type { ArcExample, ArcTask, Grid } from "./grids";
import { randomRule, WORLD_COLOURS, type Rule, type RuleKind, type Size } from "./rules";

/**
 * Families of tasks: a kind of rule, and whether the demonstrations are marked: all cells that they clear have one colour,
 * which stands nowhere else, so that "this colour becomes 0" explains them as well. In the test it does not hold.
 */
export const TASK_FAMILIES = {
  recolour: { kind: "recolour", marked: false },
  tile: { kind: "tile", marked: false },
  "clear line": { kind: "clear line", marked: false },
  "paint cells": { kind: "paint cells", marked: false },
  "marked cells": { kind: "clear cells", marked: true },
  mirror: { kind: "mirror", marked: false },
  turn: { kind: "turn", marked: false },
  shift: { kind: "shift", marked: false },
  "spread line": { kind: "spread line", marked: false },
  count: { kind: "count", marked: false },
  composed: { kind: "composed", marked: false },
  "paint line": { kind: "paint line", marked: false },
  "marked line": { kind: "clear line", marked: true },
  swap: { kind: "swap", marked: false },
} as const satisfies Record<string, { readonly kind: RuleKind; readonly marked: boolean }>;
/** One of `TASK_FAMILIES`. */
export type TaskFamily = keyof typeof TASK_FAMILIES;

/** Families of the training tasks and of held-out ones. */
export const KNOWN_FAMILIES: readonly TaskFamily[] = [
  ...(["recolour", "tile", "clear line", "paint cells", "marked cells"] as const),
];
/** Families of held-out tasks only. */
export const NEW_FAMILIES: readonly TaskFamily[] = [
  ...(["mirror", "turn", "shift", "spread line", "count"] as const),
  ...(["composed", "paint line", "marked line", "swap"] as const),
];

/** Demonstrations of a task. */
export const WORLD_DEMONSTRATIONS = 3;
/** Colours of a task. */
const PALETTE = 5;
/** Cells of a grid that is to be counted. */
const MOST_COUNTED = 4;

/** A task with its family. */
export interface WorldTask extends ArcTask {
  readonly id: string;
  readonly family: TaskFamily;
}

/** Some colours, those that the rule names among them. */
export function paletteOf({ colours }: Pick<Rule, "colours">, random: Random): number[] {
  const others = random.shuffle(WORLD_COLOURS.filter((colour) => !colours.includes(colour)));
  return [...colours, ...others.slice(0, PALETTE - colours.length)];
}

/** Rows and columns of a rule's inputs; they are the same throughout a task. */
export function randomSize({ sides: [fewest, most] }: Rule, random: Random): Size {
  const side = (): number => fewest + random.integer(most - fewest + 1);
  return [side(), side()];
}

/** A random example of a size that the rule changes; with a mark, exactly the cells that it clears have this colour. */
export function ruleExample(
  rule: Rule,
  size: Size,
  palette: readonly number[],
  random: Random,
  mark?: number,
): ArcExample {
  for (;;) {
    const input = ruleInput(rule, size, palette, random, mark);
    const output = rule.apply(input);
    if (JSON.stringify(input) !== JSON.stringify(output)) return { input, output };
  }
}

function ruleInput(
  rule: Rule,
  [height, width]: Size,
  palette: readonly number[],
  random: Random,
  mark?: number,
): Grid {
  const filled = (cell: (y: number, x: number) => number): Grid =>
    Array.from({ length: height }, (_, y) => Array.from({ length: width }, (__, x) => cell(y, x)));
  switch (rule.input) {
    case "full": {
      const others = palette.filter((colour) => colour !== mark);
      return filled((y, x) =>
        mark !== undefined && rule.clears?.(y, x, height, width) ? mark : random.pick(others),
      );
    }
    case "half":
      return filled(() => (random.next() < 0.5 ? 0 : random.pick(palette)));
    case "block": {
      const [top, left] = [random.integer(height), random.integer(width)];
      const rows = 1 + random.integer(height - top);
      const columns = 1 + random.integer(width - left);
      return filled((y, x) =>
        y >= top && y < top + rows && x >= left && x < left + columns ? random.pick(palette) : 0,
      );
    }
    case "few": {
      const colour = random.pick(palette);
      const places = random.shuffle(Array.from({ length: height * width }, (_, i) => i));
      const chosen = new Set(
        places.slice(0, 1 + random.integer(Math.min(MOST_COUNTED, places.length))),
      );
      return filled((y, x) => (chosen.has(y * width + x) ? colour : 0));
    }
  }
}

/** Task number `index` of a part of a seed, families in turn. */
export function worldTask(
  seed: string | number,
  part: string,
  families: readonly TaskFamily[],
  index: number,
): WorldTask {
  const id = `${part}-${seed}-${index}`;
  const random = createRandom(`arc task/${id}`);
  const family = families[index % families.length];
  const { kind, marked } = TASK_FAMILIES[family];
  const rule = randomRule(kind, random);
  const palette = paletteOf(rule, random);
  const size = randomSize(rule, random);
  const mark = marked ? palette[0] : undefined;
  const train = Array.from({ length: WORLD_DEMONSTRATIONS }, () =>
    ruleExample(rule, size, palette, random, mark),
  );
  return { id, family, train, test: [ruleExample(rule, size, palette, random)] };
}
