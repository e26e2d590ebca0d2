/** What a run would take, before it is started: work, memory and time, from the variant and the model's shape alone. */
import os from "node:os";
import { UserError } from "../messages/errors";
import {
  adapterParameterCount,
  parameterCount,
  presetShapes,
  type ModelShape,
} from "../model/shape";
import type { LoraSettings, TrainingSettings } from "../lora/settings";
import type { TargetName } from "../model/adapters";

/** Adapters that are trained together. */
export interface TrainingPass {
  readonly rank: number;
  readonly targets: readonly TargetName[];
  readonly concurrency: number;
  /** Tokens in one step of one adapter. */
  readonly stepTokens: number;
  /** Sequences that they are of, each of which attends to itself alone; 1 unless told. */
  readonly sequences?: number;
  /** Whether layers are made again on the way back (gradientCheckpointing). */
  readonly checkpointed?: boolean;
  /** Whether all weights are trained ("method": "full"), one model after the other; rank and targets say nothing then. */
  readonly full?: boolean;
}

/** What an experiment of one kind would do; made by its own plan.ts. Token counts are upper estimates. */
export interface Workload {
  /** The model's name. */
  readonly model: string;
  /** Adapters trained. */
  readonly trainings: number;
  /** Texts generated: self-edits and answers. */
  readonly generations: number;
  /** Tokens of all kinds. */
  readonly tokens: {
    /** Read in training, all epochs. */
    readonly trained: number;
    /** About how many of these are to be expected, where the most that settings allow is far from that. */
    readonly likelyTrained?: number;
    /** Written by the model. */
    readonly generated: number;
    /** Read as prompts. */
    readonly prompts: number;
  };
  /** Fine-tunings of the policy, which are among the trainings, and the most optimizer steps of one; absent where there are none. */
  readonly fineTunings?: {
    /** How many there are. */
    readonly count: number;
    /** Optimizer steps of one, at most. */
    readonly steps: number;
  };
  /** What is trained at once, for each kind of training of the run; the largest decides on the memory. */
  readonly passes: readonly TrainingPass[];
  /** Sets of weights held at once: 2 where the model is fine-tuned while the old one is kept. */
  readonly weightSets: number;
}

/** What a run would take. Memory in bytes, all values in fp32. */
export interface Plan {
  /** The variant's name. */
  readonly variant: string;
  /** The model's name. */
  readonly model: string;
  /** The model's parameters. */
  readonly parameters: number;
  /** Adapters trained. */
  readonly trainings: number;
  /** Texts generated: self-edits and answers. */
  readonly generations: number;
  /** Tokens of all kinds. */
  readonly tokens: Workload["tokens"];
  /** Fine-tunings of the policy, and the most steps of one. */
  readonly fineTunings?: Workload["fineTunings"];
  /** Memory in bytes. */
  readonly memory: {
    /** The model's weights, as often as they are held at once. */
    readonly weights: number;
    /** Values, gradients and AdamW's two moments of what is trained at once: adapters, or a copy of all weights. */
    readonly adapters: number;
    /** What steps keep of every layer for the way back. */
    readonly activations: number;
    /** All of these. */
    readonly total: number;
    /** What there is. */
    readonly available: number;
  };
  /** 10^9 floating-point operations a second that `hours` assumes. */
  readonly gigaflops: number;
  /** Time with as many tokens as there are at most. */
  readonly hours: number;
  /** Time with as many as are to be expected, where that is known. */
  readonly likelyHours?: number;
  /** Whether it fits into the memory. */
  readonly fits: boolean;
  /** What would fit, where this does not. */
  readonly advice?: string;
}

/** What a plan assumes of the machine. */
export interface PlanOptions {
  /** Memory in bytes; this machine's unless told. */
  readonly memory?: number;
  /** 10^9 floating-point operations a second; about what two cores do unless told. */
  readonly gigaflops?: number;
}

/** About what two cores do in fp32 matrix products; in a very small model the overhead of each operation takes most. */
const DEFAULT_GIGAFLOPS = { usual: 40, small: 10 };
const SMALL_HIDDEN_SIZE = 256;

/** Share of the memory that a run may take; the rest is the system's, the tokenizer's and TensorFlow's buffers. */
const USABLE_SHARE = 0.85;

/** Adapters of these settings, so many at once, on sequences of so many tokens. */
export function trainingPass(
  settings: Pick<TrainingSettings, "batchSize" | "accumulation" | "gradientCheckpointing"> &
    ({ readonly method: "full" } | (Pick<LoraSettings, "rank" | "targets"> & { method?: "lora" })),
  concurrency: number,
  sequenceTokens: number,
): TrainingPass {
  const { batchSize, accumulation, gradientCheckpointing } = settings;
  const trained =
    settings.method === "full"
      ? { full: true, rank: 0, targets: [] }
      : { rank: settings.rank, targets: settings.targets };
  return {
    ...trained,
    concurrency,
    stepTokens: Math.ceil(sequenceTokens * batchSize * accumulation),
    sequences: batchSize * accumulation,
    checkpointed: gradientCheckpointing,
  };
}

/** The arithmetic of a plan. */
export function planWorkload(
  variant: string,
  workload: Workload,
  shape: ModelShape,
  options: PlanOptions = {},
): Plan {
  const available = options.memory ?? os.totalmem();
  const small = shape.hiddenSize < SMALL_HIDDEN_SIZE;
  const gigaflops =
    options.gigaflops ?? (small ? DEFAULT_GIGAFLOPS.small : DEFAULT_GIGAFLOPS.usual);
  const parameters = parameterCount(shape);
  const memory = memoryOf(workload, shape, Infinity);
  const { trained, likelyTrained, generated, prompts } = workload.tokens;
  // A frozen weight costs a multiplication and an addition forward, and as much for the gradient of its input; one that is
  // trained as much again for its own.
  const { passes } = workload;
  const operations =
    4 +
    (passes.some(({ checkpointed }) => checkpointed) ? 2 : 0) +
    (passes.some(({ full }) => full) ? 2 : 0);
  const hoursOf = (read: number): number =>
    (operations * parameters * read + 2 * parameters * (generated + prompts)) /
    (gigaflops * 1e9) /
    3600;
  const limit = USABLE_SHARE * available;
  const fits = memory.total <= limit;
  return {
    variant,
    model: workload.model,
    parameters,
    trainings: workload.trainings,
    generations: workload.generations,
    tokens: workload.tokens,
    ...(workload.fineTunings ? { fineTunings: workload.fineTunings } : {}),
    memory: { ...memory, available },
    gigaflops,
    hours: hoursOf(trained),
    ...(likelyTrained === undefined ? {} : { likelyHours: hoursOf(likelyTrained) }),
    fits,
    ...(fits ? {} : { advice: adviceFor(workload, shape, limit, memory.total) }),
  };
}

const BYTES = 4;

/** With `most` adapters at once at most. */
function memoryOf(
  workload: Workload,
  shape: ModelShape,
  most: number,
): Omit<Plan["memory"], "available"> {
  const weights = BYTES * parameterCount(shape) * workload.weightSets;
  const needs = workload.passes.map((pass) => {
    const count = pass.full ? 1 : Math.min(pass.concurrency, most);
    const trained = pass.full
      ? parameterCount(shape)
      : adapterParameterCount(shape, pass.rank, pass.targets);
    const adapters = 4 * BYTES * count * trained;
    const activations = BYTES * count * stepActivations(pass, shape);
    return { adapters, activations, total: weights + adapters + activations };
  });
  const none = { adapters: 0, activations: 0, total: weights };
  const largest = needs.reduce((most, one) => (one.total > most.total ? one : most), none);
  return { weights, ...largest };
}

/** Values that a training step keeps for its backward pass, attention and one chunk of logits included. */
function stepActivations(
  { stepTokens: tokens, sequences = 1, checkpointed = false }: TrainingPass,
  shape: ModelShape,
): number {
  const { hiddenSize, intermediateSize, layerCount, headCount, keyValueHeadCount, headDim } = shape;
  const projected = (2 * headCount + 2 * keyValueHeadCount) * headDim;
  const attended = (headCount * tokens) / sequences;
  const layer = tokens * (4 * hiddenSize + projected + 3 * intermediateSize + attended);
  const logits = 2 * Math.min(tokens, 256) * shape.vocabularySize;
  const kept = checkpointed ? layerCount * tokens * hiddenSize + layer : layerCount * layer;
  return kept + logits;
}

function adviceFor(workload: Workload, shape: ModelShape, limit: number, needed: number): string {
  const most = Math.max(...workload.passes.map(({ concurrency }) => concurrency));
  const smaller = Array.from({ length: most - 1 }, (_, i) => i + 1)
    .reverse()
    .find((concurrency) => memoryOf(workload, shape, concurrency).total <= limit);
  const machine = `a machine with ${gigabytes(needed / USABLE_SHARE)} of memory`;
  if (smaller !== undefined) return `"concurrency": ${smaller} would fit, or ${machine}.`;
  const checkpointed = workload.passes.map((pass) => ({ ...pass, checkpointed: true }));
  if (memoryOf({ ...workload, passes: checkpointed }, shape, Infinity).total <= limit)
    return `"gradientCheckpointing": true would fit, or ${machine}.`;
  const would = `${machine.charAt(0).toUpperCase()}${machine.slice(1)} would do`;
  const [model] = [...presetShapes]
    .map(([id, own]) => ({ id, total: memoryOf(workload, own, Infinity).total }))
    .filter(({ total }) => total <= limit && total < needed)
    .sort((a, b) => b.total - a.total);
  return model
    ? `${would}; here "model": "${model.id}" fits, with ${gigabytes(model.total)}.`
    : `${would}; none of the presets' models fits here.`;
}

/** A plan as lines for people. */
export function formatPlan(plan: Plan): string {
  const { memory, tokens } = plan;
  const count = (value: number): string => Math.round(value).toLocaleString("en-US");
  const lines = [
    `${plan.variant}: ${plan.model}, ${count(plan.parameters)} parameters`,
    `  trainings    ${count(plan.trainings)} adapters, at most ${count(tokens.trained)} tokens`,
    ...(plan.fineTunings
      ? [
          `  of these     ${count(plan.fineTunings.count)} fine-tunings of the policy, ${count(plan.fineTunings.steps)} steps each`,
        ]
      : []),
    `  generations  ${count(plan.generations)} texts, at most ${count(tokens.generated)} tokens, after ${count(tokens.prompts)} of prompts`,
    `  memory       ${gigabytes(memory.total)}: weights ${gigabytes(memory.weights)}, adapters ${gigabytes(memory.adapters)}, activations ${gigabytes(memory.activations)} (fp32); here ${gigabytes(memory.available)}`,
    plan.likelyHours === undefined
      ? `  time         about ${duration(plan.hours)} at ${count(plan.gigaflops)} GFLOPS`
      : `  time         about ${duration(plan.likelyHours)} at ${count(plan.gigaflops)} GFLOPS, with recipes like the fixed one; ${duration(plan.hours)} if all ask for the most`,
  ];
  if (plan.advice !== undefined) lines.push(`  does not fit. ${plan.advice}`);
  return lines.join("\n");
}

/** Throws UserError where the run cannot fit into the memory. */
export function requireFit(plan: Plan): void {
  if (plan.fits) return;
  const { total, available } = plan.memory;
  throw new UserError(
    `${plan.variant} needs about ${gigabytes(total)} of memory; this machine has ${gigabytes(available)}.\n${plan.advice ?? ""}`,
  );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e10 ? 2 : 0)} GB`;
}

function duration(hours: number): string {
  if (hours < 1) return `${Math.max(1, Math.round(60 * hours))} min`;
  return hours < 100 ? `${hours.toFixed(1)} h` : `${Math.round(hours / 24)} days`;
}
