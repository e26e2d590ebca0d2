/** The settings of continued pretraining: self-edits of many passages in one training run. */
import { z } from "zod";
import { loraSettingsSchema } from "../lora/settings";
import { answersSchema, lessonSettings, samplingSchema } from "./lesson-settings";

/** Arms and controls. */
export const PRETRAINING_ARMS = [
  "untouched",
  "passages only",
  "passages only, matched steps",
  "untrained self-edits",
  "oracle",
] as const;
/** One of `PRETRAINING_ARMS`. */
export type PretrainingArm = (typeof PRETRAINING_ARMS)[number];

const adapterSettings = loraSettingsSchema.omit({ seed: true });

/** Schema of the variant. */
export const pretrainingVariantSchema = z.strictObject({
  experiment: z.literal("pretraining"),
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
  description: z.string().default(""),
  model: z.string().min(1).default("tiny:biographies"),
  ...lessonSettings,
  /** Numbers of passages, N: a training run for each, arm and seed. The passages of a smaller N are among a larger's. */
  passages: z
    .array(z.int().min(1).max(10_000))
    .min(1)
    .refine((counts) => counts.every((n, i) => i === 0 || n > counts[i - 1]), "must rise")
    .default([200]),
  seeds: z.array(z.int()).min(1).max(100).default([1]),
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
  answers: answersSchema.prefault({}),
  /** Adapters trained at once. */
  concurrency: z.int().min(1).max(64).default(1),
});
export type PretrainingVariant = z.output<typeof pretrainingVariantSchema>;
