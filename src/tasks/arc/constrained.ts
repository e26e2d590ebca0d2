/** Constrained decoding of recipes: the model chooses only between valid ones. An aid for small models; it changes what is measured. */
import type { Tokenizer } from "../../model/types";
import { AUGMENTATION_GROUPS } from "./recipe";

/** The rates and epochs that constrained recipes can have, as they are written; none may begin another. */
export interface RecipeChoices {
  readonly learningRates: readonly string[];
  readonly epochs: readonly string[];
}

/** The choices unless told otherwise. */
export const RECIPE_CHOICES: RecipeChoices = {
  learningRates: ["1e-5", "3e-5", "1e-4", "3e-4", "1e-3"],
  epochs: ["1", "2", "3", "4", "5"],
};

/** A recipe's text in parts: each is one of several texts, most of them of one. */
export function recipeParts({ learningRates, epochs }: RecipeChoices): string[][] {
  const booleans = AUGMENTATION_GROUPS.flatMap((group, i) => [
    [`${i === 0 ? '{"data_generation": {' : ", "}"use_${group}_augmentations": `],
    ["true", "false"],
  ]);
  return [
    ...booleans,
    ['}, "training": {"strategy": "train_using_'],
    ["all", "output"],
    ['_tokens", "learning_rate": '],
    [...learningRates],
    [', "num_train_epochs": '],
    [...epochs],
    ["}}"],
  ];
}

/** What may follow the tokens of a recipe so far; after the last part, the end tokens. For `generate`'s `allowed`. */
export function allowedRecipeTokens(
  tokenizer: Tokenizer,
  endTokens: readonly number[],
  choices: RecipeChoices = RECIPE_CHOICES,
): (tokens: readonly number[]) => readonly number[] {
  const parts = recipeParts(choices).map((texts) => texts.map((text) => tokenizer.encode(text)));
  return (tokens) => {
    let at = 0;
    for (const options of parts) {
      const open = options.filter((ids) =>
        ids.every((id, i) => tokens[at + i] === id || at + i >= tokens.length),
      );
      const complete = open.find((ids) => at + ids.length <= tokens.length);
      if (!complete) return [...new Set(open.map((ids) => ids[tokens.length - at]))];
      at += complete.length;
    }
    return endTokens;
  };
}
