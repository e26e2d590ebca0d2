/** Which sequences a job trains on at each step, and what each token weighs in that step's loss. */
import type { Random } from "../statistics/random";
import type { TrainingSettings } from "./settings";

/** A training sequence as token ids. */
export interface TokenSequence {
  /** The token ids. */
  readonly ids: readonly number[];
  /** Index of the first token that counts in the loss, 1 unless told; tokens before it are only read. */
  readonly lossFrom?: number;
  /** Ids from here on are padding that is trained on but not attended to (SEAL's released code). */
  readonly padFrom?: number;
}

/** One row of a step: a sequence, and the weight of each of its loss tokens. */
export interface StepRow {
  readonly sequence: TokenSequence;
  readonly weight: number;
}

/** The rows of one optimizer step. */
export type Step = readonly StepRow[];

/** Number of tokens of a sequence that count in the loss. */
export function lossTokenCount(sequence: TokenSequence): number {
  return Math.max(0, sequence.ids.length - Math.max(1, sequence.lossFrom ?? 1));
}

/** Number of optimizer steps that `planSteps` will make. */
export function stepCount(
  sequences: number,
  settings: Pick<TrainingSettings, "batchSize" | "accumulation" | "epochs">,
): number {
  const batches = Math.ceil(sequences / settings.batchSize);
  return settings.epochs * Math.ceil(batches / settings.accumulation);
}

/**
 * All steps of a job. An epoch goes through every sequence once, shuffled by `random` where the settings say so.
 * A step's loss is the mean over all loss tokens of its mini-batches together, as transformers accumulates gradients since
 * October 2024: several small mini-batches are one large one.
 */
export function planSteps(
  sequences: readonly TokenSequence[],
  settings: TrainingSettings,
  random: Random,
): Step[] {
  const steps: Step[] = [];
  for (let epoch = 0; epoch < settings.epochs; epoch++) {
    const order = settings.shuffle ? random.shuffle(sequences) : sequences;
    const batches = chunk(order, settings.batchSize);
    for (const group of chunk(batches, settings.accumulation)) steps.push(weighted(group.flat()));
  }
  return steps;
}

function weighted(sequences: readonly TokenSequence[]): StepRow[] {
  const tokens = sequences.reduce((sum, sequence) => sum + lossTokenCount(sequence), 0);
  return sequences.map((sequence) => ({ sequence, weight: 1 / tokens }));
}

function chunk<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
