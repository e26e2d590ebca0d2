/** Training all weights of a model, for people: in place of an adapter, where memory allows it. The work is `run.ts`'s. */
import { z } from "zod";
import { trainingCheckpoint, type CheckpointOptions } from "../lora/checkpoint";
import {
  engineMemory,
  jobProblem,
  leastKeptBytes,
  withoutTraining,
  type SequenceJob,
  type TrainingResult,
} from "../lora/job";
import { functionOf } from "../lora/options";
import { checkSequences, determiningOf, tokenSequence, type Sequence } from "../lora/train";
import { isOutOfMemory } from "../lora/trainer";
import { errorMessage } from "../messages/errors";
import type { Model } from "../model/load";
import { parameterCount } from "../model/shape";
import type { ModelConfig } from "../model/types";
import { checkData } from "../schema/schema";
import { trainWeights } from "./run";
import { parseFullSettings, type FullSettings } from "./settings";

/** What is trained on. Settings left out are those of SEAL's continued pretraining: one epoch at 7e-5. */
export interface FullJob {
  /** The training sequences. */
  readonly sequences: readonly Sequence[];
  /** Laid over the defaults; nothing unless told. */
  readonly settings?: Partial<FullSettings>;
}

/** How a training ended. Only "ok" has a model; "failed" ran out of memory. */
export interface FullResult extends Omit<TrainingResult, "adapter"> {
  /** With weights of its own, which the caller disposes (`disposeModel`). */
  readonly model?: Model;
}

/** Options of `trainFull`. */
export interface FullOptions {
  /** Called after every step with the number of optimizer steps done and their total; nothing is called unless told. */
  readonly onStep?: (done: number, total: number) => void;
  /** Keeps the training in a file, which stays the caller's to remove; where it is there, the training goes on from it. None unless told. */
  readonly checkpoint?: CheckpointOptions;
  /** Bytes above which a training is refused; what the engine could give at most unless told. */
  readonly memoryLimit?: number;
}

const jobSchema = z.strictObject({
  sequences: z.unknown().optional(),
  settings: z.record(z.string(), z.unknown()).optional(),
});
const optionsSchema = z.strictObject({
  onStep: functionOf().optional(),
  checkpoint: z
    .strictObject({ file: z.string().min(1), everySeconds: z.number().min(0).optional() })
    .optional(),
  memoryLimit: z.number().positive().optional(),
});

/**
 * Trains every weight of the model by AdamW: embeddings, norms and head too, a tied head once. The given model stays as it
 * is. A training that the model cannot do, or that needs more memory than there is, is "rejected" with the reason. Throws
 * UserError for impossible settings, without sequences, and for a checkpoint of another training.
 */
export async function trainFull(
  model: Model,
  job: FullJob,
  options: FullOptions = {},
): Promise<FullResult> {
  const where = "trainFull";
  checkData(optionsSchema, options, where);
  checkData(jobSchema, job, where);
  checkSequences(job.sequences, where);
  const settings = parseFullSettings(job.settings ?? {}, `${where}: settings`);
  const sequences = job.sequences.map((sequence) => tokenSequence(model, sequence));
  return train(model, { sequences, settings }, options);
}

/** The same, of sequences and settings that come from a self-edit: whatever is wrong with them is its own trouble ("rejected"). */
export async function trainFullCandidate(model: Model, job: FullJob): Promise<FullResult> {
  let settings = parseFullSettings({}, "settings");
  let problem: string | undefined;
  try {
    settings = parseFullSettings(job.settings ?? {}, "settings");
  } catch (error) {
    problem = errorMessage(error);
  }
  const sequences = job.sequences.map((sequence) => tokenSequence(model, sequence));
  return train(model, { sequences, settings, ...(problem === undefined ? {} : { problem }) }, {});
}

async function train(
  model: Model,
  job: SequenceJob,
  { onStep = () => undefined, checkpoint, memoryLimit = engineMemory() }: FullOptions,
): Promise<FullResult> {
  const { config } = model;
  const problem = jobProblem(config, job, memoryLimit, () => leastBytes(config, job));
  if (problem !== undefined) return withoutTraining("rejected", problem);
  const kept = checkpoint && trainingCheckpoint(checkpoint, determiningOf(model, job));
  try {
    const { weights, ...record } = await trainWeights(model, job, onStep, kept);
    if (weights) return { status: "ok", model: { ...model, weights, ownWeights: true }, ...record };
    const { losses, gradientNorms: norms } = record;
    const reason = `loss ${losses.at(-1)} and gradient norm ${norms.at(-1)} at step ${losses.length}`;
    return { status: "diverged", reason, ...record };
  } catch (error) {
    if (!isOutOfMemory(error)) throw error;
    return withoutTraining("failed", `does not fit into memory: ${errorMessage(error)}`);
  }
}

/** Bytes that a training cannot do without: a copy of the weights, gradient and two moments, and what a step keeps. */
function leastBytes(config: ModelConfig, job: SequenceJob): number {
  return 4 * 4 * parameterCount(config) + leastKeptBytes(config, job);
}
