/** Pretraining of a small model from scratch: documents, state and steps. What the documents say is the small worlds' own. */
import * as tf from "@tensorflow/tfjs";
import type { ModelConfig } from "../../src/model/types";
import { createRandom } from "../../src/statistics/random";
import {
  createOptimizerState,
  optimizerStep,
  type FullOptimizerSettings,
  type OptimizerState,
} from "./muon";
import { initialWeights, lossAndFullGradients, type LearnedWord, type Variables } from "./network";

/** A document; `learned[i]` is the weight of word i in the document's loss, 0 where it is not learned. */
export interface PretrainingDocument {
  readonly words: readonly string[];
  readonly learned: readonly number[];
  /** The document's weight among others, 1 unless told. */
  readonly weight?: number;
}

/** What every pretraining is determined by, beside its documents. */
export interface StepSettings {
  readonly seed: number;
  readonly steps: number;
  /** The rates fall linearly to 0 over this last share of the steps. */
  readonly decayShare: number;
  readonly initialDeviation: number;
  readonly optimizer: FullOptimizerSettings;
}

/** What one step did. `loss` is a mean over documents of each document's mean. */
export interface PretrainingStep {
  readonly step: number;
  readonly loss: number;
}

/** Weights and optimizer state after `step` steps. */
export interface PretrainingState {
  step: number;
  readonly variables: Variables;
  readonly optimizer: OptimizerState;
}

/** A fresh state. */
export function startPretraining(
  config: ModelConfig,
  { seed, initialDeviation }: Pick<StepSettings, "seed" | "initialDeviation">,
): PretrainingState {
  const random = createRandom(`weights:${seed}`);
  const variables = initialWeights(config, initialDeviation, random);
  return { step: 0, variables, optimizer: createOptimizerState(variables) };
}

/**
 * Takes the next step. Each group of documents goes through the model on its own, to spare padding, and groups weigh
 * the same in the loss; within each, every document does.
 */
export function takeStep(
  config: ModelConfig,
  settings: StepSettings,
  state: PretrainingState,
  groups: readonly (readonly PretrainingDocument[])[],
  idsOf: (words: readonly string[]) => number[],
): PretrainingStep {
  const filled = groups.filter((documents) => documents.length > 0);
  const parts = filled.map((documents) => {
    const rows = documents.map(({ words }) => idsOf(words));
    const share = 1 / (filled.length * documents.length);
    const learned = documents.flatMap((document, row) => learnedWords(document, row, share));
    return lossAndFullGradients(config, state.variables, rows, learned);
  });
  const gradients = tf.tidy(() =>
    parts.length === 1
      ? parts[0].gradients
      : Object.fromEntries(
          [...state.variables.keys()].map((name) => [
            name,
            tf.addN(parts.map((part) => part.gradients[name])),
          ]),
        ),
  );
  const rest = (settings.steps - state.step) / (settings.steps * settings.decayShare);
  state.step += 1;
  const { variables, optimizer } = state;
  const share = Math.min(1, rest);
  optimizerStep(variables, gradients, optimizer, settings.optimizer, state.step, share);
  tf.dispose([gradients, ...parts.map((part) => part.gradients)]);
  return { step: state.step, loss: parts.reduce((sum, { loss }) => sum + loss, 0) };
}

/** The document's share of the loss, spread over its learned words by their weights. */
function learnedWords(document: PretrainingDocument, row: number, share: number): LearnedWord[] {
  const { learned, weight: own = 1 } = document;
  const total = learned.reduce((sum, weight) => sum + weight, 0) / own;
  return learned.flatMap((weight, place) =>
    place > 0 && weight > 0 ? [{ row, place, weight: (share * weight) / total }] : [],
  );
}
