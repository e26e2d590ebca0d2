/** Pretraining of the small world's model from scratch: settings and batches. The steps themselves are ../step.ts's. */
import type { ModelConfig } from "../../../src/model/types";
import { createRandom } from "../../../src/statistics/random";
import { smallConfig, smallOptimizer } from "../model";
import {
  takeStep,
  type PretrainingDocument,
  type PretrainingState,
  type PretrainingStep,
  type StepSettings,
} from "../step";
import { knownDocument, openBookDocument, lessonDocument, type OpenBookKind } from "./documents";
import { vocabulary } from "./vocabulary";
import type { World } from "../../../src/tasks/biographies/world";
import { roleWords } from "../../../src/tasks/biographies/words";

/** How many documents of each kind a step has. */
export interface BatchPlan {
  readonly openBookQuestions: number;
  readonly openBookSelfEdits: number;
  readonly passages: number;
  readonly statements: number;
  readonly questions: number;
}

/** Everything that determines the weights, but for the engine's rounding. */
export interface PretrainingSettings extends StepSettings {
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
  optimizer: smallOptimizer,
};

/** The model's shape: Llama, 3 layers of width 96, tied head. */
export function biographiesConfig(): ModelConfig {
  return smallConfig({
    vocabularySize: vocabulary().length,
    maximumPositions: 256,
    eosTokenIds: [vocabulary().indexOf(roleWords.end)],
  });
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

/** Takes the next step; long and short documents go through the model apart. */
export function pretrainingStep(
  config: ModelConfig,
  world: World,
  settings: PretrainingSettings,
  state: PretrainingState,
): PretrainingStep {
  const { long, short } = documentsOfStep(world, settings, state.step);
  return takeStep(config, settings, state, [long, short], idsOf);
}

const ids = new Map(vocabulary().map((word, id) => [word, id]));

/** Ids of words that are all in the vocabulary. */
export function idsOf(words: readonly string[]): number[] {
  return words.map((word) => ids.get(word)!);
}
