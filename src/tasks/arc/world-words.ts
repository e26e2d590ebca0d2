/** The small ARC world's vocabulary and its tokenizer.json: a task's usual texts become a word a cell, a recipe's JSON a word a part. */
import type { Random } from "../../random";
import type { ArcExample, Grid } from "./grids";
import { AUGMENTATION_GROUPS, recipeText, type Recipe } from "./recipe";
import { RULE_WORDS } from "./rules";

/** Words with a role. */
export const worldWords = {
  padding: "<pad>",
  unknown: "<unk>",
  end: "<eos>",
  arrow: "->",
  pairEnd: "#",
  row: "\n",
  request: "<recipe>",
} as const;

/** The rates and epochs that the world's model can write. */
export const WORLD_RATES = ["0.0001", "0.001", "0.003", "0.01", "0.03", "0.1"] as const;
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

/** Share of a random recipe's augmentations that are on. */
const AUGMENTED = 0.4;

/** A recipe drawn at random, whatever the task. */
export function randomRecipe(random: Random): Recipe {
  const on = (): boolean => random.next() < AUGMENTED;
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

/** Every word; the index is the token id. */
export function worldVocabulary(): string[] {
  const digits = Array.from({ length: 10 }, (_, d) => String(d));
  return [
    ...new Set([...Object.values(worldWords), ...digits, ...RULE_WORDS, ...RECIPE_PARTS.flat()]),
  ];
}

const ids = new Map(worldVocabulary().map((word, id) => [word, id]));

/** Ids of words that are all in the vocabulary. */
export function worldIds(words: readonly string[]): number[] {
  return words.map((word) => ids.get(word)!);
}

/** A grid's words. */
export function gridWords(grid: Grid): string[] {
  return grid.flatMap((row, y) => [...(y > 0 ? [worldWords.row] : []), ...row.map(String)]);
}

/** A pair's words. */
export function pairWords({ input, output }: ArcExample): string[] {
  return [...gridWords(input), worldWords.arrow, ...gridWords(output), worldWords.pairEnd];
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** tokenizer.json: the fixed texts around a task's grids are nothing, or one word. */
export function worldTokenizerFile(): object {
  const words = worldVocabulary();
  const replace = (pattern: string, content: string): object => ({
    type: "Replace",
    pattern: { Regex: pattern },
    content,
  });
  const special = [worldWords.padding, worldWords.unknown, worldWords.end].map((content) => ({
    id: words.indexOf(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  // Longer words first: 0.001 is no 0.
  const plain = words
    .filter((word) => word !== worldWords.row && !special.some(({ content }) => content === word))
    .sort((a, b) => b.length - a.length)
    .map(escaped);
  // A line end between two rows; all other ones are nothing.
  const row = "(?<=\\])\\n(?= \\[)|(?<=[0-9])\\n(?=[0-9])";
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special,
    normalizer: {
      type: "Sequence",
      normalizers: [
        replace("------\\n\\nChoose[\\s\\S]*$", worldWords.request),
        replace("\\n\\nOutput:\\n", ` ${worldWords.arrow} `),
        replace("(?<=[0-9])\\n\\n(?=Input|<)", ` ${worldWords.pairEnd} `),
        replace("^Figure out [\\s\\S]*python arrays:\\n", ""),
      ],
    },
    pre_tokenizer: {
      type: "Split",
      pattern: { Regex: [row, ...plain].join("|") },
      behavior: "Removed",
      invert: true,
    },
    post_processor: null,
    decoder: null,
    model: {
      type: "WordPiece",
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      unk_token: worldWords.unknown,
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
    },
  };
}
