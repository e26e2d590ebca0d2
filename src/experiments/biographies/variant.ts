/** The settings of the outer loop on the small world of biographies. */
import { z } from "zod";
import { loraSettingsSchema } from "../../lora/settings";
import { REWARDS, type RewardKind } from "../../restem/rewards";
import type { RoundLine } from "../lessons/rounds";
import { variantName } from "../../schema/schema";

/** The noise of a reward cannot be told from one repeat. */
const REPEATS_SUFFICE = {
  check: ({ reward, rewardSeeds }: { reward?: RewardKind | undefined; rewardSeeds: number }) =>
    reward !== "shrunk" || rewardSeeds >= 2,
  message: { error: 'the reward "shrunk" needs at least 2 repeats', path: ["rewardSeeds"] },
};

/** What self-edits are kept for, and how many inner loops' mean is one's reward. */
const rewardSchema = z
  .strictObject({
    reward: z.enum(REWARDS),
    rewardSeeds: z.int().min(1).max(20).default(1),
  })
  .refine(REPEATS_SUFFICE.check, REPEATS_SUFFICE.message);

/** What a line of rounds is called that selects by another reward than the first one. */
const lineName = ({ reward, rewardSeeds }: z.output<typeof rewardSchema>): string =>
  `best of K, ${reward}${rewardSeeds > 1 ? `, ${rewardSeeds} repeats` : ""}`;

const adapterSettings = loraSettingsSchema.omit({ seed: true });

/** Schema of the variant. */
export const biographiesVariantSchema = z
  .strictObject({
    experiment: z.literal("biographies"),
    name: variantName,
    description: z.string().default(""),
    model: z.string().min(1).default("tiny:biographies"),
    seeds: z.array(z.int()).min(1).max(100).default([1]),
    people: z
      .strictObject({
        train: z.int().min(1).max(300).default(40),
        heldOut: z.int().min(1).max(300).default(40),
      })
      .prefault({}),
    rounds: z.int().min(0).max(10).default(3),
    sampling: z
      .strictObject({
        /** Self-edits for each person, K. */
        count: z.int().min(1).max(50).default(5),
        temperature: z.number().min(0).max(5).default(1),
        topP: z.number().gt(0).max(1).default(1),
        maximumTokens: z.int().min(1).max(256).default(90),
      })
      .prefault({}),
    innerLoop: adapterSettings.prefault({}),
    /** What a self-edit is rewarded for; "accuracy" unless told. */
    reward: z.enum(REWARDS).optional(),
    /** Inner-loop seeds whose mean accuracy is a candidate's reward, R. */
    rewardSeeds: z.int().min(1).max(20).default(1),
    /** Further lines of rounds, each with another reward; their differences to the first one are reported. */
    otherRewards: z
      .array(rewardSchema)
      .refine((list) => new Set(list.map(lineName)).size === list.length, "a reward is given twice")
      .optional(),
    /** Self-edits for each held-out person in an evaluation. */
    evaluationSamples: z.int().min(1).max(20).default(1),
    /** Self-edits kept for each person. */
    keep: z.int().min(1).max(50).default(1),
    fineTuning: adapterSettings.prefault({}),
    /** Adapters trained at once. */
    concurrency: z.int().min(1).max(400).default(100),
  })
  .refine(REPEATS_SUFFICE.check, REPEATS_SUFFICE.message);
export type BiographiesVariant = z.output<typeof biographiesVariantSchema>;

/** The lines that go in rounds; none where there are no rounds. */
export function roundLines(variant: BiographiesVariant): RoundLine[] {
  const { reward = "accuracy", rewardSeeds, otherRewards = [], rounds } = variant;
  if (rounds === 0) return [];
  return [
    { name: "best of K", reward, rewardSeeds },
    ...otherRewards.map((other) => ({ name: lineName(other), ...other })),
    { name: "random selection", rewardSeeds: 0 },
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
