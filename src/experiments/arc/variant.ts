/** The settings of few-shot ARC: the model chooses how it is trained on each task (paper, section 4.1). */
import { z } from "zod";
import { fullSettingsSchema } from "../../full/settings";
import { adapterSettingsSchema } from "../../lora/settings";
import { strictObject } from "../../schema/schema";
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

/** What a recipe decides. */
const byRecipe = { epochs: true, learningRate: true, batchSize: true } as const;
const testTimeTraining = z.discriminatedUnion(
  "method",
  [fullSettingsSchema.omit({ seed: true, ...byRecipe }), adapterSettingsSchema.omit(byRecipe)],
  { error: 'the method is "lora", the default, or "full"' },
);

const recipeSchema = strictObject({
  /** Which groups of augmentations are used. */
  augmentations: strictObject({
    /** Turns, mirrorings, shifts. */
    basic: z.boolean(),
    /** Enlargements. */
    size: z.boolean(),
    /** A turn or mirroring, then an enlargement. */
    chain: z.boolean(),
    /** Repetitions side by side. */
    repeat: z.boolean(),
  }),
  /** Which tokens count in the loss. */
  strategy: z.enum(["all tokens", "output tokens"]),
  /** AdamW's rate. */
  learningRate: z.number().positive(),
  /** How often each sample is trained on. */
  epochs: z.int().min(1),
});

const settings = strictObject({
  /** Which experiment this is. */
  experiment: z.literal("arc"),
  ...variantKeys,
  /** The model's name, as `loadModel` takes it. */
  model: z.string().min(1),
  /** The tasks: of files, or of the small world. */
  data: z.union([
    strictObject({
      /** Files or folders of ARC tasks, as `readArc` takes them. */
      paths: z.array(z.string().min(1)).min(1),
      /** Ids of the tasks that self-edits are learned on, none unless told. */
      train: z.array(z.string()).default([]),
      /** Ids of the tasks that they are evaluated on. */
      evaluate: z.array(z.string()).min(1),
    }),
    strictObject({
      /** Tasks of the small world, drawn for each seed. */
      world: z.literal("small"),
      /** Number of training tasks. */
      train: z.int().min(0).max(1000),
      /** Number of held-out tasks of the same families. */
      known: z.int().min(1).max(1000),
      /** Number of held-out tasks of families met nowhere else, 0 unless told. */
      new: z.int().min(0).max(1000).default(0),
    }),
  ]),
  /** Each repeats everything with other luck, in the small world with other tasks; 1 unless told. */
  seeds: seedsSchema,
  /** What is compared; "in context" and "fixed recipe" and "untrained self-edits" and "SEAL" unless told. */
  arms: z
    .array(z.enum(ARC_ARMS))
    .min(1)
    .default([...PAPER_ARMS]),
  /** Rounds of the outer loop, 1 unless told. */
  rounds: z.int().min(1).max(10).default(1),
  /** Other training tasks in every round, instead of the same ones again; of listed ids an equal share. false unless told. */
  newTasks: z.boolean().optional(),
  /** How self-edits are drawn. */
  sampling: strictObject({
    /** Self-edits for each training task in a round, 15 unless told. */
    train: z.int().min(1).max(100).default(15),
    /** Self-edits for each evaluated task, 5 unless told. */
    evaluate: z.int().min(1).max(100).default(5),
    /** Divides the logits; 0 is greedy; 0.8 unless told. */
    temperature: z.number().min(0).max(5).default(0.8),
    /** Samples among the likeliest tokens that together have this probability; 1 unless told, which is all. */
    topP: z.number().gt(0).max(1).default(1),
    /** Most tokens of a self-edit, 128 unless told. */
    maximumTokens: z.int().min(1).max(1024).default(128),
    /** Only valid recipes can be written, with these rates and epochs; results are then not those of free writing. Free unless told. */
    constrained: strictObject({
      /** The rates as they are written; 1e-5 and 3e-5 and 1e-4 and 3e-4 and 1e-3 unless told. */
      learningRates: z
        .array(z.string())
        .min(1)
        .default([...RECIPE_CHOICES.learningRates]),
      /** The numbers of epochs as they are written; 1 and 2 and 3 and 4 and 5 unless told. */
      epochs: z
        .array(z.string())
        .min(1)
        .default([...RECIPE_CHOICES.epochs]),
    }).optional(),
  }).prefault({}),
  /** What a recipe may ask for, and what of a task is trained on. */
  limits: strictObject({
    /** Largest learning rate, 0.1 unless told. */
    learningRate: z.number().positive().max(1).default(RECIPE_LIMITS.learningRate),
    /** Most optimizer steps, 375 unless told. */
    steps: z.int().min(1).default(RECIPE_LIMITS.steps),
    /** Most training samples of a task, 250 unless told. */
    samples: z.int().min(1).max(MOST_SAMPLES).default(MOST_SAMPLES),
    /** Tokens that a sample must stay below, 8192 unless told. */
    sampleTokens: z.int().min(16).max(SAMPLE_TOKENS).default(SAMPLE_TOKENS),
  }).prefault({}),
  /** The recipe of the arm "fixed recipe", made by hand. */
  recipe: recipeSchema,
  /** Recipes of the arm "chosen recipe", by name; none unless told. */
  recipes: z.record(z.string().min(1), recipeSchema).default({}),
  /** The adapter that a recipe trains, with mini-batches of 2; SEAL's settings unless told. */
  innerLoop: testTimeTraining.prefault({}),
  /** The ways in which a test is asked. */
  queries: strictObject({
    /** Demonstrations left out in each, 1 unless told. */
    leftOut: z.int().min(0).max(2).default(1),
    /** Permutations of the demonstrations for each, 2 unless told. */
    permutations: z.int().min(0).max(10).default(2),
    /** Ways to ask each test at most, 200 unless told. */
    limit: z.int().min(1).max(200).default(200),
  }).prefault({}),
  /** How grids are answered. */
  answers: strictObject({
    /** Most tokens of a grid, 2048 unless told. */
    maximumTokens: z.int().min(1).max(4096).default(2048),
  }).prefault({}),
  /** "solved" (1 or 0, as in the paper), or the share of "cells" that the first attempt has right; "solved" unless told. */
  reward: z.enum(["solved", "cells"]).default("solved"),
  /** Self-edits kept for fine-tuning: all that solved their task, or so many of the best of each task; "solved" unless told. */
  keep: z.union([z.literal("solved"), z.int().min(1).max(100)]).default("solved"),
  /**
   * What is asked of the reward: the measure as it is ("accuracy"), the right grids' likelihood ("answer loss"), the measure
   * beyond that of the demonstrations in context ("over passage"), or its shrunk mean. "accuracy" unless told.
   */
  rewardKind: z.enum(REWARDS).optional(),
  /** Trainings, each with a seed of its own, whose mean is a recipe's reward; 1 unless told. */
  rewardSeeds: z.int().min(1).max(20).optional(),
  /** Further lines of rounds, which keep other self-edits; none unless told. */
  lines: z.array(lineSchema).optional(),
  /** The fine-tuning on kept self-edits; SEAL's inner-loop settings unless told. */
  fineTuning: adapterSettingsSchema.prefault({}),
  /** Adapters trained at once, 4 unless told. */
  concurrency: z.int().min(1).max(64).default(4),
});
/** What a variant of few-shot ARC holds. */
export interface ArcVariant extends z.output<typeof settings> {}

/** Schema of the variant. */
export const arcVariantSchema = settings
  .refine(
    ({ arms }) => {
      const random = arms.indexOf("random selection");
      return random < 0 || arms.slice(0, random).includes("SEAL");
    },
    {
      error: '"random selection" keeps as many self-edits as "SEAL", which must stand before it',
      path: ["arms"],
    },
  )
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
