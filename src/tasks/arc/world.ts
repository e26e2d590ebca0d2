/** The small world of ARC: tasks of known and of new families, drawn at random. Rules are in rules.ts. */
import { createRandom, type Random } from "../../random";
import type { ArcExample, ArcTask, Grid } from "./grids";
import { randomRule, WORLD_COLOURS, WORLD_SIDE, type Rule, type RuleKind } from "./rules";

/**
 * Families of tasks: a kind of rule, and whether the demonstrations are marked: all cells that they clear have one colour,
 * which stands nowhere else, so that "this colour becomes 0" explains them as well. In the test it does not hold.
 */
export const TASK_FAMILIES = {
  "clear line": { kind: "clear line", marked: false },
  "paint cells": { kind: "paint cells", marked: false },
  "marked cells": { kind: "clear cells", marked: true },
  "spread line": { kind: "spread line", marked: false },
  "paint line": { kind: "paint line", marked: false },
  "marked line": { kind: "clear line", marked: true },
  swap: { kind: "swap", marked: false },
} as const satisfies Record<string, { readonly kind: RuleKind; readonly marked: boolean }>;
/** One of `TASK_FAMILIES`. */
export type TaskFamily = keyof typeof TASK_FAMILIES;

/** Families of the training tasks and of held-out ones. */
export const KNOWN_FAMILIES: readonly TaskFamily[] = ["clear line", "paint cells", "marked cells"];
/** Families of held-out tasks only. */
export const NEW_FAMILIES: readonly TaskFamily[] = [
  ...(["spread line", "paint line", "marked line", "swap"] as const),
];

/** Demonstrations of a task. */
export const WORLD_DEMONSTRATIONS = 3;
/** Colours of a task. */
const PALETTE = 5;

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

/** A random example that the rule changes; with a mark, exactly the cells that it clears have this colour. */
export function ruleExample(
  rule: Rule,
  palette: readonly number[],
  random: Random,
  mark?: number,
): ArcExample {
  const others = palette.filter((colour) => colour !== mark);
  const cell = (y: number, x: number): number => {
    const colour = random.pick(mark === undefined ? palette : others);
    return mark !== undefined && rule.clears?.(y, x) ? mark : colour;
  };
  for (;;) {
    const input: Grid = Array.from({ length: WORLD_SIDE }, (_, y) =>
      Array.from({ length: WORLD_SIDE }, (__, x) => cell(y, x)),
    );
    const output = rule.apply(input);
    if (JSON.stringify(input) !== JSON.stringify(output)) return { input, output };
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
  const mark = marked ? palette[0] : undefined;
  const train = Array.from({ length: WORLD_DEMONSTRATIONS }, () =>
    ruleExample(rule, palette, random, mark),
  );
  return { id, family, train, test: [ruleExample(rule, palette, random)] };
}
