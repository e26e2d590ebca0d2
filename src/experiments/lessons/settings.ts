/** Settings of experiments that learn from lessons (lessons.ts): where passages come from, and who writes the self-edits. */
import { z } from "zod";
import { selfEditKinds } from "../../selfedit/prompts";

/** Where lessons come from. */
export const lessonDataSchema = z.strictObject({
  /** "biographies" (the small world), or what the knowledge experiment's data may be. */
  source: z.string().min(1).default("biographies"),
  /** SEAL's choice of SQuAD's passages, as in the knowledge experiment. */
  places: z.string().min(1).optional(),
  split: z.enum(["train", "eval"]).optional(),
  titles: z.array(z.string()).optional(),
  start: z.int().min(0).default(0),
  count: z.int().min(1).optional(),
});

/** Keys of a variant that decide what a lesson is. */
export const lessonSettings = {
  data: lessonDataSchema.prefault({}),
  /** What a real model is asked for; the small world has a prompt of its own. */
  prompt: z.enum(selfEditKinds).default("implications"),
  /** Cut a self-edit into a training sequence a line (SEAL's split_newlines). */
  splitLines: z.boolean().default(true),
};
/** Their values. */
export type LessonSettings = z.output<z.ZodObject<typeof lessonSettings>>;

/** How self-edits are drawn from a model. */
export const samplingSchema = z.strictObject({
  /** Self-edits for each passage, K. */
  count: z.int().min(1).max(100).default(5),
  temperature: z.number().min(0).max(5).default(1),
  topP: z.number().gt(0).max(1).default(0.95),
  maximumTokens: z.int().min(1).max(8192).default(1024),
});

/** Who writes the self-edits. */
export interface WritingSettings {
  readonly author: "model" | "oracle";
  readonly sampling: z.output<typeof samplingSchema>;
}

/** Most tokens of an answer. */
export const answersSchema = z.strictObject({
  maximumTokens: z.int().min(1).max(1024).default(64),
});
