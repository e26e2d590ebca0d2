/** Recipes: the self-edits of ARC. JSON text to a checked recipe, before any work; what a recipe trains on is in training.ts. */
import { z } from "zod";
import type { CandidateStatus } from "../../restem/select";

/** How a model is to be trained on a task, as it chose. */
export interface Recipe {
  /** Which groups of augmentations are used. */
  readonly augmentations: Readonly<Record<AugmentationGroup, boolean>>;
  /** Which tokens count in the loss. */
  readonly strategy: "all tokens" | "output tokens";
  /** Of the training. */
  readonly learningRate: number;
  /** Of the training. */
  readonly epochs: number;
}

/** The kinds of augmentation that a recipe turns on or off. */
export const AUGMENTATION_GROUPS = ["basic", "size", "chain", "repeat"] as const;
/** One of `AUGMENTATION_GROUPS`. */
export type AugmentationGroup = (typeof AUGMENTATION_GROUPS)[number];

/** The augmentations of each group (the released code's get_augmenters). */
export const GROUP_AUGMENTATIONS: Readonly<Record<AugmentationGroup, readonly string[]>> = {
  basic: [
    ...["Rotate(90)", "Rotate(270)", "Rotate(180)", "Flip(0)", "Flip(1)"],
    ...["Reflect(0,reverse)", "Reflect(1,reverse)", "Reflect(0)", "Reflect(1)"],
    ...["RandomTranslateXY", "Transpose"],
  ],
  size: ["IncreaseResolution(2)", "IncreaseHeight(2)", "IncreaseWidth(2)"],
  chain: ["Rotate(90)", "Rotate(270)", "Rotate(180)", "Flip(0)", "Flip(1)", "Transpose"].map(
    (first) => `Chain(${first},IncreaseResolution(2))`,
  ),
  repeat: ["Repeat(0,2)", "Repeat(1,2)", "Repeat(2,2)"],
};

/** What a recipe may ask for. */
export interface RecipeLimits {
  /** Largest learning rate. */
  readonly learningRate: number;
  /** Most optimizer steps; the released code's 375. */
  readonly steps: number;
}

/** The limits unless told otherwise. A rate of 0.1 is far beyond what any LoRA training bears. */
export const RECIPE_LIMITS: RecipeLimits = { learningRate: 0.1, steps: 375 };

/** Sequences in a mini-batch (the released code). */
export const RECIPE_BATCH_SIZE = 2;

/** What became of a self-edit's text. Only "ok" has a recipe. */
export interface ParsedRecipe {
  /** See `parseRecipe`. */
  readonly status: Extract<CandidateStatus, "ok" | "unparsable" | "rejected" | "too costly">;
  /** The recipe, where it is "ok". */
  readonly recipe?: Recipe;
  /** Why there is none. */
  readonly reason?: string;
}

const recipeSchema = z.strictObject({
  data_generation: z.strictObject({
    use_basic_augmentations: z.boolean(),
    use_size_augmentations: z.boolean(),
    use_chain_augmentations: z.boolean(),
    use_repeat_augmentations: z.boolean(),
  }),
  training: z.strictObject({
    strategy: z.enum(["train_using_all_tokens", "train_using_output_tokens"]),
    // JSON's 1e999 is infinite; the rate's limit is to say so, not the type.
    learning_rate: z.custom<number>((value) => typeof value === "number", "expected a number"),
    num_train_epochs: z.custom<number>((value) => typeof value === "number", "expected a number"),
  }),
});

/** Number of keys in a recipe's JSON, both levels. */
const KEY_COUNT = 9;
/** Characters of a self-edit beyond which it is not read. */
const LONGEST_TEXT = 10_000;

/**
 * Reads a self-edit's text: one JSON object of exactly the requested form, with nothing but white space around it.
 * "unparsable": not that form (prose or fences around it, other or doubled keys, wrong types).
 * "rejected": the form, but a rate or number of epochs that is out of bounds.
 * "too costly": more steps than allowed even on a single training sample; `recipeCost` knows the task's own number.
 */
export function parseRecipe(text: string, limits: RecipeLimits = RECIPE_LIMITS): ParsedRecipe {
  const read = readRecipe(text);
  return typeof read === "string"
    ? { status: "unparsable", reason: read }
    : checkRecipe(read, limits);
}

/** Checks a recipe's numbers. */
export function checkRecipe(recipe: Recipe, limits: RecipeLimits = RECIPE_LIMITS): ParsedRecipe {
  const { learningRate, epochs } = recipe;
  if (!(learningRate > 0 && learningRate <= limits.learningRate))
    return {
      status: "rejected",
      reason: `the learning rate ${learningRate} is not above 0 and at most ${limits.learningRate}`,
    };
  if (!(Number.isInteger(epochs) && epochs >= 1))
    return { status: "rejected", reason: `${epochs} epochs are not a whole number of at least 1` };
  return recipeCost(recipe, 1, limits);
}

/**
 * Whether training on so many samples stays within the limit on steps, counted as the released code does:
 * floor(epochs x samples / 2) may be 375.
 */
export function recipeCost(
  recipe: Recipe,
  samples: number,
  limits: RecipeLimits = RECIPE_LIMITS,
): ParsedRecipe {
  const steps = Math.floor((recipe.epochs * samples) / RECIPE_BATCH_SIZE);
  if (steps <= limits.steps) return { status: "ok", recipe };
  return { status: "too costly", reason: `${steps} steps are more than ${limits.steps}` };
}

/** The recipe as JSON text in the form that is asked for. */
export function recipeText({ augmentations, strategy, learningRate, epochs }: Recipe): string {
  return JSON.stringify({
    data_generation: {
      use_basic_augmentations: augmentations.basic,
      use_size_augmentations: augmentations.size,
      use_chain_augmentations: augmentations.chain,
      use_repeat_augmentations: augmentations.repeat,
    },
    training: {
      strategy: strategy === "all tokens" ? "train_using_all_tokens" : "train_using_output_tokens",
      learning_rate: learningRate,
      num_train_epochs: epochs,
    },
  });
}

/** The recipe, its numbers unchecked, or why there is none. */
function readRecipe(text: string): Recipe | string {
  const trimmed = text.trim();
  if (trimmed === "") return "the self-edit is empty";
  if (trimmed.length > LONGEST_TEXT) return `${trimmed.length} characters are no recipe`;
  if (trimmed.startsWith("```")) return "a code fence stands around the JSON";
  if (!trimmed.startsWith("{")) return "the self-edit does not begin with a JSON object";
  let data: unknown;
  try {
    data = JSON.parse(trimmed);
  } catch (error) {
    return `not JSON: ${error instanceof Error ? error.message.slice(0, 100) : "unreadable"}`;
  }
  const result = recipeSchema.safeParse(data);
  if (!result.success) {
    const [{ path, message }] = result.error.issues;
    return `${path.map(String).join(".") || "the object"}: ${message}`.slice(0, 200);
  }
  // JSON.parse keeps the last of equal keys without a word.
  const keys = [...trimmed.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon);
  if (keys.length !== KEY_COUNT) return "a key stands twice";
  const { data_generation: data_, training } = result.data;
  return {
    augmentations: {
      basic: data_.use_basic_augmentations,
      size: data_.use_size_augmentations,
      chain: data_.use_chain_augmentations,
      repeat: data_.use_repeat_augmentations,
    },
    strategy: training.strategy === "train_using_all_tokens" ? "all tokens" : "output tokens",
    learningRate: training.learning_rate,
    epochs: training.num_train_epochs,
  };
}

/** The names of the augmentations that a recipe turns on. */
export function recipeAugmentations({ augmentations }: Recipe): string[] {
  return AUGMENTATION_GROUPS.filter((group) => augmentations[group]).flatMap(
    (group) => GROUP_AUGMENTATIONS[group],
  );
}
