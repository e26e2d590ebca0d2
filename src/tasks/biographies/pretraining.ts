/** Pretraining of the small world's model from scratch: batches, schedule, checkpoints and measured accuracies. */
import { existsSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { readSafetensors, writeSafetensors } from "../../model/safetensors";
import type { ModelConfig } from "../../model/types";
import { createRandom, type Random } from "../../random";
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
import {
  initialWeights,
  logitsOf,
  lossAndFullGradients,
  withBatch,
  type LearnedWord,
  type Variables,
} from "./network";
import { valuesOf } from "./model-files";
import { biographySelfEditPrompt, questionPrompt, questionsAbout, writePassage } from "./texts";
import { vocabulary } from "./vocabulary";
import { newPeople, worldSizes, type World } from "./world";
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
  const { learned } = document;
  const total = learned.reduce((sum, weight) => sum + weight, 0);
  return learned.flatMap((weight, place) =>
    place > 0 && weight > 0 ? [{ row, place, weight: (share * weight) / total }] : [],
  );
}

const ids = new Map(vocabulary().map((word, id) => [word, id]));

function idsOf(words: readonly string[]): number[] {
  return words.map((word) => ids.get(word)!);
}

/** Share of prompts after which the most likely word is the answer. */
export function nextWordAccuracy(
  config: ModelConfig,
  variables: Variables,
  cases: readonly { readonly prompt: string; readonly answer: string }[],
  batchSize = 60,
): number {
  let correct = 0;
  for (let start = 0; start < cases.length; start += batchSize) {
    const batch = cases.slice(start, start + batchSize);
    const rows = batch.map(({ prompt }) => idsOf(prompt.split(" ")));
    const best = withBatch(config, rows, (context) =>
      tf.tidy(() => {
        const { time } = context.layout;
        const places = Int32Array.from(rows, (row, r) => r * time + row.length - 1);
        return tf.argMax(logitsOf(config, variables, context, places), 1).dataSync();
      }),
    );
    correct += batch.filter(({ answer }, i) => best[i] === ids.get(answer)).length;
  }
  return correct / cases.length;
}

/** What the card reports, measured on `count` known and `count` new people. */
export interface PretrainingAccuracy {
  /** Questions about known people, without a passage. */
  readonly known: number;
  /** The same about known people whose questions were never shown, only statements. */
  readonly transferred: number;
  /** Questions about new people, with their passage in context. */
  readonly openBook: number;
  /** First and last names copied rightly into a self-edit about new people. */
  readonly names: number;
  /** Questions about new people, without: chance is 1 in 20. */
  readonly untouched: number;
}

/** Measures the three accuracies. */
export function pretrainingAccuracy(
  config: ModelConfig,
  world: World,
  variables: Variables,
  count: number,
): PretrainingAccuracy {
  const random: Random = createRandom("pretraining accuracy");
  const strangers = newPeople(world, "pretraining accuracy", count).map((person) => ({
    name: person.name.split(" "),
    passage: writePassage(person, random).text,
    questions: questionsAbout(person),
  }));
  const closed = (questions: ReturnType<typeof questionsAbout>) =>
    questions.map(({ text, answer }) => ({ prompt: questionPrompt(text), answer }));
  const accuracy = (cases: { prompt: string; answer: string }[]): number =>
    nextWordAccuracy(config, variables, cases);
  const ofKnown = (from: number): number =>
    accuracy(world.known.slice(from, from + count).flatMap((p) => closed(questionsAbout(p))));
  return {
    known: ofKnown(0),
    transferred: ofKnown(worldSizes.knownWithQuestions),
    openBook: accuracy(
      strangers.flatMap(({ passage, questions }) =>
        questions.map(({ text, answer }) => ({ prompt: questionPrompt(text, passage), answer })),
      ),
    ),
    names: accuracy(
      strangers.flatMap(({ name: [first, last], passage }) => {
        const prompt = `${biographySelfEditPrompt(passage)} The pet of`;
        return [
          { prompt, answer: first },
          { prompt: `${prompt} ${first}`, answer: last },
        ];
      }),
    ),
    untouched: accuracy(strangers.flatMap(({ questions }) => closed(questions))),
  };
}

/** What a checkpoint keeps beside the state, for the report. */
export interface PretrainingProgress {
  readonly seconds: number;
  /** Losses of the last steps. */
  readonly losses: readonly number[];
}

/** Writes weights, optimizer state, step and progress; the file appears whole or not at all. */
export async function saveCheckpoint(
  file: string,
  state: PretrainingState,
  { seconds, losses }: PretrainingProgress,
): Promise<void> {
  const tensors = await valuesOf(new Map([...state.variables, ...state.optimizer]));
  tensors.set("step", { shape: [1], values: Float32Array.of(state.step) });
  tensors.set("seconds", { shape: [1], values: Float32Array.of(seconds) });
  tensors.set("losses", { shape: [losses.length], values: Float32Array.from(losses) });
  await writeSafetensors(file, tensors);
}

/** Puts a checkpoint back into a fresh state; undefined where there is none. */
export async function restoreCheckpoint(
  file: string,
  state: PretrainingState,
): Promise<PretrainingProgress | undefined> {
  if (!existsSync(file)) return undefined;
  const tensors = await readSafetensors(file);
  for (const [name, variable] of [...state.variables, ...state.optimizer]) {
    const { values } = tensors.get(name)!;
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
  state.step = tensors.get("step")!.values[0];
  return { seconds: tensors.get("seconds")!.values[0], losses: [...tensors.get("losses")!.values] };
}
