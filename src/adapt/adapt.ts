/**
 * One call for a user's own passage (the paper's inner loop, without a judge): the model writes self-edits, an adapter
 * is trained on them, and the user's questions are answered before and after. Files are memory.ts's.
 */
import { UserError } from "../errors";
import type { Adapter } from "../lora/adapter";
import { generate, promptTokens, type Prompt } from "../lora/generate";
import type { TokenSequence } from "../lora/plan";
import type { LoraSettings } from "../lora/settings";
import { completionSequence, tokenSequence, trainAdapters } from "../lora/train";
import { TARGET_NAMES } from "../model/adapters";
import type { Model } from "../model/load";
import { createRandom } from "../random";
import { sampleSelfEdits } from "../restem/policy";
import { selfEditPrompt, type Article, type SelfEditKind } from "../selfedit/prompts";
import { trainingSequences } from "../selfedit/sequences";
import { gapQuestions, type Pair } from "./gaps";

/** What an adapter is trained on: a question with its answer, or a text. Kept beside the adapter to rehearse it later. */
export type Lesson =
  | { readonly title: string; readonly question: string; readonly answer: string }
  | { readonly title: string; readonly text: string };

/** Settings of `adaptToPassage`; the defaults were chosen on SmolLM2-135M (results/LOG.md). */
export interface AdaptOptions {
  /** Asked before and after. */
  readonly questions?: readonly string[];
  /** Self-edits that the model writes, 1 unless told; 0 for none. */
  readonly selfEdits?: number;
  /** "self-qa" unless told. */
  readonly kind?: SelfEditKind;
  /** Forms in which each gap of the passage is asked in training (gaps.ts), 4 unless told; 0 for none. */
  readonly gapForms?: number;
  /** Laid over `adaptSettings`. */
  readonly settings?: Partial<LoraSettings>;
  /** Go on from this adapter; its rank, alpha and targets then hold. */
  readonly initial?: Adapter;
  /** What `initial` was trained on: as many of these as there are new ones are drawn and trained on again. */
  readonly earlier?: readonly Lesson[];
  /** Most tokens of a self-edit (256) and of an answer (32). */
  readonly selfEditTokens?: number;
  readonly answerTokens?: number;
  readonly seed?: number;
  readonly onStage?: (stage: "writing" | "training" | "answering") => void;
  /** Called after each optimizer step. */
  readonly onStep?: (done: number, total: number) => void;
}

/** What came of it. */
export interface Adaptation {
  readonly adapter: Adapter;
  /** As the model wrote them. */
  readonly selfEdits: readonly string[];
  /** What of this passage was trained on; the passage itself is last. */
  readonly lessons: readonly Lesson[];
  /** Number of earlier lessons that were trained on again. */
  readonly rehearsed: number;
  readonly answers: readonly {
    readonly question: string;
    readonly before: string;
    readonly after: string;
  }[];
  readonly losses: readonly number[];
  readonly seconds: { readonly write: number; readonly train: number; readonly answer: number };
}

/** SEAL's settings with every linear layer as a target; at 135M parameters its q_proj and v_proj alone learn too little. */
export const adaptSettings = {
  rank: 16,
  alpha: 32,
  targets: [...TARGET_NAMES],
  epochs: 2,
  batchSize: 1,
  learningRate: 1e-3,
} satisfies Partial<LoraSettings>;

/** Characters of the longest passage; more is better cut into several passages. */
const LONGEST_PASSAGE = 8000;

/**
 * Adapts to a passage. The model itself is not changed: generate with the adapter, or `mergeAdapter`. Throws UserError
 * for a passage that is empty or too long, and for a training that diverged.
 */
export async function adaptToPassage(
  model: Model,
  article: Article,
  options: AdaptOptions = {},
): Promise<Adaptation> {
  checkArticle(article);
  const { initial, earlier = [], onStage } = options;
  const seed = options.seed ?? 0;
  const clock = stopwatch();
  const questions = options.questions ?? [];
  const before = await answers(model, article.title, questions, options, initial);
  const answerBefore = clock();
  onStage?.("writing");
  const selfEdits = await write(model, article, options, seed);
  const lessons = lessonsOf(article, selfEdits, options.gapForms ?? 4, seed);
  const write_ = clock();
  onStage?.("training");
  const rehearsed = createRandom(`${seed}/rehearsal`).shuffle(earlier).slice(0, lessons.length);
  const [result] = await trainAdapters(
    model,
    [
      {
        sequences: [...rehearsed, ...lessons].map((lesson) => lessonSequence(model, lesson)),
        settings: { ...adaptSettings, ...options.settings, seed },
        ...(initial ? { initial } : {}),
      },
    ],
    options.onStep ? { onStep: options.onStep } : {},
  );
  if (!result.adapter)
    throw new UserError(
      `The training ended as "${result.status}" (${result.reason ?? "no reason"}). A smaller learning rate may help.`,
    );
  const train = clock();
  onStage?.("answering");
  const after = await answers(model, article.title, questions, options, result.adapter);
  return {
    adapter: result.adapter,
    selfEdits,
    lessons,
    rehearsed: rehearsed.length,
    answers: questions.map((question, q) => ({ question, before: before[q], after: after[q] })),
    losses: result.losses,
    seconds: { write: write_, train, answer: answerBefore + clock() },
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
  { selfEdits = 1, kind = "self-qa", selfEditTokens = 256 }: AdaptOptions,
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

/** The question with its topic, in few tokens: every lesson repeats them. A system turn keeps templates from adding a longer one. */
function ask(title: string, question: string): Prompt {
  return [
    { role: "system", content: "Answer in a few words." },
    { role: "user", content: `${title}: ${question}` },
  ];
}

async function answers(
  model: Model,
  title: string,
  questions: readonly string[],
  { answerTokens = 32 }: AdaptOptions,
  adapter: Adapter | undefined,
): Promise<string[]> {
  const generated = await generate(
    model,
    questions.map((question) => ask(title, question)),
    { maximumTokens: answerTokens, ...(adapter ? { adapter } : {}) },
  );
  return generated.map(({ text }) => text.trim());
}

/** What is trained on: usable parts of the self-edits, the passage's own questions, and the passage, always last. */
export function lessonsOf(
  article: Article,
  selfEdits: readonly string[],
  gapForms: number,
  seed: number | string,
): Lesson[] {
  const { title, passage } = article;
  const own = selfEdits.flatMap((selfEdit) => selfEditLessons(article, selfEdit));
  const open = gapQuestions(article, { forms: gapForms, random: createRandom(`${seed}/gaps`) }).map(
    (pair) => ({ title, ...pair }),
  );
  const all: Lesson[] = [...own, ...open, { title, text: passage.trim() }];
  const seen = new Set<string>();
  return all.filter((lesson) => {
    const key = "text" in lesson ? lesson.text : lesson.question.toLowerCase();
    return !seen.has(key) && seen.add(key);
  });
}

/** Pairs whose answer stands in the passage; without pairs, the lines, as SEAL cuts them. */
function selfEditLessons(article: Article, selfEdit: string): Lesson[] {
  const { title, passage } = article;
  const pairs = [
    ...selfEdit.matchAll(/Question\s*\d*\s*:\s*(.+?)\s*\n+\s*Answer\s*\d*\s*:\s*(.+)/g),
  ];
  if (pairs.length > 0)
    return pairs
      .map(([, question, answer]): Pair => ({ question: question.trim(), answer: answer.trim() }))
      .filter((pair) => stands(passage, pair))
      .map((pair) => ({ title, ...pair }));
  const lines = trainingSequences(selfEdit, { title, passage, splitLines: true }).slice(0, -1);
  return lines
    .map((line) => line.slice(title.length + 1).trim())
    .filter((text) => text !== "")
    .map((text) => ({ title, text }));
}

const plain = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();

/** Whether the answer is words of the passage that the question does not give away. */
function stands(passage: string, { question, answer }: Pair): boolean {
  const words = plain(answer);
  return (
    words !== "" &&
    ` ${plain(passage)} `.includes(` ${words} `) &&
    !` ${plain(question)} `.includes(` ${words} `)
  );
}

/** A question is trained on in the very form in which it will be asked; its answer alone counts in the loss. */
function lessonSequence(model: Model, lesson: Lesson): TokenSequence {
  if ("text" in lesson) return tokenSequence(model, `${lesson.title}\n${lesson.text}`);
  const prompt = promptTokens(model, ask(lesson.title, lesson.question));
  return completionSequence(model, prompt, lesson.answer);
}
