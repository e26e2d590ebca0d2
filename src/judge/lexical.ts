/** The local judge: compares an answer with the gold answers by their words, calibrated on GPT-4.1's verdicts. No network. */
import { judgeFeatures } from "./features";
import model from "./model.json";
import { sigmoid, treeLogOdds } from "./trees";
import type { Verdict } from "./verdict";

/** What every judge is given. Several golds: any one of them suffices. */
export interface JudgeInput {
  readonly question: string;
  readonly gold: string | readonly string[];
  readonly answer: string;
}

/** The probability above which `judgeAnswer` says "correct"; set so that it calls as many correct as GPT-4.1 does. */
export const localJudgeThreshold: number = model.threshold;

/**
 * Whether `answer` says what one of the golds says, as GPT-4.1 with SEAL's grading prompt
 * would judge it. A blank answer is wrong, as in SEAL's TTT_server.py, which counts it so
 * without asking the grader; this judge never says "ungraded".
 */
export function judgeAnswer(input: JudgeInput): Verdict {
  return judgeProbability(input) > model.threshold ? "correct" : "wrong";
}

/** The calibrated probability, in [0, 1], that GPT-4.1 would call the answer correct; 0 for a blank one. */
export function judgeProbability({ question, gold, answer }: JudgeInput): number {
  if (answer.trim() === "") return 0;
  const golds = typeof gold === "string" ? [gold] : gold;
  return golds.reduce(
    (most, one) =>
      Math.max(most, sigmoid(treeLogOdds(model, judgeFeatures(question, one, answer)))),
    0,
  );
}
