/** The small ARC world's vocabulary: a word a cell, and a recipe's JSON a word a part. Its tokenizer was made with its model. */
import type { Random } from "../../statistics/random";
import type { ArcExample, Grid } from "./grids";
import { AUGMENTATION_GROUPS, recipeText, type Recipe } from "./recipe";
import { RULE_WORDS, type Size } from "./rules";

/** Words with a role. */
export const worldWords = {
  padding: "<pad>",
  unknown: "<unk>",
  end: "<eos>",
  arrow: "->",
  pairEnd: "#",
  request: "<recipe>",
  name: "<rule>",
} as const;

/** The rates and epochs that the world's model can write. */
export const WORLD_RATES = ["0.0003", "0.001", "0.003", "0.01", "0.03", "0.1"] as const;
export const WORLD_EPOCHS = ["1", "2", "4", "8"] as const;

/** A recipe's JSON in words, each a choice of texts; they are read back by `parseRecipe` with spaces between. */
export const RECIPE_PARTS: readonly (readonly string[])[] = [
  ...AUGMENTATION_GROUPS.flatMap((group, i) => [
    [`${i === 0 ? '{"data_generation":{' : ","}"use_${group}_augmentations":`],
    ["true", "false"],
  ]),
  ['},"training":{"strategy":'],
  ['"train_using_all_tokens"', '"train_using_output_tokens"'],
  [',"learning_rate":'],
  [...WORLD_RATES],
  [',"num_train_epochs":'],
  [...WORLD_EPOCHS],
  ["}}"],
];

/** How often augmentations are on in random recipes, and how far a kind's habit is from that. */
const AUGMENTED = 0.4;
const HABIT = 0.2;

/** A recipe drawn at random; with habits (a generator of a kind's own), each augmentation is somewhat more or less frequent. */
export function randomRecipe(random: Random, habits?: Random): Recipe {
  const on = (): boolean =>
    random.next() < AUGMENTED + (habits ? HABIT * (habits.next() < 0.5 ? 1 : -1) : 0);
  return {
    augmentations: { basic: on(), size: on(), chain: on(), repeat: on() },
    strategy: random.next() < 0.5 ? "all tokens" : "output tokens",
    learningRate: Number(random.pick(WORLD_RATES)),
    epochs: Number(random.pick(WORLD_EPOCHS)),
  };
}

/** The words of a recipe's JSON; its rate and epochs must be the world's. */
export function recipeWords(recipe: Recipe): string[] {
  const text = recipeText(recipe);
  let at = 0;
  return RECIPE_PARTS.map((options) => {
    const fitting = options.filter((word) => text.startsWith(word, at));
    // 0.001 begins with no other rate, but 0.01 is not to be taken for 0.0.
    const [word] = fitting.sort((a, b) => b.length - a.length);
    at += word.length;
    return word;
  });
}

/** Heights and widths of the grids that cells tell their places in. */
export const WORD_SIZES: readonly Size[] = [
  ...[1, 2, 3, 4].flatMap((height) => [1, 2, 3, 4].map((width): Size => [height, width])),
  ...([
    [3, 6],
    [6, 3],
  ] as const),
];
const COLOURS = Array.from({ length: 10 }, (_, colour) => colour);

/** A place: rows above, of all, and cells to the left, of all. */
interface Place {
  readonly y: number;
  readonly x: number;
  readonly size: Size;
}

/** A cell's word: its colour and its place, so that the model need not count. */
const cellWord = (colour: number, { y, x, size: [height, width] }: Place): string =>
  `${colour}@${y}/${height},${x}/${width}`;

const cellWords = new Map(
  WORD_SIZES.flatMap((size) =>
    Array.from({ length: size[0] * size[1] }, (_, i): Place => {
      return { y: Math.floor(i / size[1]), x: i % size[1], size };
    }),
  ).flatMap((place) =>
    COLOURS.map((colour) => [cellWord(colour, place), { ...place, colour }] as const),
  ),
);

/** What a word's vector is made of before pretraining, if it is a cell: its colour, and its distances from the four sides. */
export function cellParts(word: string): { colour: string; distances: string[] } | undefined {
  const cell = cellWords.get(word);
  if (!cell) return undefined;
  const [height, width] = cell.size;
  return {
    colour: String(cell.colour),
    distances: [
      ...[`top ${cell.y}`, `bottom ${height - 1 - cell.y}`],
      ...[`left ${cell.x}`, `right ${width - 1 - cell.x}`],
    ],
  };
}

/** Every word; the index is the token id. */
export function worldVocabulary(): string[] {
  return [
    ...Object.values(worldWords),
    ...cellWords.keys(),
    ...new Set([...COLOURS.map(String), ...RULE_WORDS, ...RECIPE_PARTS.flat()]),
  ];
}

const ids = new Map(worldVocabulary().map((word, id) => [word, id]));

/** Ids of words that are all in the vocabulary. */
export function worldIds(words: readonly string[]): number[] {
  return words.map((word) => ids.get(word)!);
}

/** A grid's words. */
export function gridWords(grid: Grid): string[] {
  return grid.flatMap((row, y) =>
    row.map((cell, x) => cellWord(cell, { y, x, size: [grid.length, row.length] })),
  );
}

/** A pair's words. */
export function pairWords({ input, output }: ArcExample): string[] {
  return [...gridWords(input), worldWords.arrow, ...gridWords(output), worldWords.pairEnd];
}
