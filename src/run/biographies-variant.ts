/** The settings of the outer loop on the small world of biographies. */
import { z } from "zod";
import { loraSettingsSchema } from "../lora/settings";
import { REWARDS } from "../restem/rewards";

/** Arms and controls. The two that go in rounds start from the untrained self-edits. */
export const BIOGRAPHY_ARMS = [
  "untouched",
  "passage only",
  "passage only, matched tokens",
  "passage only, matched steps",
  "untrained self-edits",
  "best of K",
  "random selection",
  "oracle",
  "passage in context",
] as const;

const adapterSettings = loraSettingsSchema.omit({ seed: true });

/** Schema of the variant. */
export const biographiesVariantSchema = z.strictObject({
  experiment: z.literal("biographies"),
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
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
  /** Self-edits for each held-out person in an evaluation. */
  evaluationSamples: z.int().min(1).max(20).default(1),
  /** Self-edits kept for each person. */
  keep: z.int().min(1).max(50).default(1),
  fineTuning: adapterSettings.prefault({}),
  /** Adapters trained at once. */
  concurrency: z.int().min(1).max(400).default(100),
});
export type BiographiesVariant = z.output<typeof biographiesVariantSchema>;
