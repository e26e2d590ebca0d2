/** Pretraining documents of the small ARC world: words and which of them are learned. Training is elsewhere. */
import { createRandom, type Random } from "../../../src/statistics/random";
import type { PretrainingDocument } from "../step";
import {
  randomRule,
  NAMED_KINDS,
  type Rule,
  type RuleKind,
  type Size,
} from "../../../src/tasks/arc/rules";
import {
  paletteOf,
  randomSize,
  ruleExample,
  WORLD_DEMONSTRATIONS,
} from "../../../src/tasks/arc/world";
import {
  gridWords,
  pairWords,
  randomRecipe,
  recipeWords,
  worldWords,
} from "../../../src/tasks/arc/world-words";

/** Kinds of rules that are learned from demonstrations, too. */
export const IN_CONTEXT_KINDS: readonly RuleKind[] = ["clear line", "paint line", "tile"];

/** Share of pairs whose rule is named. */
const NAMED = 0.85;

/** Kinds that take longer to learn come more often in lessons. */
const LESSONS: readonly RuleKind[] = [
  ...NAMED_KINDS,
  ...(["mirror", "turn", "shift", "mirror", "turn", "shift"] as const),
  ...(["gravity", "recolour", "spread line", "composed"] as const),
];
/** Weight of the words that are the same in every recipe. */
const FRAME = 0.1;

type Part = readonly [words: readonly string[], learned: number];

const join = (...parts: Part[]): PretrainingDocument => ({
  words: parts.flatMap(([words]) => words),
  learned: parts.flatMap(([words, learned]) => words.map(() => learned)),
});

/** A pair whose output is learned, or not. */
function pairParts(
  rule: Rule,
  size: Size,
  palette: readonly number[],
  random: Random,
  learned = 1,
): Part[] {
  const { input, output } = ruleExample(rule, size, palette, random);
  return [
    [[...gridWords(input), worldWords.arrow], 0],
    [[...gridWords(output), worldWords.pairEnd], learned],
  ];
}

/** Pairs of grids, each by a rule of its own, most of them named: rules are learned by name, and not from other pairs. */
export function pairsDocument(pairs: number, random: Random): PretrainingDocument {
  const parts = Array.from({ length: pairs }, (): Part[] => {
    const rule = randomRule(random.pick(LESSONS), random);
    const isNamed = random.next() < NAMED;
    return [
      [isNamed ? rule.words : [], 0],
      ...pairParts(rule, randomSize(rule, random), paletteOf(rule, random), random),
    ];
  });
  return join(...parts.flat());
}

/** Pairs by one rule of a few kinds, not named: it is learned from the pairs before. */
export function contextDocument(pairs: number, random: Random): PretrainingDocument {
  const rule = randomRule(random.pick(IN_CONTEXT_KINDS), random);
  const palette = paletteOf(rule, random);
  const size = randomSize(rule, random);
  const parts = Array.from({ length: pairs }, (_, i) =>
    pairParts(rule, size, palette, random, i === 0 ? 0 : 1),
  );
  return join(...parts.flat());
}

function demonstrations(rule: Rule, random: Random): string[] {
  const palette = paletteOf(rule, random);
  const size = randomSize(rule, random);
  return Array.from({ length: WORLD_DEMONSTRATIONS }, () =>
    pairWords(ruleExample(rule, size, palette, random)),
  ).flat();
}

/** Demonstrations of a rule, and its name. */
export function nameDocument(random: Random): PretrainingDocument {
  const rule = randomRule(random.pick(NAMED_KINDS), random);
  return join([[...demonstrations(rule, random), worldWords.name], 0], [rule.words, 1]);
}

/** Demonstrations of a rule, and a random recipe by the habits of its kind. */
export function recipeDocument(random: Random): PretrainingDocument {
  const rule = randomRule(random.pick(NAMED_KINDS), random);
  const recipe = randomRecipe(random, createRandom(`habits/${rule.kind}`));
  return join(
    [[...demonstrations(rule, random), worldWords.request], 0],
    // Keys and values take turns.
    ...recipeWords(recipe).map((word, i): Part => [[word], i % 2 === 1 ? 1 : FRAME]),
    [[worldWords.end], FRAME],
  );
}
