/**
 * One call for a user's own passage (the paper's inner loop, without a judge): an adapter is trained on the passage and
 * on self-edits that the model writes, until the model has the passage by heart, and the user's questions are answered before
 * and after, from what the model itself recites. Reciting and answering are recital.ts's, files memory.ts's.
 */
import { z } from "zod";
import { UserError } from "../messages/errors";
import type { Adapter } from "../lora/adapter";
import { adapterOption, functionOf } from "../lora/options";
import type { TokenSequence } from "../lora/plan";
import { parseLoraSettings, type LoraSettings } from "../lora/settings";
import { tokenSequence, trainAdapters } from "../lora/train";
import { TARGET_NAMES } from "../model/adapters";
import type { Model } from "../model/load";
import { createRandom } from "../statistics/random";
import { sampleSelfEdits } from "../restem/policy";
import { checkData, strictObject } from "../schema/schema";
import { selfEditKinds, selfEditPrompt, type Article } from "../selfedit/prompts";
import { trainingSequences } from "../selfedit/sequences";
import {
  knownByHeart,
  partsOf,
  recallAnswers,
  recitalSequence,
  type Recalled,
  type Recital,
} from "./recital";

/** What an adapter is trained on: a part of a passage, or a line of a self-edit. Kept beside it to rehearse it later. */
export type Lesson =
  | Recital
  | {
      /** The passage's title. */
      readonly title: string;
      /** A line of a self-edit. */
      readonly line: string;
    };

const adaptOptionsSchema = strictObject({
  /** Asked before and after; none unless told. */
  questions: z.array(z.string().min(1)).readonly().optional(),
  /** Self-edits that the model writes and learns beside the passage, 1 unless told. */
  selfEdits: z.int().min(0).max(1000).optional(),
  /** The prompt that asks for self-edits, "implications" unless told. */
  kind: z.enum(selfEditKinds).optional(),
  /** Laid over `adaptSettings`; nothing unless told. */
  settings: z.custom<Partial<LoraSettings>>().optional(),
  /** Most rounds of training after the first for what is not yet known by heart, 8 unless told. */
  extraRounds: z.int().min(0).max(1000).optional(),
  /** Go on from this adapter, whose rank, alpha and targets then hold; from a fresh one unless told. */
  initial: adapterOption,
  /** What `initial` was trained on, of which parts of passages are rehearsed; nothing unless told. */
  earlier: z.custom<readonly Lesson[]>(Array.isArray, "must be a list of lessons").optional(),
  /** Most tokens of a self-edit, 96 unless told. */
  selfEditTokens: z.int().min(1).max(131_072).optional(),
  /** Most tokens of an answer, 24 unless told. */
  answerTokens: z.int().min(1).max(131_072).optional(),
  /** Of the self-edits and of the order in training, 0 unless told. */
  seed: z.number().optional(),
  /** Called when a stage begins, "training" for every round; nothing is called unless told. */
  onStage:
    functionOf<(stage: "asking" | "writing" | "training" | "answering") => void>().optional(),
  /** Called after each optimizer step with the steps of the present round; nothing is called unless told. */
  onStep: functionOf<(done: number, total: number) => void>().optional(),
}).readonly();
/** Settings of `adaptToPassage`; the defaults were chosen on SmolLM2-135M (experiments/adapt/README.md). */
export interface AdaptOptions extends z.output<typeof adaptOptionsSchema> {}

/** What came of it. */
export interface Adaptation {
  /** The adapter that has learned the passage. */
  readonly adapter: Adapter;
  /** The self-edits as the model wrote them. */
  readonly selfEdits: readonly string[];
  /** What of this passage was trained on; its parts are last. */
  readonly lessons: readonly Lesson[];
  /** Number of earlier lessons that were trained on again. */
  readonly rehearsed: number;
  /** Parts of this passage, and of earlier ones, that are not known by heart in the end. */
  readonly unsure: number;
  /** What the adapted model recites. */
  readonly recitals: readonly Recital[];
  /** Each question with its answers. */
  readonly answers: readonly {
    /** The question. */
    readonly question: string;
    /** Answered without the new lessons. */
    readonly before: string;
    /** Answered with them. */
    readonly after: string;
  }[];
  /** Loss of every optimizer step, in nats a token. */
  readonly losses: readonly number[];
  /** Seconds that each part took. */
  readonly seconds: {
    /** Writing self-edits. */
    readonly write: number;
    /** Training, and finding out what is known by heart. */
    readonly train: number;
    /** Answering before and after. */
    readonly answer: number;
  };
}

/**
 * How `adaptToPassage` trains unless told otherwise: SEAL's 10 epochs of batch 1, but rank 16 with alpha 32 on every linear
 * layer and a constant rate of 0.002 after 4 steps of warm-up: so a small model learns a text by heart.
 */
export const adaptSettings: Partial<LoraSettings> = {
  rank: 16,
  alpha: 32,
  targets: [...TARGET_NAMES],
  epochs: 10,
  batchSize: 1,
  learningRate: 2e-3,
  schedule: "constant",
  warmupSteps: 4,
};

/** Self-edits beside the passage. One: a small model's were not seen to help, nor to harm (experiments/adapt/README.md). */
export const SELF_EDITS = 1;

/** Of each round after the first; the optimizer starts anew, and its first step only measures. */
const extraSettings = { epochs: 3, warmupSteps: 1 };

/** Characters of the longest passage; more is better cut into several passages. */
const LONGEST_PASSAGE = 8000;

/**
 * Adapts to a passage. The model itself is not changed: generate with the adapter, or `mergeAdapter`. Throws UserError
 * for impossible options, for a passage that is empty or too long, and for a training that diverged.
 */
export async function adaptToPassage(
  model: Model,
  article: Article,
  options: AdaptOptions = {},
): Promise<Adaptation> {
  checkData(adaptOptionsSchema, options, "adaptToPassage");
  parseLoraSettings(roundSettings(options, 0), "adaptToPassage: settings");
  checkArticle(article);
  const { initial, onStage, questions = [], answerTokens, seed = 0 } = options;
  const clock = stopwatch();
  const parts = partsOf(article.passage).map((text, i) => ({
    title: article.title,
    part: i + 1,
    text,
  }));
  // Both times the model is told no more than the title and the number of parts.
  const ask = async (adapter: Adapter | undefined): Promise<Recalled> =>
    recallAnswers(model, [{ title: article.title, parts: parts.length }], questions, {
      ...(adapter ? { adapter } : {}),
      ...(answerTokens === undefined ? {} : { maximumTokens: answerTokens }),
    });
  onStage?.("asking");
  const before = await ask(initial);
  const answerBefore = clock();
  if (options.selfEdits !== 0) onStage?.("writing");
  const selfEdits = await write(model, article, options, seed);
  const lines = selfEdits.flatMap((selfEdit) => linesOf(article, selfEdit));
  const writeSeconds = clock();
  const learned = await learn(model, lines, parts, options);
  const train = clock();
  onStage?.("answering");
  const after = await ask(learned.adapter);
  return {
    ...learned,
    selfEdits,
    lessons: [...lines, ...parts],
    recitals: after.recitals,
    answers: questions.map((question, q) => ({
      question,
      before: before.answers[q],
      after: after.answers[q],
    })),
    seconds: { write: writeSeconds, train, answer: answerBefore + clock() },
  };
}

function checkArticle({ title, passage }: Article): void {
  if (passage.trim() === "") throw new UserError("The passage is empty.");
  if (title.trim() === "") throw new UserError("The passage needs a title.");
  if (passage.length > LONGEST_PASSAGE)
    throw new UserError(
      `The passage has ${passage.length} characters; at most ${LONGEST_PASSAGE} are learned at once. Cut it into passages and give them one after another.`,
    );
}

/** Seconds since the last call. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const seconds = (now - last) / 1000;
    last = now;
    return seconds;
  };
}

async function write(
  model: Model,
  article: Article,
  { selfEdits = SELF_EDITS, kind = "implications", selfEditTokens = 96 }: AdaptOptions,
  seed: number,
): Promise<string[]> {
  if (selfEdits === 0) return [];
  const sampling = {
    count: selfEdits,
    temperature: 0.7,
    topP: 0.95,
    maximumTokens: selfEditTokens,
  };
  const prompt = selfEditPrompt(kind, article);
  const [written] = await sampleSelfEdits(model, [prompt], sampling, `${seed}/self-edit`);
  return written;
}

/** A self-edit's lines, as SEAL cuts them. */
function linesOf({ title, passage }: Article, selfEdit: string): { title: string; line: string }[] {
  return trainingSequences(selfEdit, { title, passage, splitLines: true })
    .slice(0, -1)
    .map((sequence) => ({ title, line: sequence.slice(title.length + 1).trim() }))
    .filter(({ line }) => line !== "");
}

/**
 * The first round trains on everything and on as many parts of earlier passages; the next ones on the parts, earlier
 * ones too, that are not known by heart.
 */
async function learn(
  model: Model,
  lines: readonly Lesson[],
  parts: readonly Recital[],
  options: AdaptOptions,
): Promise<Pick<Adaptation, "adapter" | "losses" | "rehearsed" | "unsure">> {
  const { earlier = [], seed = 0, extraRounds = 8 } = options;
  const past = earlier.filter((lesson) => "part" in lesson);
  const drawn = createRandom(`${seed}/rehearsal`).shuffle(past).slice(0, parts.length);
  const rehearsed = new Set<Lesson>(drawn);
  const first = await round(model, [...drawn, ...lines, ...parts], options, 0, options.initial);
  let { adapter } = first;
  const losses = [...first.losses];
  for (let r = 1; ; r++) {
    const known = await knownByHeart(model, [...past, ...parts], adapter);
    const unsure = [...past, ...parts].filter((_, i) => !known[i]);
    unsure.filter((lesson) => past.includes(lesson)).forEach((lesson) => rehearsed.add(lesson));
    if (unsure.length === 0 || r > extraRounds)
      return { adapter, losses, rehearsed: rehearsed.size, unsure: unsure.length };
    const next = await round(model, unsure, options, r, adapter);
    adapter = next.adapter;
    losses.push(...next.losses);
  }
}

async function round(
  model: Model,
  lessons: readonly Lesson[],
  options: AdaptOptions,
  index: number,
  initial: Adapter | undefined,
): Promise<{ adapter: Adapter; losses: readonly number[] }> {
  const { onStage, onStep } = options;
  onStage?.("training");
  const job = {
    sequences: lessons.map((lesson) => lessonSequence(model, lesson)),
    settings: roundSettings(options, index),
    ...(initial ? { initial } : {}),
  };
  const [result] = await trainAdapters(model, [job], onStep ? { onStep } : {});
  if (!result.adapter)
    throw new UserError(
      `The training ended as "${result.status}" (${result.reason ?? "no reason"}). A smaller learning rate may help.`,
    );
  return { adapter: result.adapter, losses: result.losses };
}

function roundSettings({ settings, seed = 0 }: AdaptOptions, index: number): Partial<LoraSettings> {
  return {
    ...adaptSettings,
    ...settings,
    ...(index > 0 ? extraSettings : {}),
    seed: `${seed}/${index}`,
  };
}

/** A self-edit's line has SEAL's form, under the title. */
function lessonSequence(model: Model, lesson: Lesson): TokenSequence {
  return "line" in lesson
    ? tokenSequence(model, `${lesson.title}\n${lesson.line}`)
    : recitalSequence(model, lesson);
}
