/** The settings of few-shot ARC: the model chooses how it is trained on each task (paper, section 4.1). */
import { z } from "zod";
import { loraSettingsSchema } from "../../lora/settings";
import { seedsSchema, variantKeys } from "../../run/variant";
import { distinctNames, lineOf, lineSchema, REPEATS_SUFFICE, type Line } from "../../restem/lines";
import { REWARDS } from "../../restem/rewards";
import { RECIPE_CHOICES } from "../../tasks/arc/constrained";
import { RECIPE_LIMITS } from "../../tasks/arc/recipe";
import { MOST_SAMPLES, SAMPLE_TOKENS } from "../../tasks/arc/training";

/** The paper's arms; "SEAL" goes in rounds from the untrained self-edits. */
const PAPER_ARMS = ["in context", "fixed recipe", "untrained self-edits", "SEAL"] as const;

/**
 * The arms and controls. "chosen recipe" is the one of `recipes` that solves most training tasks; all of them are tried on
 * all tasks. The last two go in rounds as "SEAL" does, but keep as many self-edits by lot, or all of them.
 */
export const ARC_ARMS = [
  ...PAPER_ARMS,
  "chosen recipe",
  "random recipes",
  "random selection",
  "no selection",
] as const;
/** One of `ARC_ARMS`. */
export type ArcArm = (typeof ARC_ARMS)[number];

const adapterSettings = loraSettingsSchema.omit({
  seed: true,
  epochs: true,
  learningRate: true,
  batchSize: true,
});

const recipeSchema = z.strictObject({
  augmentations: z.strictObject({
    basic: z.boolean(),
    size: z.boolean(),
    chain: z.boolean(),
    repeat: z.boolean(),
  }),
  strategy: z.enum(["all tokens", "output tokens"]),
  learningRate: z.number().positive(),
  epochs: z.int().min(1),
});

const settings = z.strictObject({
  experiment: z.literal("arc"),
  ...variantKeys,
  model: z.string().min(1),
  data: z.union([
    z.strictObject({
      /** Files or folders of ARC tasks, as `readArc` takes them. */
      paths: z.array(z.string().min(1)).min(1),
      /** Ids of the tasks that self-edits are learned on, and of those that they are evaluated on. */
      train: z.array(z.string()).default([]),
      evaluate: z.array(z.string()).min(1),
    }),
    z.strictObject({
      /** Tasks of the small world, drawn for each seed. */
      world: z.literal("small"),
      /** Numbers of training tasks, and of held-out ones of the same families and of families met nowhere else. */
      train: z.int().min(0).max(1000),
      known: z.int().min(1).max(1000),
      new: z.int().min(0).max(1000).default(0),
    }),
  ]),
  seeds: seedsSchema,
  arms: z
    .array(z.enum(ARC_ARMS))
    .min(1)
    .default([...PAPER_ARMS]),
  rounds: z.int().min(1).max(10).default(1),
  /** Other training tasks in every round, instead of the same ones again; of listed ids an equal share. */
  newTasks: z.boolean().optional(),
  sampling: z
    .strictObject({
      /** Self-edits for each training task in a round, and for each evaluated task. */
      train: z.int().min(1).max(100).default(15),
      evaluate: z.int().min(1).max(100).default(5),
      temperature: z.number().min(0).max(5).default(0.8),
      topP: z.number().gt(0).max(1).default(1),
      maximumTokens: z.int().min(1).max(1024).default(128),
      /** Only valid recipes can be written, with these rates and epochs; results are then not those of free writing. */
      constrained: z
        .strictObject({
          learningRates: z
            .array(z.string())
            .min(1)
            .default([...RECIPE_CHOICES.learningRates]),
          epochs: z
            .array(z.string())
            .min(1)
            .default([...RECIPE_CHOICES.epochs]),
        })
        .optional(),
    })
    .prefault({}),
  /** What a recipe may ask for, and what of a task is trained on. */
  limits: z
    .strictObject({
      learningRate: z.number().positive().max(1).default(RECIPE_LIMITS.learningRate),
      steps: z.int().min(1).default(RECIPE_LIMITS.steps),
      samples: z.int().min(1).max(MOST_SAMPLES).default(MOST_SAMPLES),
      sampleTokens: z.int().min(16).max(SAMPLE_TOKENS).default(SAMPLE_TOKENS),
    })
    .prefault({}),
  /** The recipe of the arm "fixed recipe", made by hand. */
  recipe: recipeSchema,
  /** Recipes of the arm "chosen recipe", by name. */
  recipes: z.record(z.string().min(1), recipeSchema).default({}),
  /** The adapter that a recipe trains, with mini-batches of 2. */
  innerLoop: adapterSettings.prefault({}),
  queries: z
    .strictObject({
      leftOut: z.int().min(0).max(2).default(1),
      permutations: z.int().min(0).max(10).default(2),
      /** Ways to ask each test, at most. */
      limit: z.int().min(1).max(200).default(200),
    })
    .prefault({}),
  answers: z.strictObject({ maximumTokens: z.int().min(1).max(4096).default(2048) }).prefault({}),
  /** "solved" (1 or 0, as in the paper), or the share of cells that the first attempt has right. */
  reward: z.enum(["solved", "cells"]).default("solved"),
  /** Self-edits kept for fine-tuning: all that solved their task, or the best of each task. */
  keep: z.union([z.literal("solved"), z.int().min(1).max(100)]).default("solved"),
  /**
   * What is asked of the reward: the measure as it is ("accuracy"), the right grids' likelihood ("answer loss"), the measure
   * beyond that of the demonstrations in context ("over passage"), or its shrunk mean. "accuracy" unless told.
   */
  rewardKind: z.enum(REWARDS).optional(),
  /** Trainings, each with a seed of its own, whose mean is a recipe's reward; 1 unless told. */
  rewardSeeds: z.int().min(1).max(20).optional(),
  /** Further lines of rounds, which keep other self-edits. */
  lines: z.array(lineSchema).optional(),
  fineTuning: loraSettingsSchema.omit({ seed: true }).prefault({}),
  /** Adapters trained at once. */
  concurrency: z.int().min(1).max(64).default(4),
});
/** Its values. */
export type ArcVariant = z.output<typeof settings>;

/** Schema of the variant. */
export const arcVariantSchema = settings
  .refine(
    ({ rewardKind: reward, rewardSeeds }) => REPEATS_SUFFICE[0]({ reward, rewardSeeds }),
    REPEATS_SUFFICE[1],
  )
  .refine(({ keep, rewardKind = "accuracy" }) => keep !== "solved" || rewardKind === "accuracy", {
    error: '"solved" is of "accuracy"; give a number to keep of each task by another reward',
    path: ["keep"],
  })
  .refine(
    ({ data, newTasks, rounds }) =>
      !newTasks || !("paths" in data) || data.train.length % rounds === 0,
    { error: "with newTasks every round needs as many training tasks", path: ["data", "train"] },
  )
  .refine(...distinctNames(arcLines));

/** The lines that go in rounds, in the order of the arms, then the further ones. */
export function arcLines(variant: ArcVariant): Line[] {
  const { arms, keep, rewardKind: reward = "accuracy", rewardSeeds = 1, lines = [] } = variant;
  const count = keep === "solved" ? 1 : keep;
  const named: Partial<Record<ArcArm, Line>> = {
    // Of what is scored by whether it solved its task, all that did: a mean above one half.
    SEAL: lineOf(
      keep === "solved"
        ? { name: "SEAL", select: "above", score: 0.5, reward, rewardSeeds }
        : { name: "SEAL", select: "best", reward, rewardSeeds },
      count,
    ),
    "random selection": lineOf({ select: "random", reward, rewardSeeds }, count),
    "no selection": lineOf({ select: "all", reward, rewardSeeds }, count),
  };
  return [...arms.flatMap((arm) => named[arm] ?? []), ...lines.map((line) => lineOf(line, count))];
}

/** Every arm with the number of its rounds, 0 for those that need none, in the order of results. */
export function arcCells(variant: ArcVariant): { arm: string; rounds: number }[] {
  const lines = arcLines(variant).map(({ name }) => name);
  return [...new Set([...variant.arms, ...lines])].map((arm) => ({
    arm,
    rounds: lines.includes(arm) ? variant.rounds : 0,
  }));
}
