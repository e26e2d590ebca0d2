/** The workload of the knowledge experiments: the real model's and the small world's. What it takes is plan.ts's. */
import { existsSync } from "node:fs";
import path from "node:path";
import type { LoraSettings } from "../../lora/settings";
import { articlesPath, readPlaces, readSquad, selectPassages } from "../../tasks/squad";
import type { BiographiesVariant } from "../biographies/variant";
import { candidatesPerSeed } from "../biographies/run";
import { candidateCount, placesFile } from "./run";
import type { TrainingPass, Workload } from "../../run/plan";
import type { KnowledgeVariant, PassageData } from "../../run/variant";

/** Characters of a token, about, in English. */
const CHARACTERS_PER_TOKEN = 4;

/** SQuAD's averages, for data that is not on this machine. */
const SQUAD = { passageTokens: 180, questions: 5 };

/** Tokens of a question with its instruction, and of the instruction of a self-edit. */
export const PROMPT_TOKENS = 60;

/** Number and size of passages. */
export interface Measure {
  readonly passages: number;
  readonly questions: number;
  /** Mean of a passage. */
  readonly passageTokens: number;
}

/** The workload of a variant of the knowledge experiment. */
export async function planKnowledge(variant: KnowledgeVariant): Promise<Workload> {
  const { arms, seeds, sampling, innerLoop, outerLoop, answers } = variant;
  const own = await measure(variant.data);
  const training = outerLoop ? await measure(outerLoop.data) : undefined;
  const candidates = candidateCount(variant, own.passages, training?.passages ?? 0);
  const untrained = arms.filter((arm) => arm === "untouched" || arm === "passage in context");
  const passageOnly = arms.includes("passage only") ? seeds.length * own.passages : 0;
  const trainings = candidates - untrained.length * own.passages;
  const rounds = seeds.length * (outerLoop?.rounds ?? 0);
  const selfEdits =
    (arms.includes("untrained self-edits") ? seeds.length * own.passages * sampling.count : 0) +
    rounds *
      ((training?.passages ?? 0) * sampling.count +
        own.passages * (outerLoop?.evaluationSamples ?? 0));
  const selfEditTokens = sampling.maximumTokens;
  // Each line of a self-edit gets the title before it.
  const editSequence = 1.25 * selfEditTokens + own.passageTokens;
  const trained =
    innerLoop.epochs * ((trainings - passageOnly) * editSequence + passageOnly * own.passageTokens);
  const example = (training?.passageTokens ?? 0) + PROMPT_TOKENS + selfEditTokens;
  const fineTuned =
    outerLoop && training
      ? rounds * outerLoop.fineTuning.epochs * training.passages * outerLoop.keep * example
      : 0;
  const questions = own.questions / own.passages;
  const answered = candidates * questions;
  const inContext = arms.includes("passage in context") ? own.questions * own.passageTokens : 0;
  const row = variant.splitLines ? own.passageTokens : Math.max(own.passageTokens, selfEditTokens);
  return {
    model: variant.model,
    trainings: trainings + rounds,
    generations: selfEdits + answered,
    tokens: {
      trained: trained + fineTuned,
      generated: selfEdits * selfEditTokens + answered * answers.maximumTokens,
      prompts:
        selfEdits * (own.passageTokens + PROMPT_TOKENS) + answered * PROMPT_TOKENS + inContext,
    },
    passes: [
      trainingPass(innerLoop, variant.concurrency, row),
      ...(outerLoop ? [trainingPass(outerLoop.fineTuning, 1, example)] : []),
    ],
    weightSets: outerLoop ? 2 : 1,
  };
}

/** Adapters of these settings, so many at once, on sequences of so many tokens. */
export function trainingPass(
  settings: Pick<
    LoraSettings,
    "rank" | "targets" | "batchSize" | "accumulation" | "gradientCheckpointing"
  >,
  concurrency: number,
  sequenceTokens: number,
): TrainingPass {
  const { rank, targets, batchSize, accumulation, gradientCheckpointing } = settings;
  return {
    rank,
    targets,
    concurrency,
    stepTokens: Math.ceil(sequenceTokens * batchSize * accumulation),
    checkpointed: gradientCheckpointing,
  };
}

/** Number and size of the passages; SQuAD's averages where the file is not here. */
export async function measure(data: PassageData): Promise<Measure> {
  const file = data.source === "articles" ? articlesPath : path.resolve(data.source);
  if (!existsSync(file)) {
    const places = data.places === undefined ? [] : await readPlaces(placesFile(data.places));
    const passages = data.count ?? Math.max(1, places.length - data.start);
    const { passageTokens, questions } = SQUAD;
    return { passages, questions: passages * questions, passageTokens };
  }
  const { split, titles, places, start, count } = data;
  const passages = selectPassages(await readSquad(file, split ? { split } : {}), {
    start,
    ...(places === undefined ? {} : { places: await readPlaces(placesFile(places)) }),
    ...(titles ? { titles } : {}),
    ...(count === undefined ? {} : { count }),
  });
  const characters = passages.reduce((sum, { passage }) => sum + passage.length, 0);
  return {
    passages: passages.length,
    questions: passages.reduce((sum, { questions }) => sum + questions.length, 0),
    passageTokens: Math.ceil(characters / passages.length / CHARACTERS_PER_TOKEN),
  };
}

/** Tokens of a biography and questions about it, in the small world's own vocabulary. */
export const BIOGRAPHY = { passageTokens: 130, questions: 6, questionTokens: 20, answerTokens: 2 };

/** The workload of a variant on the small world. */
export function planBiographies(variant: BiographiesVariant): Promise<Workload> {
  const { seeds, people, rounds, sampling, innerLoop, fineTuning } = variant;
  const candidates = seeds.length * candidatesPerSeed(variant);
  const untrained = seeds.length * 2 * people.heldOut;
  const fineTunings = seeds.length * 2 * rounds;
  const perSeed =
    rounds * 2 * (people.train * sampling.count + people.heldOut * variant.evaluationSamples) +
    people.heldOut * variant.evaluationSamples;
  const selfEdits = seeds.length * perSeed;
  const answered = candidates * BIOGRAPHY.questions;
  const sequence = 1.25 * sampling.maximumTokens + BIOGRAPHY.passageTokens;
  const example = BIOGRAPHY.passageTokens + sampling.maximumTokens;
  return Promise.resolve({
    model: variant.model,
    trainings: candidates - untrained + fineTunings,
    generations: selfEdits + answered,
    tokens: {
      trained:
        innerLoop.epochs * (candidates - untrained) * sequence +
        fineTunings * fineTuning.epochs * people.train * variant.keep * example,
      generated: selfEdits * sampling.maximumTokens + answered * BIOGRAPHY.answerTokens,
      prompts: selfEdits * BIOGRAPHY.passageTokens + answered * BIOGRAPHY.questionTokens,
    },
    passes: [
      trainingPass(innerLoop, variant.concurrency, BIOGRAPHY.passageTokens),
      trainingPass(fineTuning, 1, example),
    ],
    weightSets: 2,
  });
}
