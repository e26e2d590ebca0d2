/** The settings of knowledge incorporation with a real model: one passage at a time (paper, section 4.2). */
import { z } from "zod";
import { innerLoopSettingsSchema } from "../../full/settings";
import { strictObject } from "../../schema/schema";
import { seedsSchema, variantKeys } from "../../run/variant";
import { distinctNames, lineOf, lineSchema, REPEATS_SUFFICE, type Line } from "../../restem/lines";
import { REWARDS } from "../../restem/rewards";
import { passageDataSchema } from "../lessons/passages";
import { answerPromptSchema, promptSchema } from "../lessons/prompts";
import { answersSchema, fineTuningSchema, samplingSchema } from "../lessons/settings";
import { authorSchema } from "./authors";

/** What the arms without rounds are called; the paper's table 2. */
const KNOWLEDGE_ARMS = [
  "untouched",
  "passage only",
  "untrained self-edits",
  "passage in context",
] as const;

/** The line of rounds that is SEAL's. */
export const SEAL_LINE = "best of K";

const outerLoopSettings = strictObject({
  /** Passages to learn writing on: one set for all rounds, or a list with one for each round (the paper's way). */
  data: z.union([passageDataSchema, z.array(passageDataSchema).min(1).max(10)]),
  /** How often is written, scored, selected and fine-tuned; 2 unless told. */
  rounds: z.int().min(1).max(10).default(2),
  /** What a self-edit is rewarded for; "accuracy" unless told. */
  reward: z.enum(REWARDS).optional(),
  /** Inner-loop seeds whose mean accuracy is a self-edit's reward; 3 unless told. */
  rewardSeeds: z.int().min(1).max(20).default(3),
  /** Self-edits kept for each passage, 1 unless told. */
  keep: z.int().min(1).max(50).default(1),
  /** Further lines of rounds, which keep other self-edits ("random" is the control); none unless told. */
  lines: z.array(lineSchema).optional(),
  /** Self-edits for each evaluated passage, 1 unless told. */
  evaluationSamples: z.int().min(1).max(100).default(1),
  /** The fine-tuning on kept self-edits; rank 64, alpha 128, all linear layers, 2 epochs and rate 0.0003 unless told. */
  fineTuning: fineTuningSchema,
});
/** ReST-EM, as a variant has it. */
export type OuterLoopSettings = z.output<typeof outerLoopSettings>;

/** ReST-EM (paper, algorithm 1): passages to learn writing on, and how. */
const outerLoopSchema = outerLoopSettings
  .refine(...REPEATS_SUFFICE)
  .refine(({ data, rounds }) => !Array.isArray(data) || data.length === rounds, {
    error: "a list of data has one entry for each round",
    path: ["data"],
  })
  .refine(...distinctNames(knowledgeLines));

/** The lines that go in rounds, SEAL's first. */
export function knowledgeLines(outerLoop: OuterLoopSettings): Line[] {
  const { reward = "accuracy", rewardSeeds, keep, lines = [] } = outerLoop;
  return [
    lineOf({ name: SEAL_LINE, select: "best", reward, rewardSeeds }, keep),
    ...lines.map((line) => lineOf(line, keep)),
  ];
}

/** Schema of the variant. */
export const knowledgeVariantSchema = strictObject({
  /** Which experiment this is. */
  experiment: z.literal("knowledge"),
  ...variantKeys,
  /** The model's name, as `loadModel` takes it. */
  model: z.string().min(1),
  /** Passages that are asked about. */
  data: passageDataSchema.prefault({}),
  /** Each repeats everything with other luck; 1 unless told. */
  seeds: seedsSchema,
  /** What is compared, beside the authors and the rounds; "untouched" and "passage only" and "untrained self-edits" and "passage in context" unless told. */
  arms: z
    .array(z.enum(KNOWLEDGE_ARMS))
    .min(1)
    .default([...KNOWLEDGE_ARMS]),
  /** Others whose self-edits are trained on too; none unless told. */
  authors: z
    .array(authorSchema)
    .refine(
      (list) => new Set(list.map(({ name }) => name)).size === list.length,
      "a name is given twice",
    )
    .default([]),
  /**
   * What the model is asked for: one of the paper's kinds, a file of one's own, or the release's own wording; the kind
   * "implications" unless told.
   */
  prompt: promptSchema.default({ kind: "implications" }),
  /** How questions are asked; this project's prompt unless told. */
  answerPrompt: answerPromptSchema.optional(),
  /** Cut a self-edit into a training sequence a line (SEAL's split_newlines); true unless told. */
  splitLines: z.boolean().default(true),
  /** How self-edits are drawn. */
  sampling: samplingSchema.prefault({}),
  /** The adapter that is trained on a self-edit; SEAL's settings unless told. */
  innerLoop: innerLoopSettingsSchema.prefault({}),
  /** ReST-EM; nothing but the untrained model writes unless told. */
  outerLoop: outerLoopSchema.optional(),
  /** How questions are answered. */
  answers: answersSchema.prefault({}),
  /** Adapters trained at once, 5 unless told. */
  concurrency: z.int().min(1).max(64).default(5),
  /** What is finished first: an arm on all passages, or a passage in all arms (what is done when a run stops is then whole); "arms" unless told. */
  order: z.enum(["arms", "passages"]).default("arms"),
  /** Whether the result holds passages, questions, self-edits and answers; without, numbers only, as other people's texts need; true unless told. */
  texts: z.boolean().default(true),
});
/** What a variant of knowledge incorporation with a real model holds. */
export interface KnowledgeVariant extends z.output<typeof knowledgeVariantSchema> {}
