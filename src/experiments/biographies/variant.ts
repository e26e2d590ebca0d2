/** The settings of the outer loop on the small world of biographies. */
import { z } from "zod";
import { innerLoopSettingsSchema } from "../../full/settings";
import { adapterSettingsSchema } from "../../lora/settings";
import { strictObject } from "../../schema/schema";
import { seedsSchema, variantKeys } from "../../run/variant";
import { distinctNames, lineOf, lineSchema, REPEATS_SUFFICE, type Line } from "../../restem/lines";
import { REWARDS } from "../../restem/rewards";
import { worldSizes } from "../../tasks/biographies/world";

/** What self-edits are kept for, and how many inner loops' mean is one's reward. */
const rewardSchema = strictObject({
  /** What self-edits are rewarded for. */
  reward: z.enum(REWARDS),
  /** Inner loops whose mean is one's reward, 1 unless told. */
  rewardSeeds: z.int().min(1).max(20).default(1),
}).refine(...REPEATS_SUFFICE);

const settings = strictObject({
  /** Which experiment this is. */
  experiment: z.literal("biographies"),
  ...variantKeys,
  /** The model's name, as `loadModel` takes it; tiny:biographies unless told. */
  model: z.string().min(1).default("tiny:biographies"),
  /** Each repeats everything with other people; 1 unless told. */
  seeds: seedsSchema,
  /** How many are drawn. */
  people: strictObject({
    /** People to learn writing on, in each round; 40 unless told. */
    train: z.int().min(1).max(300).default(40),
    /** People to evaluate on, 40 unless told. */
    heldOut: z.int().min(1).max(300).default(40),
  }).prefault({}),
  /** Rounds of the outer loop, 3 unless told. */
  rounds: z.int().min(0).max(10).default(3),
  /** How self-edits are drawn. */
  sampling: strictObject({
    /** Self-edits for each person, K; 5 unless told. */
    count: z.int().min(1).max(50).default(5),
    /** Divides the logits; 0 is greedy; 1 unless told. */
    temperature: z.number().min(0).max(5).default(1),
    /** Samples among the likeliest tokens that together have this probability; 1 unless told, which is all. */
    topP: z.number().gt(0).max(1).default(1),
    /** Most tokens of a self-edit, 90 unless told. */
    maximumTokens: z.int().min(1).max(256).default(90),
  }).prefault({}),
  /** The adapter that is trained on a self-edit; SEAL's settings unless told. */
  innerLoop: innerLoopSettingsSchema.prefault({}),
  /** What a self-edit is rewarded for; "accuracy" unless told. */
  reward: z.enum(REWARDS).optional(),
  /** Inner-loop seeds whose mean accuracy is a candidate's reward, R; 1 unless told. */
  rewardSeeds: z.int().min(1).max(20).default(1),
  /** Further lines of rounds, each with another reward; their differences to the first one are reported. None unless told. */
  otherRewards: z
    .array(rewardSchema)
    .refine(
      (list) => new Set(list.map((one) => `${one.reward}/${one.rewardSeeds}`)).size === list.length,
      "a reward is given twice",
    )
    .optional(),
  /** Further lines of rounds, which keep other self-edits; their differences to the first one are reported. None unless told. */
  lines: z.array(lineSchema).optional(),
  /** Other people in every round, instead of the same ones again; false unless told. */
  newPeople: z.boolean().optional(),
  /** Self-edits for each held-out person in an evaluation, 1 unless told. */
  evaluationSamples: z.int().min(1).max(20).default(1),
  /** Self-edits kept for each person, 1 unless told. */
  keep: z.int().min(1).max(50).default(1),
  /** The fine-tuning on kept self-edits; SEAL's inner-loop settings unless told. */
  fineTuning: adapterSettingsSchema.prefault({}),
  /** Adapters trained at once, 100 unless told. */
  concurrency: z.int().min(1).max(400).default(100),
});
/** What a variant of the outer loop on the small world of biographies holds. */
export interface BiographiesVariant extends z.output<typeof settings> {}

/** Schema of the variant. */
export const biographiesVariantSchema = settings
  .refine(...REPEATS_SUFFICE)
  .refine((variant) => peopleOfSeed(variant) <= worldSizes.newNames, {
    error: `the small world has ${worldSizes.newNames} people to draw from`,
    path: ["people"],
  })
  .refine(...distinctNames(roundLines));

/** Number of people that one seed needs. */
export function peopleOfSeed({ people, rounds, newPeople }: BiographiesVariant): number {
  return people.train * (newPeople ? Math.max(1, rounds) : 1) + people.heldOut;
}

/** The lines that go in rounds, SEAL's first and the control last; none where there are no rounds. */
export function roundLines(variant: BiographiesVariant): Line[] {
  const { reward = "accuracy", rewardSeeds, otherRewards = [], lines = [], keep } = variant;
  if (variant.rounds === 0) return [];
  return [
    lineOf({ name: "best of K", select: "best", reward, rewardSeeds }, keep),
    ...otherRewards.map((other) => lineOf({ select: "best", ...other }, keep)),
    ...lines.map((line) => lineOf(line, keep)),
    lineOf({ select: "random", reward: "accuracy", rewardSeeds: 1 }, keep),
  ];
}

/** Arms and controls, with the number of rounds of each; those that go in rounds start from the untrained self-edits. */
export function biographyArms(variant: BiographiesVariant): { arm: string; rounds: number }[] {
  const plain = (arm: string): { arm: string; rounds: number } => ({ arm, rounds: 0 });
  return [
    ...["untouched", "passage only", "passage only, matched tokens"].map(plain),
    ...["passage only, matched steps", "untrained self-edits"].map(plain),
    ...roundLines(variant).map(({ name }) => ({ arm: name, rounds: variant.rounds })),
    ...["oracle", "passage in context"].map(plain),
  ];
}
