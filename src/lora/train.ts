/** Training adapters for people: sequences as text or token ids, settings checked; the work is `trainer.ts`'s. */
import { createHash } from "node:crypto";
import { engineInfo } from "../engine";
import { errorMessage, UserError } from "../messages/errors";
import { canonicalJson, sha256OfText } from "../files/files";
import { endTokenOf, textOf, type Model } from "../model/load";
import type { Adapter } from "./adapter";
import { trainingCheckpoint, type CheckpointOptions } from "./checkpoint";
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

/**
 * Trains one adapter for each job, several at once, on the model's frozen weights. Results are in the jobs' order; a
 * job with impossible settings or sequences is "rejected" with the reason, and the others are trained as without it.
 */
export async function trainAdapters(
  model: Model,
  jobs: readonly AdapterJob[],
  options: TrainingOptions = {},
): Promise<TrainingResult[]> {
  return trainJobs(model, prepared(model, jobs), options);
}

/** The same, in the groups of `trainGroups`, so that the adapters of one can be used and dropped before the next. */
export function trainAdapterGroups(
  model: Model,
  jobs: readonly AdapterJob[],
  options: TrainingOptions = {},
): AsyncGenerator<FinishedJob[], void, undefined> {
  return trainGroups(model, prepared(model, jobs), options);
}

/**
 * Trains one adapter that takes long: it is kept in a file on the way, which stays the caller's to remove, and where
 * that is there the training goes on from it, to the same result. Throws UserError where it is of another training.
 */
export async function trainResumably(
  model: Model,
  job: AdapterJob,
  checkpoint: CheckpointOptions,
  options: Pick<TrainingOptions, "onStep"> = {},
): Promise<TrainingResult> {
  const [ready] = prepared(model, [job]);
  const engine = engineInfo();
  const determining = {
    model: model.inputs.map(({ sha256 }) => sha256),
    engine: { name: engine?.name, version: engine?.version, threads: engine?.threads },
    settings: ready.settings,
    sequences: sha256OfText(canonicalJson(ready.sequences)),
    ...(ready.initial ? { initial: hashOf(ready.initial) } : {}),
  };
  const kept = trainingCheckpoint(checkpoint, determining);
  const [result] = await trainJobs(model, [ready], { ...options, checkpoint: kept });
  return result;
}

function hashOf({ tensors }: Adapter): string {
  const hash = createHash("sha256");
  for (const [name, { values }] of tensors)
    hash.update(name).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return hash.digest("hex");
}

function prepared(model: Model, jobs: readonly AdapterJob[]): TrainingJob[] {
  return jobs.map(({ sequences, settings, initial }) => ({
    sequences: sequences.map((sequence) => tokenSequence(model, sequence)),
    ...checkedSettings(settings ?? {}),
    ...(initial ? { initial } : {}),
  }));
}

/** Settings may come from a self-edit: what is wrong with one job's is that job's trouble. */
function checkedSettings(settings: unknown): Pick<TrainingJob, "settings" | "problem"> {
  try {
    return { settings: parseLoraSettings(settings) };
  } catch (error) {
    return { settings: parseLoraSettings({}), problem: errorMessage(error) };
  }
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
