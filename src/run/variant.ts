/** Variants: an experiment as plain data, read from JSON, with `extends`, checked by a schema. Running them is elsewhere. */
import path from "node:path";
import { z } from "zod";
import { readJson } from "../files/text";
import { UserError } from "../messages/errors";
import { loraSettingsSchema } from "../lora/settings";
import { TARGET_NAMES } from "../model/adapters";
import { checkData, variantName } from "../schema/schema";
import { selfEditKinds } from "../selfedit/prompts";
import { authorSchema } from "../experiments/knowledge/authors";
import { arcVariantSchema } from "../experiments/arc/variant";
import { biographiesVariantSchema } from "../experiments/biographies/variant";
import { continualVariantSchema } from "../experiments/continual/variant";
import { pretrainingVariantSchema } from "../experiments/pretraining/variant";

/** What the arms of the knowledge experiment are called; the paper's table 2. */
export const KNOWLEDGE_ARMS = [
  "untouched",
  "passage only",
  "untrained self-edits",
  "passage in context",
] as const;

/** Which passages, of which data set. */
const dataSchema = z.strictObject({
  /** "articles" (the embedded set), the path of a SQuAD file, or a file of a dataset on the hub (data-source.ts). */
  source: z.string().min(1).default("articles"),
  split: z.enum(["train", "eval"]).optional(),
  /** "seal-evaluation", "seal-training" (SEAL's choice of SQuAD's passages), or the path of a file such as theirs. */
  places: z.string().min(1).optional(),
  titles: z.array(z.string()).optional(),
  start: z.int().min(0).default(0),
  count: z.int().min(1).optional(),
});
export type PassageData = z.output<typeof dataSchema>;

/** ReST-EM (paper, algorithm 1): passages to learn writing on, and how. */
const outerLoopSchema = z.strictObject({
  /** Every round writes about these. */
  data: dataSchema,
  rounds: z.int().min(1).max(10).default(2),
  /** Inner-loop seeds whose mean accuracy is a self-edit's reward. */
  rewardSeeds: z.int().min(1).max(20).default(3),
  /** Self-edits kept for each passage. */
  keep: z.int().min(1).max(50).default(1),
  /** Self-edits for each evaluated passage. */
  evaluationSamples: z.int().min(1).max(100).default(1),
  /** The paper's: rank 64, alpha 128, all linear layers, 2 epochs, rate 3e-4. */
  fineTuning: loraSettingsSchema.omit({ seed: true }).prefault({
    rank: 64,
    alpha: 128,
    targets: [...TARGET_NAMES],
    epochs: 2,
    learningRate: 3e-4,
  }),
});
export type OuterLoop = z.output<typeof outerLoopSchema>;

/** Knowledge incorporation with a real model: one passage at a time (paper, section 4.2). */
export const knowledgeVariantSchema = z.strictObject({
  experiment: z.literal("knowledge"),
  name: variantName,
  description: z.string().default(""),
  model: z.string().min(1),
  data: dataSchema.prefault({}),
  seeds: z.array(z.int()).min(1).max(100).default([1]),
  arms: z
    .array(z.enum(KNOWLEDGE_ARMS))
    .min(1)
    .default([...KNOWLEDGE_ARMS]),
  /** Others whose self-edits are trained on too. */
  authors: z
    .array(authorSchema)
    .refine(
      (list) => new Set(list.map(({ name }) => name)).size === list.length,
      "a name is given twice",
    )
    .default([]),
  prompt: z
    .union([
      z.strictObject({ kind: z.enum(selfEditKinds) }),
      z.strictObject({ file: z.string().min(1) }),
    ])
    .default({ kind: "implications" }),
  /** Cut a self-edit into a training sequence a line (SEAL's split_newlines). */
  splitLines: z.boolean().default(true),
  sampling: z
    .strictObject({
      /** Self-edits for each passage, K. */
      count: z.int().min(1).max(100).default(5),
      temperature: z.number().min(0).max(5).default(1),
      topP: z.number().gt(0).max(1).default(0.95),
      maximumTokens: z.int().min(1).max(8192).default(1024),
    })
    .prefault({}),
  innerLoop: loraSettingsSchema.omit({ seed: true }).prefault({}),
  /** Without it nothing but the untrained model writes. */
  outerLoop: outerLoopSchema.optional(),
  answers: z.strictObject({ maximumTokens: z.int().min(1).max(1024).default(64) }).prefault({}),
  /** Adapters trained at once. */
  concurrency: z.int().min(1).max(64).default(5),
  /** What is finished first: an arm on all passages, or a passage in all arms (what is done when a run stops is then whole). */
  order: z.enum(["arms", "passages"]).default("arms"),
  /** Whether the result holds passages, questions, self-edits and answers; without, numbers only, as other people's texts need. */
  texts: z.boolean().default(true),
});
export type KnowledgeVariant = z.output<typeof knowledgeVariantSchema>;

/** Every kind of variant, by its `experiment`. */
export const variantSchemas = {
  knowledge: knowledgeVariantSchema,
  biographies: biographiesVariantSchema,
  continual: continualVariantSchema,
  pretraining: pretrainingVariantSchema,
  arc: arcVariantSchema,
} as const;
export type Variant = {
  [K in keyof typeof variantSchemas]: z.output<(typeof variantSchemas)[K]>;
}[keyof typeof variantSchemas];

/** A path in this package. */
export function packagePath(...parts: string[]): string {
  return path.resolve(__dirname, "../..", ...parts);
}

/** Reads a variant's file. `extends` (relative to the file) is laid under it, objects key by key; null takes a key away. */
export async function readVariant(file: string): Promise<Variant> {
  return parseVariant(await resolveExtends(path.resolve(file), []), file);
}

/** Checks a variant as plain data. Throws UserError that names the nearest known key for an unknown one. */
export function parseVariant(data: unknown, where = "variant"): Variant {
  const kinds = Object.keys(variantSchemas);
  const kind = (data as { experiment?: unknown } | null)?.experiment;
  if (typeof kind !== "string" || !(kind in variantSchemas))
    throw new UserError(`${where}: "experiment" must be one of ${kinds.join(", ")}.`);
  return checkData(variantSchemas[kind as keyof typeof variantSchemas], data, where);
}

async function resolveExtends(file: string, chain: readonly string[]): Promise<unknown> {
  if (chain.includes(file)) throw new UserError(`${file}: "extends" goes round in a circle.`);
  const data = await readJson(file, { name: `the variant ${file}` });
  if (!isObject(data)) throw new UserError(`${file}: a variant is a JSON object.`);
  const { extends: base, ...own } = data;
  if (base === undefined) return own;
  if (typeof base !== "string") throw new UserError(`${file}: "extends" must name a file.`);
  return laidOver(
    await resolveExtends(path.resolve(path.dirname(file), base), [...chain, file]),
    own,
  );
}

function laidOver(base: unknown, own: unknown): unknown {
  if (!isObject(base) || !isObject(own)) return own;
  const keys = new Set([...Object.keys(base), ...Object.keys(own)]);
  return Object.fromEntries(
    [...keys]
      .filter((key) => own[key] !== null)
      .map((key) => [key, key in own ? laidOver(base[key], own[key]) : base[key]]),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
