/** Pretraining of the small world's model from scratch: settings, batches and steps. Accuracies and checkpoints have their own modules. */
import * as tf from "@tensorflow/tfjs";
import type { ModelConfig } from "../../model/types";
import { createRandom } from "../../random";
import {
  knownDocument,
  openBookDocument,
  lessonDocument,
  type OpenBookKind,
  type PretrainingDocument,
} from "./documents";
import {
  createOptimizerState,
  optimizerStep,
  type FullOptimizerSettings,
  type OptimizerState,
} from "./muon";
import { initialWeights, lossAndFullGradients, type LearnedWord, type Variables } from "./network";
import { vocabulary } from "./vocabulary";
import type { World } from "./world";
import { roleWords } from "./words";

/** How many documents of each kind a step has. */
export interface BatchPlan {
  readonly openBookQuestions: number;
  readonly openBookSelfEdits: number;
  readonly passages: number;
  readonly statements: number;
  readonly questions: number;
}

/** Everything that determines the weights, but for the engine's rounding. */
export interface PretrainingSettings {
  readonly seed: number;
  readonly steps: number;
  /** Up to this step: lessons in reading without distractors; */
  readonly plainSteps: number;
  /** up to this step: lessons with distractors; */
  readonly lessonSteps: number;
  /** lessons in a step, with questions and with self-edits. */
  readonly lessons: Readonly<Record<OpenBookKind, number>>;
  /** Up to this step there are open-book documents only, afterwards everything. */
  readonly openBookSteps: number;
  readonly openBook: BatchPlan;
  readonly everything: BatchPlan;
  /** The rates fall linearly to 0 over this last share of the steps. */
  readonly decayShare: number;
  readonly initialDeviation: number;
  readonly optimizer: FullOptimizerSettings;
}

/** The settings of the committed weights. */
export const pretrainingSettings: PretrainingSettings = {
  seed: 0,
  steps: 1000,
  plainSteps: 120,
  lessonSteps: 300,
  lessons: { questions: 24, selfedit: 12 },
  openBookSteps: 380,
  openBook: {
    openBookQuestions: 11,
    openBookSelfEdits: 5,
    passages: 0,
    statements: 0,
    questions: 0,
  },
  everything: {
    openBookQuestions: 4,
    openBookSelfEdits: 8,
    passages: 2,
    statements: 96,
    questions: 96,
  },
  decayShare: 0.5,
  initialDeviation: 0.08,
  optimizer: {
    muonRate: 0.02,
    muonMomentum: 0.95,
    adamRate: 3e-3,
    adamBeta1: 0.9,
    adamBeta2: 0.99,
  },
};

/** The model's shape: Llama, 3 layers of width 96, tied head. */
export function biographiesConfig(): ModelConfig {
  return {
    family: "llama",
    hiddenSize: 96,
    intermediateSize: 256,
    layerCount: 3,
    headCount: 4,
    keyValueHeadCount: 4,
    headDim: 24,
    vocabularySize: vocabulary().length,
    rmsNormEpsilon: 1e-5,
    ropeTheta: 10000,
    tiedHead: true,
    queryKeyValueBias: false,
    maximumPositions: 256,
    eosTokenIds: [vocabulary().indexOf(roleWords.end)],
  };
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
  settings: PretrainingSettings,
): PretrainingState {
  const random = createRandom(`weights:${settings.seed}`);
  const variables = initialWeights(config, settings.initialDeviation, random);
  return { step: 0, variables, optimizer: createOptimizerState(variables) };
}

/** The documents of a step, a function of seed and step alone so that a run can resume anywhere. */
export function documentsOfStep(
  world: World,
  settings: PretrainingSettings,
  step: number,
): { long: PretrainingDocument[]; short: PretrainingDocument[] } {
  const random = createRandom(`documents:${settings.seed}:${step}`);
  const plan = step < settings.openBookSteps ? settings.openBook : settings.everything;
  const make = (count: number, write: () => PretrainingDocument): PretrainingDocument[] =>
    Array.from({ length: count }, write);
  if (step < settings.lessonSteps) {
    const plain = step < settings.plainSteps;
    const lessons = (kind: OpenBookKind): PretrainingDocument[] =>
      make(settings.lessons[kind], () => lessonDocument(world, kind, random, plain));
    return { long: [...lessons("questions"), ...lessons("selfedit")], short: [] };
  }
  return {
    long: [
      ...make(plan.openBookQuestions, () => openBookDocument(world, "questions", random)),
      ...make(plan.openBookSelfEdits, () => openBookDocument(world, "selfedit", random)),
      ...make(plan.passages, () => knownDocument(world, "passage", random)),
    ],
    short: [
      ...make(plan.statements, () => knownDocument(world, "statement", random)),
      ...make(plan.questions, () => knownDocument(world, "question", random)),
    ],
  };
}

/**
 * Takes the next step. Long and short documents go through the model apart, to spare padding, and weigh the same
 * in the loss; within each, every document does.
 */
export function pretrainingStep(
  config: ModelConfig,
  world: World,
  settings: PretrainingSettings,
  state: PretrainingState,
): PretrainingStep {
  const { long, short } = documentsOfStep(world, settings, state.step);
  const groups = [long, short].filter((documents) => documents.length > 0);
  const parts = groups.map((documents) => {
    const rows = documents.map(({ words }) => idsOf(words));
    const share = 1 / (groups.length * documents.length);
    const learned = documents.flatMap((document, row) => learnedWords(document, row, share));
    return lossAndFullGradients(config, state.variables, rows, learned);
  });
  const gradients = tf.tidy(() =>
    parts.length === 1
      ? parts[0].gradients
      : Object.fromEntries(
          [...state.variables.keys()].map((name) => [
            name,
            tf.add(parts[0].gradients[name], parts[1].gradients[name]),
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

const ids = new Map(vocabulary().map((word, id) => [word, id]));

/** Ids of words that are all in the vocabulary. */
export function idsOf(words: readonly string[]): number[] {
  return words.map((word) => ids.get(word)!);
}
