/** The settings of a training, checked once. Defaults are SEAL's (paper, section 3.1 and appendix B). */
import { z } from "zod";
import { TARGET_NAMES } from "../model/adapters";
import { checkData, strictObject } from "../schema/schema";

/** Most optimizer steps that one job may ask for. */
export const MAXIMUM_STEPS = 200_000;

/** What every training is told, whatever it trains. */
export const trainingSettings = {
  /** How often each sequence is trained on, 10 unless told. */
  epochs: z.int().min(1).max(10_000).default(10),
  /** Sequences in a mini-batch, 1 unless told. */
  batchSize: z.int().min(1).max(4096).default(1),
  /** Mini-batches that make one optimizer step, every token of them weighing the same; 1 unless told. */
  accumulation: z.int().min(1).max(1024).default(1),
  /** AdamW's rate at its highest, 0.001 unless told. */
  learningRate: z.number().positive().max(1).default(1e-3),
  /** How the rate falls after the warm-up: "linear" or "cosine" to 0, or "constant"; "linear" unless told. */
  schedule: z.enum(["linear", "cosine", "constant"]).default("linear"),
  /** Optimizer steps over which the rate rises from 0, 0 unless told. */
  warmupSteps: z.int().min(0).max(MAXIMUM_STEPS).default(0),
  /** AdamW's decay, times the rate at each step; 0 unless told. */
  weightDecay: z.number().min(0).max(1).default(0),
  /** Largest global gradient norm, beyond which gradients are scaled down; 0 turns that off; 1 unless told. */
  clipNorm: z.number().min(0).default(1),
  /** A new random order of the sequences in each epoch, instead of the given one; true unless told. */
  shuffle: z.boolean().default(true),
  /** Of the fresh adapter, the orders and the dropout; 0 unless told. */
  seed: z.union([z.int(), z.string().max(200)]).default(0),
  /**
   * Keeps only what goes into each layer, and makes the rest of it again on the way back: less memory for a third more time
   * (Transformers' gradient_checkpointing). The result is the same. false unless told.
   */
  gradientCheckpointing: z.boolean().default(false),
  /** Tokens after which a sequence is cut, 2048 unless told. */
  maximumTokens: z.int().min(2).max(131_072).default(2048),
};

/** Schema of the settings; unknown keys are errors. */
export const loraSettingsSchema = strictObject({
  /** "lora" unless told; the other way of training is full/settings.ts's. */
  method: z.literal("lora").optional(),
  /** Rank of the two matrices (PEFT's r), 32 unless told. */
  rank: z.int().min(1).max(1024).default(32),
  /** The adapter's output is scaled by alpha / rank (PEFT's lora_alpha); 64 unless told. */
  alpha: z.number().positive().max(65_536).default(64),
  /** Share of the adapter's inputs set to zero while training (PEFT's lora_dropout), 0 unless told. */
  dropout: z.number().min(0).max(0.9).default(0),
  /** The linear layers that get an adapter (PEFT's target_modules), q_proj and v_proj unless told. */
  targets: z
    .array(z.enum(TARGET_NAMES))
    .min(1)
    .refine((names) => new Set(names).size === names.length, "a target is named twice")
    .default(["q_proj", "v_proj"]),
  ...trainingSettings,
});

/** Settings with every default filled in. */
export interface LoraSettings extends z.output<typeof loraSettingsSchema> {}
/** Those of them that are not LoRA's own. */
export interface TrainingSettings extends z.output<z.ZodObject<typeof trainingSettings>> {}

/** Schema of an experiment's settings, to which the run adds the seed. */
export const adapterSettingsSchema = loraSettingsSchema.omit({ seed: true });

/** Checks settings and fills in the defaults. Throws UserError naming the key. */
export function parseLoraSettings(settings: unknown, where = "LoRA settings"): LoraSettings {
  return checkData(loraSettingsSchema, settings, where);
}
