/** The settings of a training, checked once. Defaults are SEAL's (paper, section 3.1 and appendix B). */
import { z } from "zod";
import { TARGET_NAMES } from "../model/adapters";
import { checkData } from "../schema/schema";

/** Most optimizer steps that one job may ask for. */
export const MAXIMUM_STEPS = 200_000;

/** What every training is told, whatever it trains. */
export const trainingSettings = {
  epochs: z.int().min(1).max(10_000).default(10),
  /** Sequences in a mini-batch. */
  batchSize: z.int().min(1).max(4096).default(1),
  /** Mini-batches that make one optimizer step; every token of them weighs the same. */
  accumulation: z.int().min(1).max(1024).default(1),
  learningRate: z.number().positive().max(1).default(1e-3),
  schedule: z.enum(["linear", "cosine", "constant"]).default("linear"),
  /** Steps over which the rate rises from 0. */
  warmupSteps: z.int().min(0).max(MAXIMUM_STEPS).default(0),
  weightDecay: z.number().min(0).max(1).default(0),
  /** Largest global gradient norm; 0 turns clipping off. */
  clipNorm: z.number().min(0).default(1),
  shuffle: z.boolean().default(true),
  seed: z.union([z.int(), z.string().max(200)]).default(0),
  /**
   * Keeps only what goes into each layer, and makes the rest of it again on the way back: less memory for a third more time
   * (Transformers' gradient_checkpointing). The result is the same.
   */
  gradientCheckpointing: z.boolean().default(false),
  /** Tokens after which a sequence is cut. */
  maximumTokens: z.int().min(2).max(131_072).default(2048),
};

/** Schema of the settings; unknown keys are errors. */
export const loraSettingsSchema = z.strictObject({
  /** Left out or "lora"; the other way of training is full/settings.ts's. */
  method: z.literal("lora").optional(),
  /** PEFT's r. */
  rank: z.int().min(1).max(1024).default(32),
  /** PEFT's lora_alpha; the adapter's output is scaled by alpha / rank. */
  alpha: z.number().positive().max(65_536).default(64),
  /** PEFT's lora_dropout: share of the adapter's inputs set to zero while training. */
  dropout: z.number().min(0).max(0.9).default(0),
  targets: z
    .array(z.enum(TARGET_NAMES))
    .min(1)
    .refine((names) => new Set(names).size === names.length, "a target is named twice")
    .default(["q_proj", "v_proj"]),
  ...trainingSettings,
});

/** Settings with every default filled in. */
export type LoraSettings = z.output<typeof loraSettingsSchema>;
/** Those of them that are not LoRA's own. */
export type TrainingSettings = z.output<z.ZodObject<typeof trainingSettings>>;

/** Checks settings and fills in the defaults. Throws UserError naming the key. */
export function parseLoraSettings(settings: unknown, where = "LoRA settings"): LoraSettings {
  return checkData(loraSettingsSchema, settings, where);
}
