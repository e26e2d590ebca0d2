/** Settings of experiments that learn from lessons (lessons.ts): where passages come from, and who writes the self-edits. */
import { z } from "zod";
import { strictObject } from "../../schema/schema";
import { adapterSettingsSchema } from "../../lora/settings";
import { TARGET_NAMES } from "../../model/adapters";
import { selfEditKinds } from "../../selfedit/prompts";
import { passageDataSchema } from "./passages";
import { answerPromptSchema, promptSchema } from "./prompts";

/** Where lessons come from: what the knowledge experiment's data may be, or "biographies" (the small world). */
export const lessonDataSchema = passageDataSchema.extend({
  /** "biographies" (the small world), "articles" (the embedded set), the path of a SQuAD file, or a file of a dataset on the hub; "biographies" unless told. */
  source: z.string().min(1).default("biographies"),
});

/** Keys of a variant that decide what a lesson is. */
export const lessonSettings = {
  /** The passages. */
  data: lessonDataSchema.prefault({}),
  /**
   * What a real model is asked for, a kind's name alone or as in the knowledge experiment, "implications" unless told; the
   * small world has a prompt of its own.
   */
  prompt: z.union([z.enum(selfEditKinds), promptSchema]).default("implications"),
  /** How a real model is asked; this project's prompt unless told. */
  answerPrompt: answerPromptSchema.optional(),
  /** Cut a self-edit into a training sequence a line (SEAL's split_newlines); true unless told. */
  splitLines: z.boolean().default(true),
};
/** Their values. */
export type LessonSettings = z.output<z.ZodObject<typeof lessonSettings>>;

/** How self-edits are drawn from a model. */
export const samplingSchema = strictObject({
  /** Self-edits for each passage, K; 5 unless told. */
  count: z.int().min(1).max(100).default(5),
  /** Divides the logits; 0 is greedy; 1 unless told. */
  temperature: z.number().min(0).max(5).default(1),
  /** Samples among the likeliest tokens that together have this probability, 0.95 unless told. */
  topP: z.number().gt(0).max(1).default(0.95),
  /** Most tokens of a self-edit, 1024 unless told. */
  maximumTokens: z.int().min(1).max(8192).default(1024),
});

/** Fine-tuning a policy on kept self-edits. The paper's: rank 64, alpha 128, all linear layers, 2 epochs, rate 3e-4. */
export const fineTuningSchema = adapterSettingsSchema.prefault({
  rank: 64,
  alpha: 128,
  targets: [...TARGET_NAMES],
  epochs: 2,
  learningRate: 3e-4,
});

/** Who writes the self-edits. */
export interface WritingSettings {
  readonly author: "model" | "oracle";
  readonly sampling: z.output<typeof samplingSchema>;
}

/** Most tokens of an answer. */
export const answersSchema = strictObject({
  /** Most tokens of an answer, 64 unless told. */
  maximumTokens: z.int().min(1).max(1024).default(64),
});
