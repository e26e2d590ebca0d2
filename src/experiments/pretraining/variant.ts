/** The settings of continued pretraining: self-edits of many passages in one training run. */
import { z } from "zod";
import { loraSettingsSchema } from "../../lora/settings";
import { seedsSchema, variantKeys } from "../../run/variant";
import {
  answersSchema,
  fineTuningSchema,
  lessonDataSchema,
  lessonSettings,
  samplingSchema,
} from "../lessons/settings";

/** Arms whose self-edits are written after rounds of ReST-EM, the second with self-edits kept at random. */
const ROUND_ARMS = ["SEAL", "random selection"] as const;
/** One of `ROUND_ARMS`. */
export type RoundArm = (typeof ROUND_ARMS)[number];

/** Arms and controls. */
const PRETRAINING_ARMS = [
  "untouched",
  "passages only",
  "passages only, matched steps",
  "untrained self-edits",
  ...ROUND_ARMS,
  "oracle",
] as const;
/** One of `PRETRAINING_ARMS`. */
export type PretrainingArm = (typeof PRETRAINING_ARMS)[number];

/** Whether an arm's self-edits are written after rounds. */
export function isRoundArm(arm: PretrainingArm): arm is RoundArm {
  return ROUND_ARMS.some((name) => name === arm);
}

/** What an arm is called in results: with the round after which it writes. */
export function armName({ outerLoop }: PretrainingVariant, arm: PretrainingArm): string {
  return isRoundArm(arm) ? `${arm}, round ${outerLoop?.rounds ?? 0}` : arm;
}

const adapterSettings = loraSettingsSchema.omit({ seed: true });

/** Rounds of ReST-EM on single passages before (paper, algorithm 1). */
const outerLoopSchema = z.strictObject({
  /**
   * Passages to learn writing on: one set for all rounds, or a list with one for each round (the paper's way). Absent: the
   * passages of the variant's own data that come after all those that are asked about.
   */
  data: z.union([lessonDataSchema, z.array(lessonDataSchema).min(1).max(10)]).optional(),
  splitLines: z.boolean().default(true),
  /** Passages of a round; none of them is asked about afterwards. */
  passages: z.int().min(1).max(10_000).default(50),
  rounds: z.int().min(1).max(10).default(2),
  sampling: samplingSchema.prefault({}),
  innerLoop: adapterSettings.prefault({}),
  /** Inner loops whose mean accuracy is a self-edit's reward. */
  rewardSeeds: z.int().min(1).max(20).default(3),
  /** Self-edits kept for each passage. */
  keep: z.int().min(1).max(50).default(1),
  /** The fine-tuning on kept self-edits. */
  fineTuning: fineTuningSchema,
  /** Adapters trained at once. */
  concurrency: z.int().min(1).max(400).default(5),
});

const settings = z.strictObject({
  experiment: z.literal("pretraining"),
  ...variantKeys,
  model: z.string().min(1).default("tiny:biographies"),
  ...lessonSettings,
  /** Numbers of passages, N: a training run for each, arm and seed. The passages of a smaller N are among a larger's. */
  passages: z
    .array(z.int().min(1).max(10_000))
    .min(1)
    .refine((counts) => counts.every((n, i) => i === 0 || n > counts[i - 1]), "must rise")
    .default([200]),
  seeds: seedsSchema,
  arms: z
    .array(z.enum(PRETRAINING_ARMS))
    .min(1)
    .default(["untouched", "passages only", "untrained self-edits"]),
  sampling: samplingSchema.prefault({}),
  innerLoop: adapterSettings.prefault({
    epochs: 3,
    batchSize: 4,
    accumulation: 2,
    learningRate: 1e-3,
  }),
  /** Learning rate of the arms with passages only; that of `innerLoop` unless told. */
  passagesOnlyRate: z.number().positive().max(1).optional(),
  /** What the arms after ReST-EM need. */
  outerLoop: outerLoopSchema.optional(),
  answers: answersSchema.prefault({}),
  /** Adapters trained at once. */
  concurrency: z.int().min(1).max(64).default(1),
});

/** Schema of the variant. */
export const pretrainingVariantSchema = settings
  .refine(({ outerLoop, arms }) => outerLoop !== undefined || !arms.some(isRoundArm), {
    path: ["arms"],
    message: `"${ROUND_ARMS.join('" and "')}" need "outerLoop"`,
  })
  .refine(
    ({ outerLoop }) =>
      !Array.isArray(outerLoop?.data) || outerLoop.data.length === outerLoop.rounds,
    { path: ["outerLoop", "data"], message: "a list of data has one entry for each round" },
  );
export type PretrainingVariant = z.output<typeof pretrainingVariantSchema>;
