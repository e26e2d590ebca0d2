/** The local judge: compares an answer with the gold answers by their words, calibrated on GPT-4.1's verdicts. No network. */
import { judgeFeatures } from "./features";
import {
  answerWords,
  knownLogOdds,
  questionKey,
  type KnownQuestions,
  type ReadAnswer,
} from "./known-questions";
import model from "./model.json";
import released from "./questions.json";
import { sigmoid, treeLogOdds } from "./trees";
import type { Verdict } from "./verdict";

/** What every judge is given. Several golds: any one of them suffices. */
export interface JudgeInput {
  /** The question. */
  readonly question: string;
  /** The right answer, or several of which any one suffices. */
  readonly gold: string | readonly string[];
  /** The answer to be judged. */
  readonly answer: string;
}

/** The questions of SEAL's released logs: what GPT-4.1 ruled on other answers to them helps to judge the next. */
export const releasedQuestions: KnownQuestions = released.questions;

/** Every question is new: all that counts is how the answer compares with the gold answer. */
export const noQuestions: KnownQuestions = {};

/** A judgement of one answer. */
export interface Judgement {
  /** The calibrated probability, in [0, 1], that GPT-4.1 would call the answer correct; 0 for a blank one. */
  readonly probability: number;
  readonly correct: boolean;
  /** Whether more is known of the question than its gold answer. */
  readonly known: boolean;
}

/** A blank answer is wrong, as in SEAL's TTT_server.py, which counts it so without asking the grader. */
export const BLANK: Judgement = { probability: 0, correct: false, known: false };

/**
 * Whether the answer says what one of the golds says, as GPT-4.1 with SEAL's grading prompt would judge it.
 */
export function judgeLocally(
  { question, gold, answer }: JudgeInput,
  known = releasedQuestions,
): Judgement {
  if (answer.trim() === "") return BLANK;
  const golds = typeof gold === "string" ? [gold] : gold;
  const judgements = golds.map((one) => judgeRead(readAnswer(question, one, answer), known));
  return {
    probability: Math.max(...judgements.map(({ probability }) => probability)),
    correct: judgements.some(({ correct }) => correct),
    known: judgements.some((one) => one.known),
  };
}

/** The probability of `judgeLocally`. */
export function judgeProbability(input: JudgeInput): number {
  return judgeLocally(input).probability;
}

/** The verdict of `judgeLocally`; never "ungraded". */
export function judgeAnswer(input: JudgeInput): Verdict {
  return judgeLocally(input).correct ? "correct" : "wrong";
}

/** Reads an answer that is not blank. */
export function readAnswer(question: string, gold: string, answer: string): ReadAnswer {
  return {
    key: questionKey(question, gold),
    words: answerWords(question, answer),
    comparison: treeLogOdds(model, judgeFeatures(question, gold, answer)),
  };
}

/** Judges an answer that was read before. */
export function judgeRead(read: ReadAnswer, known: KnownQuestions): Judgement {
  const own = known[read.key];
  const probability = sigmoid(own ? knownLogOdds(own, read) : read.comparison);
  // The threshold for new questions is such that as many answers are called correct as by GPT-4.1.
  const threshold = own ? 0.5 : model.threshold;
  return { probability, correct: probability > threshold, known: own !== undefined };
}
