/** Training adapters for people: sequences as text or token ids, settings checked; the work is `trainer.ts`'s. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { engineInfo } from "../engine";
import { errorMessage, UserError } from "../messages/errors";
import { canonicalJson, sha256OfText } from "../files/files";
import { endTokenOf, textOf, type Model } from "../model/load";
import { checkData } from "../schema/schema";
import { formOf, type Adapter } from "./adapter";
import { trainingCheckpoint, type CheckpointOptions } from "./checkpoint";
import type { SequenceJob } from "./job";
import { adapterOption, functionOf, requireSome } from "./options";
import type { TokenSequence } from "./plan";
import { parseLoraSettings, type LoraSettings } from "./settings";
import {
  trainGroups,
  trainJobs,
  type FinishedJob,
  type TrainingJob,
  type TrainingOptions,
  type TrainingResult,
} from "./trainer";

/** A training text, a prompt with its completion (only the completion counts in the loss), or token ids. */
export type Sequence = string | CompletionSequence | TokenSequence;

/** A prompt that is only read, and a completion that is learned. */
export interface CompletionSequence {
  /** What comes before; it does not count in the loss. */
  readonly prompt: string;
  /** What is learned; the model's end token is put after it. */
  readonly completion: string;
}

/** One adapter to train. Settings left out are SEAL's. */
export interface AdapterJob {
  /** What it is trained on, each sequence once an epoch. */
  readonly sequences: readonly Sequence[];
  /** Rank, rate, epochs and so on, each SEAL's unless told. */
  readonly settings?: Partial<LoraSettings>;
  /** Start from this adapter, whose rank, alpha and targets then hold; from a fresh one unless told. */
  readonly initial?: Adapter;
}

const jobSchema = z.strictObject({
  sequences: z.unknown().optional(),
  settings: z.unknown().optional(),
  initial: adapterOption,
});

const optionsSchema = z.strictObject({
  concurrency: z.int().min(1).max(10_000).optional(),
  onStep: functionOf().optional(),
  checkpoint: z.unknown().optional(),
  memoryLimit: z.number().positive().optional(),
});

/**
 * Trains one adapter for each job, several at once, on the model's frozen weights. Results are in the jobs' order; a
 * job whose sequences the model cannot be trained on, or that needs more memory than there is, is "rejected" with the
 * reason, and the others are trained as without it. Throws UserError for impossible settings, and where there are no
 * jobs or a job has no sequences.
 */
export async function trainAdapters(
  model: Model,
  jobs: readonly AdapterJob[],
  options: TrainingOptions = {},
): Promise<TrainingResult[]> {
  checkData(optionsSchema, options, "trainAdapters");
  requireSome(jobs, "job", "trainAdapters");
  const checked = jobs.map((job, j) => checkedJob(model, job, `job ${j + 1}`));
  return trainJobs(model, checked, options);
}

/**
 * As `trainAdapters`, of jobs that come from self-edits: whatever is wrong with one is its own trouble ("rejected"), and
 * no reason not to train the others.
 */
export async function trainCandidates(
  model: Model,
  jobs: readonly AdapterJob[],
  options: TrainingOptions = {},
): Promise<TrainingResult[]> {
  return trainJobs(model, candidates(model, jobs), options);
}

/** The same, in the groups of `trainGroups`, so that the adapters of one can be used and dropped before the next. */
export function trainAdapterGroups(
  model: Model,
  jobs: readonly AdapterJob[],
  options: TrainingOptions = {},
): AsyncGenerator<FinishedJob[], void, undefined> {
  return trainGroups(model, candidates(model, jobs), options);
}

/**
 * Trains one adapter that takes long: it is kept in a file on the way, which stays the caller's to remove, and where
 * that is there the training goes on from it, to the same result. Throws UserError as `trainAdapters` does, and where
 * the file is of another training.
 */
export async function trainResumably(
  model: Model,
  job: AdapterJob,
  checkpoint: CheckpointOptions,
  options: Pick<TrainingOptions, "onStep"> = {},
): Promise<TrainingResult> {
  const ready = checkedJob(model, job, "training");
  const determining = determiningOf(model, ready);
  const kept = trainingCheckpoint(checkpoint, determining);
  const [result] = await trainJobs(model, [ready], { ...options, checkpoint: kept });
  return result;
}

/** All that a training's result depends on, as plain data. */
export function determiningOf(
  model: Model,
  { settings, sequences, initial }: SequenceJob & Pick<TrainingJob, "initial">,
): object {
  const engine = engineInfo();
  return {
    model: model.inputs.map(({ sha256 }) => sha256),
    engine: { name: engine?.name, version: engine?.version, threads: engine?.threads },
    settings,
    sequences: sha256OfText(canonicalJson(sequences)),
    ...(initial ? { initial: hashOf(initial) } : {}),
  };
}

function hashOf(adapter: Adapter): string {
  const { modules, ...form } = formOf(adapter);
  const hash = createHash("sha256").update(
    canonicalJson({ ...form, modules: [...(modules ?? [])] }),
  );
  for (const [name, { values }] of adapter.tensors)
    hash.update(name).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return hash.digest("hex");
}

/** Throws UserError for what is wrong with a job. */
function checkedJob(model: Model, job: AdapterJob, where: string): TrainingJob {
  checkData(jobSchema, job, where);
  checkSequences(job.sequences, where);
  const settings = parseLoraSettings(job.settings ?? {}, `${where}: settings`);
  return trainingJob(model, job, { settings });
}

/** Throws UserError where there are no training sequences, or one is none. */
export function checkSequences(sequences: readonly Sequence[], where: string): void {
  requireSome(sequences, "training sequence", where);
  sequences.forEach((sequence, i) => {
    if (!isSequence(sequence))
      throw new UserError(
        `${where}: training sequence ${i + 1} is neither a text, nor a prompt with its completion, nor token ids.`,
      );
  });
}

function isSequence(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return typeof value === "string";
  const { prompt, completion, ids, lossFrom, padFrom } = value as Record<string, unknown>;
  const isPlace = (place: unknown): boolean => place === undefined || Number.isInteger(place);
  if (ids !== undefined) return Array.isArray(ids) && isPlace(lossFrom) && isPlace(padFrom);
  return typeof prompt === "string" && typeof completion === "string";
}

/** Jobs as they come from self-edits. */
function candidates(model: Model, jobs: readonly AdapterJob[]): TrainingJob[] {
  return jobs.map((job) => trainingJob(model, job, candidateSettings(job.settings ?? {})));
}

/** What is wrong with the settings is kept as the job's trouble. */
function candidateSettings(settings: unknown): Pick<TrainingJob, "settings" | "problem"> {
  try {
    return { settings: parseLoraSettings(settings) };
  } catch (error) {
    return { settings: parseLoraSettings({}), problem: errorMessage(error) };
  }
}

function trainingJob(
  model: Model,
  { sequences, initial }: AdapterJob,
  settings: Pick<TrainingJob, "settings" | "problem">,
): TrainingJob {
  return {
    sequences: sequences.map((sequence) => tokenSequence(model, sequence)),
    ...settings,
    ...(initial ? { initial } : {}),
  };
}

/** Token ids of a training sequence. A completion ends with the model's end token, so that it is learned to stop. */
export function tokenSequence(model: Model, sequence: Sequence): TokenSequence {
  if (typeof sequence === "object" && "ids" in sequence) return sequence;
  const { tokenizer } = textOf(model);
  if (typeof sequence === "string")
    return { ids: tokenizer.encode(sequence, { addSpecial: true }) };
  return completionSequence(model, tokenizer.encode(sequence.prompt), sequence.completion);
}

/** A prompt's ids, the completion and the end token; the loss is on the last two. Throws UserError where the model has no end token. */
export function completionSequence(
  model: Model,
  prompt: readonly number[],
  completion: string,
): TokenSequence {
  const end = endTokenOf(model);
  if (end === undefined)
    throw new UserError(`Model ${model.id} names no end token, which a completion needs.`);
  const ids = [...prompt, ...textOf(model).tokenizer.encode(completion), end];
  return { ids, lossFrom: prompt.length };
}
