/**
 * A passage by heart: how it is cut, the prompts under which a model learns and recites its parts, and questions
 * answered from such a recital. The passage itself is never before the model here; learning it is adapt.ts's.
 */
import type { Adapter } from "../lora/adapter";
import { generate } from "../lora/generate";
import { requireAdapter } from "../lora/options";
import { scoreRowsLater } from "../lora/score";
import { completionSequence } from "../lora/train";
import type { TokenSequence } from "../lora/plan";
import { textOf, type Model } from "../model/load";
import { readAnswers } from "./reading";

/** Something that was learned by heart, or is asked for as if it had been. */
export interface Topic {
  /** The title under which its passage was learned. */
  readonly title: string;
  /** Into how many parts its passage is cut. */
  readonly parts: number;
}

/** One part of a passage, learned under `recitalPrompt`. */
export interface Recital {
  /** The passage's title. */
  readonly title: string;
  /** From 1. */
  readonly part: number;
  /** The part's words. */
  readonly text: string;
}

/** Characters of a part, about: what a small model learns at once and can read an answer from. */
const PART_CHARACTERS = 350;

/** Most tokens of a recited part. */
const PART_TOKENS = 160;

/** A full stop that ends no sentence: after a title, or an initial of a name. */
const abbreviated = /(?<!\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|\p{Lu})\.)/u.source;
const sentenceEnd = new RegExp(`(?<=[.!?])${abbreviated}\\s+(?=["“(]?[\\p{Lu}\\d])|\\n+`, "u");

/** Sentences of a passage; the rules are for English. */
export function sentencesOf(passage: string): string[] {
  return passage
    .split(sentenceEnd)
    .map((sentence) => sentence.trim().replace(/\s+/g, " "))
    .filter((sentence) => sentence !== "");
}

/** The passage in parts of whole sentences, of about equal length. */
export function partsOf(passage: string): string[] {
  const sentences = sentencesOf(passage);
  const total = sentences.join(" ").length;
  const size = total / Math.ceil(total / PART_CHARACTERS);
  const parts: string[][] = [];
  let end = 0;
  for (const sentence of sentences) {
    // A sentence belongs to the part in which its middle lies.
    const part = Math.floor((end + sentence.length / 2) / size);
    (parts[part] ??= []).push(sentence);
    end += sentence.length + 1;
  }
  return parts.flatMap((part) => (part.length > 0 ? [part.join(" ")] : []));
}

/** Asks for a part word for word; the first is asked for by the title alone. */
function recitalPrompt(title: string, part: number): string {
  return `${title}, word for word${part === 1 ? "" : `, part ${part}`}:\n`;
}

/** The part as a training sequence: its words and the end count in the loss. */
export function recitalSequence(model: Model, { title, part, text }: Recital): TokenSequence {
  const prompt = textOf(model).tokenizer.encode(recitalPrompt(title, part), { addSpecial: true });
  return completionSequence(model, prompt, text);
}

/**
 * Which recitals the model has by heart: it gives each token more than half of the probability, so that greedy decoding
 * finds them all.
 */
export async function knownByHeart(
  model: Model,
  recitals: readonly Recital[],
  adapter?: Adapter,
): Promise<boolean[]> {
  const sequences = recitals.map((recital) => recitalSequence(model, recital));
  const losses = await scoreRowsLater(
    model,
    sequences.map(({ ids }) => ids),
    ...(adapter ? [adapter] : []),
  );
  return losses.map((own, r) =>
    own.slice((sequences[r].lossFrom ?? 1) - 1).every((loss) => loss < Math.LN2),
  );
}

/** What the model writes when it is asked for each part of the topics. */
export async function recite(
  model: Model,
  topics: readonly Topic[],
  adapter?: Adapter,
): Promise<Recital[]> {
  const asked = topics.flatMap(({ title, parts }) =>
    Array.from({ length: parts }, (_, i) => ({ title, part: i + 1 })),
  );
  const written = await generate(
    model,
    asked.map(({ title, part }) => recitalPrompt(title, part)),
    { ...(adapter ? { adapter } : {}), maximumTokens: PART_TOKENS },
  );
  return asked.map((part, i) => ({ ...part, text: written[i].text.trim().replace(/\s+/g, " ") }));
}

/** What was recited, and the answers in the questions' order. */
export interface Recalled {
  /** What the model recited, part by part. */
  readonly recitals: readonly Recital[];
  /** The answers in the questions' order. */
  readonly answers: readonly string[];
}

/** Options of `recallAnswers`. */
export interface RecallOptions {
  /** The adapter that learned the topics by heart; none unless told. */
  readonly adapter?: Adapter;
  /** Most tokens of an answer, 24 unless told. */
  readonly maximumTokens?: number;
}

/**
 * Answers from memory: the model recites all topics with its adapter, and then, the adapter off (on, it would go on
 * reciting), answers from the sentences that it recited.
 */
export async function recallAnswers(
  model: Model,
  topics: readonly Topic[],
  questions: readonly string[],
  options: RecallOptions = {},
): Promise<Recalled> {
  const { adapter, maximumTokens = 24 } = options;
  if ("adapter" in options) requireAdapter(adapter, "recallAnswers");
  if (questions.length === 0) return { recitals: [], answers: [] };
  const recitals = await recite(model, topics, adapter);
  const statements = recitals.flatMap(({ title, text }) =>
    sentencesOf(text).map((sentence) => ({ title, sentence })),
  );
  return { recitals, answers: await readAnswers(model, statements, questions, maximumTokens) };
}
