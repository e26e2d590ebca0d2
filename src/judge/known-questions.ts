/** What GPT-4.1 ruled on answers to the questions of SEAL's released logs, as weights of words. Fitting them is in fit-questions.ts. */
import { answerHead, contentWords, plainQuestion, wordsOf } from "./normalize";

/** One question that GPT-4.1 has graded answers to. */
export interface KnownQuestion {
  /** Log-odds that hold whatever the answer says. */
  readonly offset: number;
  /** Log-odds of the words that count, by the hash of their stem. */
  readonly words: Readonly<Record<string, number>>;
}

/** Known questions by `questionKey`. */
export type KnownQuestions = Readonly<Record<string, KnownQuestion>>;

/** An answer to a question with one gold answer, as the local judge reads it. */
export interface ReadAnswer {
  /** The question's. */
  readonly key: string;
  readonly words: readonly string[];
  /** Log-odds of a correct answer by comparing it with the gold answer. */
  readonly comparison: number;
}

/** How much of the comparison with the gold answer still counts where the question is known. These settings were chosen on training passages. */
export const COMPARISON_WEIGHT = 0.7;

/** Penalised weights are too cautious: what makes the probabilities right on average. Verdicts do not depend on it. */
const SHARPNESS = 1.4;

/** The key of a question with its gold answer: a hash, so that a table of them holds no text. */
export function questionKey(question: string, gold: string): string {
  return hashOf(`${plainQuestion(question)}\n${gold}`).toString(36);
}

/** The hashes of the stems of an answer's words that the question does not say; each once. */
export function answerWords(question: string, answer: string): string[] {
  const asked = new Set(stems(plainQuestion(question)));
  const said = stems(answerHead(answer)).filter((stem) => !asked.has(stem));
  return [...new Set(said.map((stem) => (hashOf(stem) % WORD_HASHES).toString(36)))];
}

/** A word's share of an answer of `count` words: long answers are no surer than short ones. */
export function wordShare(count: number): number {
  return 1 / Math.sqrt(Math.max(count, 1));
}

/** The log-odds of a correct answer to a known question. */
export function knownLogOdds(
  { offset, words }: KnownQuestion,
  { words: said, comparison }: ReadAnswer,
): number {
  const sum = said.reduce((total, word) => total + (words[word] ?? 0), 0);
  return SHARPNESS * (COMPARISON_WEIGHT * comparison + offset + wordShare(said.length) * sum);
}

/** Words with the same hash are rare within one question: it has about a hundred. */
const WORD_HASHES = 2 ** 20;

const stems = (text: string): string[] => contentWords(wordsOf(text)).map(({ stem }) => stem);

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
