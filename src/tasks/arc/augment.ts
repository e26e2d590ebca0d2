/**
 * Augmentations of ARC tasks by name, with their inverses, as the released code of SEAL has them (few-shot/arclib/augmenters.py,
 * after Akyürek et al. 2024). Which ones a recipe takes is in recipe.ts.
 */
import { UserError } from "../../messages/errors";
import { createRandom, type Random } from "../../statistics/random";
import { mapGrids, type ArcTask, type Grid } from "./grids";

/** A change of a task. */
export interface Augmentation {
  /** The canonical name. */
  readonly name: string;
  readonly apply: (task: ArcTask, random?: Random) => ArcTask;
  /** The grid-wise change, where it is the same for every grid. */
  readonly onGrid?: (grid: Grid) => Grid;
  /** Name of the augmentation that takes it back, where there is one. */
  readonly inverse?: string;
}

/**
 * The task changed by a named augmentation: `Rotate(90|180|270)` (counter-clockwise, as np.rot90), `Flip(0|1)` (0 turns it
 * upside down), `Reflect(0|1)` and `Reflect(0|1,reverse)`, `Transpose`, `IncreaseResolution(n)`, `IncreaseHeight(n)`,
 * `IncreaseWidth(n)`, `Repeat(0|1|2,n)`, `Translate(down,right)` (cyclic), `MapColors(0->0,1->2,…)`, `Chain(A,B,…)`; with a
 * generator also `RandomTranslateXY`, `PermuteColors` and `PermuteExamples`. Throws UserError for another name.
 */
export function augmentTask(task: ArcTask, name: string, random?: Random): ArcTask {
  return parseAugmentation(name).apply(task, random);
}

/** A grid changed by a named augmentation that treats every grid alike. Throws UserError for others. */
export function augmentGrid(grid: Grid, name: string): Grid {
  const { onGrid } = parseAugmentation(name);
  if (!onGrid) throw new UserError(`${name} does not treat every grid alike.`);
  return onGrid(grid);
}

/** Name of the augmentation that takes `name` back, or undefined where there is none. */
export function inverseOf(name: string): string | undefined {
  return parseAugmentation(name).inverse;
}

/** The augmentation of a name; spaces do not count, and empty parentheses may be left out. */
export function parseAugmentation(name: string): Augmentation {
  const compact = name.replace(/\s+/g, "").replace(/\(\)$/, "");
  const found = /^(\w+)(?:\((.*)\))?$/.exec(compact);
  const make = found ? makers[found[1]] : undefined;
  const made = found && make?.(splitArguments(found[2] ?? ""));
  if (!made)
    throw new UserError(
      `There is no augmentation "${name.slice(0, 80)}"; known are ${Object.keys(makers).join(", ")}, with their numbers in parentheses.`,
    );
  return made;
}

/** Splits at the commas that are not inside parentheses. */
function splitArguments(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = "";
  for (const letter of text) {
    if (letter === "(") depth++;
    if (letter === ")") depth--;
    if (letter === "," && depth === 0) {
      parts.push(part);
      part = "";
    } else part += letter;
  }
  return text === "" ? [] : [...parts, part];
}

const rotated = (grid: Grid): Grid =>
  grid[0].map((_, x) => grid.map((row) => row[grid[0].length - 1 - x]));
const transposed = (grid: Grid): Grid => grid[0].map((_, x) => grid.map((row) => row[x]));
const upsideDown = (grid: Grid): Grid => [...grid].reverse();
const mirrored = (grid: Grid): Grid => grid.map((row) => [...row].reverse());
const beside = (a: Grid, b: Grid): Grid => a.map((row, y) => [...row, ...b[y]]);
const higher = (grid: Grid, factor: number): Grid =>
  grid.flatMap((row) => Array.from({ length: factor }, () => row));
const wider = (grid: Grid, factor: number): Grid => grid.map((row) => repeatEach(row, factor));
const shifted = (grid: Grid, down: number, right: number): Grid =>
  rolled(grid, down).map((row) => rolled(row, right));

function repeatEach(row: readonly number[], factor: number): number[] {
  return row.flatMap((cell) => Array.from({ length: factor }, () => cell));
}

/** np.roll: item i goes to place i + shift. */
function rolled<T>(items: readonly T[], shift: number): T[] {
  const { length } = items;
  return items.map((_, i) => items[(((i - shift) % length) + length) % length]);
}

function tiled(grid: Grid, down: number, across: number): Grid {
  const rows = grid.map((row) => Array.from({ length: across }, () => row).flat());
  return Array.from({ length: down }, () => rows).flat();
}

function gridwise(name: string, onGrid: (grid: Grid) => Grid, inverse?: string): Augmentation {
  return {
    name,
    onGrid,
    apply: (task) => mapGrids(task, onGrid),
    ...(inverse === undefined ? {} : { inverse }),
  };
}

/** The named factor, 1 to 30, or undefined. */
function factorOf(text: string | undefined): number | undefined {
  const factor = Number(text);
  return text !== undefined && Number.isInteger(factor) && factor >= 1 && factor <= 30
    ? factor
    : undefined;
}

type Maker = (given: readonly string[]) => Augmentation | undefined;

const enlarging =
  (kind: string, change: (grid: Grid, factor: number) => Grid): Maker =>
  ([text, ...rest]) => {
    const factor = factorOf(text);
    return factor !== undefined && rest.length === 0
      ? gridwise(`${kind}(${factor})`, (grid) => change(grid, factor))
      : undefined;
  };

const withoutArguments =
  (augmentation: Augmentation): Maker =>
  (given) =>
    given.length === 0 ? augmentation : undefined;

// A null prototype, so that names such as "constructor" find nothing.
const makers: Readonly<Record<string, Maker | undefined>> = Object.assign(
  Object.create(null) as Record<string, Maker>,
  {
    Rotate: ([angle, ...rest]: readonly string[]) => {
      const turns = ["0", "90", "180", "270"].indexOf(angle);
      if (turns < 1 || rest.length > 0) return undefined;
      const turn = (grid: Grid): Grid =>
        Array.from({ length: turns }).reduce<Grid>((turned) => rotated(turned), grid);
      return gridwise(`Rotate(${angle})`, turn, `Rotate(${360 - Number(angle)})`);
    },
    Flip: ([axis, ...rest]: readonly string[]) => {
      if ((axis !== "0" && axis !== "1") || rest.length > 0) return undefined;
      return gridwise(`Flip(${axis})`, axis === "0" ? upsideDown : mirrored, `Flip(${axis})`);
    },
    Reflect: ([axis, order, ...rest]: readonly string[]) => {
      const reverse = order === "reverse" || order === "reverse=True";
      const known = order === undefined || reverse || order === "reverse=False";
      if ((axis !== "0" && axis !== "1") || !known || rest.length > 0) return undefined;
      const join = (a: Grid, b: Grid): Grid => (axis === "0" ? [...a, ...b] : beside(a, b));
      return gridwise(`Reflect(${axis}${reverse ? ",reverse" : ""})`, (grid) => {
        const reflected = axis === "0" ? upsideDown(grid) : mirrored(grid);
        return reverse ? join(reflected, grid) : join(grid, reflected);
      });
    },
    Transpose: withoutArguments(gridwise("Transpose", transposed, "Transpose")),
    IncreaseResolution: enlarging("IncreaseResolution", (grid, factor) =>
      wider(higher(grid, factor), factor),
    ),
    IncreaseHeight: enlarging("IncreaseHeight", higher),
    IncreaseWidth: enlarging("IncreaseWidth", wider),
    Repeat: ([axis, text, ...rest]: readonly string[]) => {
      const factor = factorOf(text);
      if (factor === undefined || !["0", "1", "2"].includes(axis) || rest.length > 0)
        return undefined;
      return gridwise(`Repeat(${axis},${factor})`, (grid) =>
        tiled(grid, axis === "1" ? 1 : factor, axis === "0" ? 1 : factor),
      );
    },
    Translate: (given: readonly string[]) => {
      if (given.length !== 2 || !given.every((text) => /^-?\d{1,3}$/.test(text))) return undefined;
      const [down, right] = given.map(Number);
      // "+ 0" keeps minus zero out of the name.
      return gridwise(
        `Translate(${down},${right})`,
        (grid) => shifted(grid, down, right),
        `Translate(${-down + 0},${-right + 0})`,
      );
    },
    MapColors: (given: readonly string[]) => {
      const pairs = given.map((text) => /^(\d)->(\d)$/.exec(text));
      if (given.length === 0 || pairs.some((pair) => pair === null)) return undefined;
      return mapColours(new Map(pairs.map((pair) => [Number(pair?.[1]), Number(pair?.[2])])));
    },
    Chain: (given: readonly string[]) => {
      if (given.length === 0) return undefined;
      const parts = given.map((text) => text.replace(/^\[|\]$/g, "")).map(parseAugmentation);
      return chained(parts);
    },
    RandomTranslateXY: withoutArguments({ name: "RandomTranslateXY", apply: translateRandomly }),
    PermuteColors: withoutArguments({
      name: "PermuteColors",
      apply: (task, random) => colourPermutation(task, needed(random, "PermuteColors")).apply(task),
    }),
    PermuteExamples: withoutArguments({
      name: "PermuteExamples",
      apply: (task, random) => ({
        ...task,
        train: needed(random, "PermuteExamples").shuffle(task.train),
      }),
    }),
  },
);

function chained(parts: readonly Augmentation[]): Augmentation {
  const inverses = parts.map(({ inverse }) => inverse).reverse();
  const onGrid = parts.every((part) => part.onGrid)
    ? (grid: Grid): Grid => parts.reduce((changed, part) => part.onGrid?.(changed) ?? changed, grid)
    : undefined;
  return {
    name: `Chain(${parts.map(({ name }) => name).join(",")})`,
    apply: (task, random) => parts.reduce((changed, part) => part.apply(changed, random), task),
    ...(onGrid ? { onGrid } : {}),
    ...(inverses.every((name) => name !== undefined)
      ? { inverse: `Chain(${inverses.join(",")})` }
      : {}),
  };
}

function needed(random: Random | undefined, name: string): Random {
  if (!random) throw new UserError(`The augmentation ${name} needs a random generator.`);
  return random;
}

/** A map of colours; those not named stay. Its inverse exists where no two colours become one. */
export function mapColours(colours: ReadonlyMap<number, number>): Augmentation {
  const nameOf = (pairs: readonly (readonly [number, number])[]): string =>
    `MapColors(${pairs.map(([from, to]) => `${from}->${to}`).join(",")})`;
  const pairs = [...colours];
  const targets = new Set(pairs.map(([, to]) => to));
  return gridwise(
    nameOf(pairs),
    (grid) => grid.map((row) => row.map((cell) => colours.get(cell) ?? cell)),
    targets.size === pairs.length ? nameOf(pairs.map(([from, to]) => [to, from])) : undefined,
  );
}

/**
 * A random exchange of the task's colours other than 0, tests included: first for colours that it does not use, then
 * among its own in pairs (the released code's PermuteColors). Taken back by the map's inverse.
 */
export function colourPermutation(task: ArcTask, random: Random): Augmentation {
  const used = new Set(
    [...task.train, ...task.test]
      .flatMap(({ input, output }) => [...input, ...(output ?? [])])
      .flat(),
  );
  const own = [...used].filter((colour) => colour !== 0).sort((a, b) => a - b);
  const free = random.shuffle([1, 2, 3, 4, 5, 6, 7, 8, 9].filter((colour) => !used.has(colour)));
  const colours = new Map([[0, 0]]);
  const settled = own.slice(0, free.length);
  settled.forEach((colour, i) => colours.set(colour, free[i]));
  const left = random.shuffle(own.slice(free.length));
  for (let i = 0; i < left.length; i += 2) {
    const [a, b = a] = left.slice(i, i + 2);
    colours.set(a, b);
    colours.set(b, a);
  }
  return mapColours(colours);
}

/** Every example is shifted alike, input and output each by an amount of its own, at most 3 (the released code's RandomTranslateXY). */
function translateRandomly(task: ArcTask, random?: Random): ArcTask {
  const state = needed(random, "RandomTranslateXY").state();
  // Draws again where an example starts, so that examples of one size are shifted alike.
  const pair = <T extends { readonly input: Grid; readonly output?: Grid }>(example: T): T => {
    const own = createRandom({ state });
    const shift = (grid: Grid): Grid =>
      shifted(
        grid,
        own.integer(Math.min(4, grid.length)),
        own.integer(Math.min(4, grid[0].length)),
      );
    const input = shift(example.input);
    return { ...example, input, ...(example.output ? { output: shift(example.output) } : {}) };
  };
  const moved = { ...task, train: task.train.map(pair), test: task.test.map(pair) };
  random?.next();
  return moved;
}
