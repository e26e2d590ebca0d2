/** What can be said of answers without a judge: SQuAD's exact match and F1, and how long they are. */
import { mean } from "../statistics/statistics";

/** An answer and the gold answers, at least one; the best of them counts. */
export interface AnswerWithGolds {
  readonly answer: string;
  readonly golds: readonly string[];
}

/** One answer's measures. */
export interface AnswerMeasure {
  /** Whether the normalised answer equals a normalised gold. */
  readonly exactMatch: boolean;
  /** Best F1 over the golds, in [0, 1]. */
  readonly f1: number;
  /** Words between white space, as the answer stands. */
  readonly answerWords: number;
}

/** Means over answers. */
export interface AnswerMeasures {
  /** Share of exact matches. */
  readonly exactMatch: number;
  /** Mean F1. */
  readonly f1: number;
  /** Mean number of words of an answer. */
  readonly answerWords: number;
  /** Share of answers longer than twenty words: what a model gives that recites its passage. */
  readonly longAnswers: number;
}

/** Words that an answer may have without being long. */
export const LONG_ANSWER = 20;

/** One answer's measures; the numbers can be kept where its text may not be. */
export function measureAnswer({ answer, golds }: AnswerWithGolds): AnswerMeasure {
  const given = squadNormal(answer);
  const wanted = golds.map(squadNormal);
  return {
    exactMatch: wanted.includes(given),
    f1: Math.max(...wanted.map((one) => f1Of(wordsIn(given), wordsIn(one)))),
    answerWords: wordsIn(answer).length,
  };
}

/** The means over answers, or undefined where there is none. Ungraded answers are not to be among them. */
export function answerMeasures(answers: readonly AnswerWithGolds[]): AnswerMeasures | undefined {
  if (answers.length === 0) return undefined;
  const measures = answers.map(measureAnswer);
  return {
    exactMatch: mean(measures.map(({ exactMatch }) => Number(exactMatch))),
    f1: mean(measures.map(({ f1 }) => f1)),
    answerWords: mean(measures.map(({ answerWords }) => answerWords)),
    longAnswers: mean(measures.map(({ answerWords }) => Number(answerWords > LONG_ANSWER))),
  };
}

/** SQuAD's normalisation (its evaluation script): lower case, no ASCII punctuation, no articles, single spaces. */
export function squadNormal(text: string): string {
  const plain = text.toLowerCase().replace(/[!-/:-@[-`{-~]/g, "");
  // Python's \b, which knows all letters: the "a" of "aña" is no article.
  const bare = plain.replace(/(?<![\p{L}\p{N}])(?:a|an|the)(?![\p{L}\p{N}])/gu, " ");
  return wordsIn(bare).join(" ");
}

/** SQuAD's F1 of two lists of normalised words; where one is empty, 1 if both are (its second version). */
function f1Of(given: readonly string[], wanted: readonly string[]): number {
  if (given.length === 0 || wanted.length === 0) return Number(given.length === wanted.length);
  const left = [...wanted];
  const shared = given.filter((word) => {
    const at = left.indexOf(word);
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  }).length;
  return (2 * shared) / (wanted.length + given.length);
}

function wordsIn(text: string): string[] {
  return text.split(/\s+/).filter(Boolean);
}
