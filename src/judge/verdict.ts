/** What a judge can say of an answer, and accuracy over many verdicts; the judges themselves are beside this file. */

/** `ungraded`: no judge reached a verdict (a failed call). It is never counted as wrong. */
export type Verdict = "correct" | "wrong" | "ungraded";

/** Verdicts, counted. */
export interface AccuracySummary {
  /** correct / (correct + wrong), in [0, 1]; NaN where nothing was graded. */
  readonly accuracy: number;
  /** Verdicts of "correct". */
  readonly correct: number;
  /** Verdicts of "wrong". */
  readonly wrong: number;
  /** Answers without a verdict; they are in no accuracy. */
  readonly ungraded: number;
}

/** Accuracy over the graded verdicts, with the ungraded ones counted beside it. */
export function accuracy(verdicts: readonly Verdict[]): AccuracySummary {
  const count = (wanted: Verdict): number => verdicts.filter((v) => v === wanted).length;
  const [correct, wrong, ungraded] = [count("correct"), count("wrong"), count("ungraded")];
  return { accuracy: correct / (correct + wrong), correct, wrong, ungraded };
}
