/** Pretraining documents of the small ARC world: words and which of them are learned. Training is elsewhere. */
import type { Random } from "../../random";
import type { PretrainingDocument } from "../from-scratch/step";
import { randomRule, NAMED_KINDS } from "./rules";
import { paletteOf, ruleExample, WORLD_DEMONSTRATIONS } from "./world";
import { gridWords, pairWords, randomRecipe, recipeWords, worldWords } from "./world-words";

/** Share of pairs whose rule is named. */
const NAMED = 0.75;
/** Weight of words that are the same in every document of a kind. */
const FRAME = 0.1;

/** Weight of a recipe among documents: its values are drawn by lot, and only how often is to be learned. */
const RECIPE_WEIGHT = 0.3;

type Part = readonly [words: readonly string[], learned: number];

const join = (...parts: Part[]): PretrainingDocument => ({
  words: parts.flatMap(([words]) => words),
  learned: parts.flatMap(([words, learned]) => words.map(() => learned)),
});

/** Pairs of grids, each by a rule of its own, most of them named: rules are learned by name, and not from other pairs. */
export function pairsDocument(pairs: number, random: Random): PretrainingDocument {
  const parts = Array.from({ length: pairs }, (): Part[] => {
    const rule = randomRule(random.pick(NAMED_KINDS), random);
    const { input, output } = ruleExample(rule, paletteOf(rule, random), random);
    const isNamed = random.next() < NAMED;
    return [
      [isNamed ? rule.words : [], 0],
      [[...gridWords(input), worldWords.arrow], 0],
      ...gridWords(output).map((word): Part => [[word], word === worldWords.row ? FRAME : 1]),
      [[worldWords.pairEnd], FRAME],
    ];
  });
  return join(...parts.flat());
}

/** Demonstrations of a task, and a random recipe. */
export function recipeDocument(random: Random): PretrainingDocument {
  const rule = randomRule(random.pick(NAMED_KINDS), random);
  const palette = paletteOf(rule, random);
  const pairs = Array.from({ length: WORLD_DEMONSTRATIONS }, () =>
    pairWords(ruleExample(rule, palette, random)),
  );
  const document = join(
    [[...pairs.flat(), worldWords.request], 0],
    // Keys and values take turns.
    ...recipeWords(randomRecipe(random)).map((word, i): Part => [[word], i % 2 === 1 ? 1 : FRAME]),
    [[worldWords.end], FRAME],
  );
  return { ...document, weight: RECIPE_WEIGHT };
}
