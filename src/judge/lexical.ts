/** The local judge: compares an answer with the gold answers by their words, calibrated on GPT-4.1's verdicts. No network. */
import { judgeFeatures } from "./features";
import model from "./model.json";
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

/** A judgement of one answer. */
export interface Judgement {
  /** The calibrated probability, in [0, 1], that GPT-4.1 would call the answer correct; 0 for a blank one. */
  readonly probability: number;
  readonly correct: boolean;
}

/**
 * Whether the answer says what one of the golds says, as GPT-4.1 with SEAL's grading prompt would judge it. A blank
 * answer is wrong, as in SEAL's TTT_server.py, which counts it so without asking the grader.
 */
export function judgeLocally({ question, gold, answer }: JudgeInput): Judgement {
  if (answer.trim() === "") return { probability: 0, correct: false };
  const odds = goldsOf(gold).map((one) => treeLogOdds(model, judgeFeatures(question, one, answer)));
  const probability = sigmoid(Math.max(...odds));
  // The threshold is such that as many of the fitted answers are called correct as by GPT-4.1.
  return { probability, correct: probability > model.threshold };
}

/** The probability of `judgeLocally`. */
export function judgeProbability(input: JudgeInput): number {
  return judgeLocally(input).probability;
}

/** The verdict of `judgeLocally`; never "ungraded". */
export function judgeAnswer(input: JudgeInput): Verdict {
  return judgeLocally(input).correct ? "correct" : "wrong";
}

/** The golds of an input as a list. */
export function goldsOf(gold: JudgeInput["gold"]): readonly string[] {
  return typeof gold === "string" ? [gold] : gold;
}
