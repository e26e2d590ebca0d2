/** A training job, how it ended, and why some are refused before any work. The training itself is elsewhere. */
import os from "node:os";
import * as tf from "@tensorflow/tfjs";
import { adapterParameterCount } from "../model/shape";
import type { ModelConfig } from "../model/types";
import type { Adapter } from "./adapter";
import { lossTokenCount, stepCount, type TokenSequence } from "./plan";
import { MAXIMUM_STEPS, type LoraSettings, type TrainingSettings } from "./settings";

/** What is trained on, and how, whatever is trained. */
export interface SequenceJob {
  readonly sequences: readonly TokenSequence[];
  readonly settings: TrainingSettings;
  /** Why it must not be trained, where that was found while it was prepared. */
  readonly problem?: string;
}

/** One adapter to train. */
export interface TrainingJob extends SequenceJob {
  readonly settings: LoraSettings;
  /** Start from this adapter instead of a fresh one; its rank, alpha and targets then hold. */
  readonly initial?: Adapter;
}

/** How a job ended. Only "ok" has an adapter; "failed" ran out of memory. */
export interface TrainingResult {
  /** "rejected": refused before any work; "diverged": a loss was not finite; "failed": out of memory. */
  readonly status: "ok" | "rejected" | "diverged" | "failed";
  /** Why, where it is not "ok". */
  readonly reason?: string;
  /** The trained adapter, where it is "ok". */
  readonly adapter?: Adapter;
  /** Loss of each step before its update, in nats a token. */
  readonly losses: readonly number[];
  /** Global gradient norm of each step, before clipping. */
  readonly gradientNorms: readonly number[];
  /** Tokens read in training, padding not counted. */
  readonly tokens: number;
}

/** The result of a job that gave nothing. */
export function withoutTraining(status: "rejected" | "failed", reason: string): TrainingResult {
  return { status, reason, losses: [], gradientNorms: [], tokens: 0 };
}

/** A sequence cut to the settings' maximumTokens. */
export function cutSequence(settings: TrainingSettings, sequence: TokenSequence): TokenSequence {
  return sequence.ids.length > settings.maximumTokens
    ? { ...sequence, ids: sequence.ids.slice(0, settings.maximumTokens) }
    : sequence;
}

/**
 * Why a job cannot be trained at all, or undefined. `leastBytes` says what it needs at the least. Needs no tensor, so that
 * a refused job never touches the others.
 */
export function jobProblem(
  config: ModelConfig,
  job: SequenceJob,
  memoryLimit: number,
  leastBytes: () => number,
): string | undefined {
  const { settings, problem } = job;
  if (problem !== undefined) return problem;
  if (job.sequences.length === 0) return "no training sequences";
  const steps = stepCount(job.sequences.length, settings);
  if (steps > MAXIMUM_STEPS) return `${steps} steps are more than ${MAXIMUM_STEPS}`;
  for (const [i, sequence] of job.sequences.entries()) {
    const cut = cutSequence(settings, sequence);
    const reason = sequenceProblem(config, cut, sequence.ids.length);
    if (reason !== undefined) return `training sequence ${i + 1} ${reason}`;
  }
  const bytes = leastBytes();
  if (bytes > memoryLimit)
    return `needs ${gigabytes(bytes)} of memory at the least; there are ${gigabytes(memoryLimit)}`;
  return undefined;
}

function sequenceProblem(
  config: ModelConfig,
  sequence: TokenSequence,
  uncut: number,
): string | undefined {
  const { vocabularySize, maximumPositions } = config;
  const { ids, lossFrom } = sequence;
  if (lossTokenCount(sequence) === 0)
    return uncut > ids.length
      ? `has no token to predict: its prompt has ${lossFrom ?? 1} tokens, and it is cut after ${ids.length} (maximumTokens)`
      : "has no token to predict";
  if (ids.length > maximumPositions)
    return `has ${ids.length} tokens; the model reads at most ${maximumPositions}`;
  return ids.every((id) => Number.isInteger(id) && id >= 0 && id < vocabularySize)
    ? undefined
    : `has a token id outside 0 to ${vocabularySize - 1}`;
}

/**
 * Bytes that training a job alone cannot do without: adapter, gradient and two moments, and what its largest step
 * keeps. A lower bound: a job that it refuses would not have fitted.
 */
export function leastTrainingBytes(config: ModelConfig, job: TrainingJob): number {
  const { rank, targets } = job.initial ?? job.settings;
  const parameters = adapterParameterCount(config, rank, targets);
  return 4 * 4 * parameters + leastKeptBytes(config, job);
}

/** Bytes at the least of what the largest step of a job keeps of every layer for the way back. */
export function leastKeptBytes(config: ModelConfig, { settings, sequences }: SequenceJob): number {
  const { hiddenSize, intermediateSize, headCount, keyValueHeadCount, headDim } = config;
  const rows = Math.min(sequences.length, settings.batchSize * settings.accumulation);
  const longest = sequences
    .map((sequence) => Math.min(sequence.ids.length, settings.maximumTokens))
    .sort((a, b) => b - a)[0];
  const perToken =
    2 * hiddenSize +
    (headCount + 2 * keyValueHeadCount) * headDim +
    3 * intermediateSize +
    headCount * longest;
  const kept = settings.gradientCheckpointing
    ? config.layerCount * hiddenSize + perToken
    : config.layerCount * perToken;
  // Only the longest row is counted at its length; the others have at least one token each.
  const tokens = longest + rows - 1;
  return 4 * tokens * kept;
}

/** Bytes that the engine could give at the very most: WebAssembly's 32-bit heap, or the machine's memory. */
export function engineMemory(): number {
  return tf.getBackend() === "wasm" ? 2 ** 32 : os.totalmem();
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
