/** The settings of continued pretraining: self-edits of many passages in one training run. */
import { z } from "zod";
import { innerLoopSettingsSchema } from "../../full/settings";
import { strictObject } from "../../schema/schema";
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

/** Rounds of ReST-EM on single passages before (paper, algorithm 1). */
const outerLoopSchema = strictObject({
  /**
   * Passages to learn writing on: one set for all rounds, or a list with one for each round (the paper's way). Absent: the
   * passages of the variant's own data that come after all those that are asked about.
   */
  data: z.union([lessonDataSchema, z.array(lessonDataSchema).min(1).max(10)]).optional(),
  /** Cut a self-edit into a training sequence a line (SEAL's split_newlines); true unless told. */
  splitLines: z.boolean().default(true),
  /** Passages of a round; none of them is asked about afterwards. 50 unless told. */
  passages: z.int().min(1).max(10_000).default(50),
  /** How often is written, scored, selected and fine-tuned; 2 unless told. */
  rounds: z.int().min(1).max(10).default(2),
  /** How self-edits are drawn. */
  sampling: samplingSchema.prefault({}),
  /** The adapter that is trained on a self-edit; SEAL's settings unless told. */
  innerLoop: innerLoopSettingsSchema.prefault({}),
  /** Inner loops whose mean accuracy is a self-edit's reward; 3 unless told. */
  rewardSeeds: z.int().min(1).max(20).default(3),
  /** Self-edits kept for each passage, 1 unless told. */
  keep: z.int().min(1).max(50).default(1),
  /** The fine-tuning on kept self-edits; rank 64, alpha 128, all linear layers, 2 epochs and rate 0.0003 unless told. */
  fineTuning: fineTuningSchema,
  /** Adapters trained at once, 5 unless told. */
  concurrency: z.int().min(1).max(400).default(5),
});

const settings = strictObject({
  /** Which experiment this is. */
  experiment: z.literal("pretraining"),
  ...variantKeys,
  /** The model's name, as `loadModel` takes it; tiny:biographies unless told. */
  model: z.string().min(1).default("tiny:biographies"),
  ...lessonSettings,
  /** Numbers of passages, N: a training run for each, arm and seed. The passages of a smaller N are among a larger's. 200 unless told. */
  passages: z
    .array(z.int().min(1).max(10_000))
    .min(1)
    .refine((counts) => counts.every((n, i) => i === 0 || n > counts[i - 1]), "must rise")
    .default([200]),
  /** Each repeats everything with other luck; 1 unless told. */
  seeds: seedsSchema,
  /** What is compared; "untouched" and "passages only" and "untrained self-edits" unless told. */
  arms: z
    .array(z.enum(PRETRAINING_ARMS))
    .min(1)
    .default(["untouched", "passages only", "untrained self-edits"]),
  /** How self-edits are drawn. */
  sampling: samplingSchema.prefault({}),
  /** The adapter that is trained on all self-edits; 3 epochs, batch 4, accumulation 2 and rate 0.001 unless told. */
  innerLoop: innerLoopSettingsSchema.prefault({
    epochs: 3,
    batchSize: 4,
    accumulation: 2,
    learningRate: 1e-3,
  }),
  /** Learning rate of the arms with passages only; that of `innerLoop` unless told. */
  passagesOnlyRate: z.number().positive().max(1).optional(),
  /** What the arms after ReST-EM need; none unless told. */
  outerLoop: outerLoopSchema.optional(),
  /** How questions are answered. */
  answers: answersSchema.prefault({}),
  /** Adapters trained at once, 1 unless told. */
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
/** What a variant of continued pretraining holds. */
export interface PretrainingVariant extends z.output<typeof pretrainingVariantSchema> {}
