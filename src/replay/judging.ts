/** How the local judge and the simple rules compare with GPT-4.1 on the released answers, log by log and arm by arm. */
import {
  agreementOf,
  calibrationOf,
  type Agreement,
  type CalibrationBin,
} from "../judge/agreement";
import { fitQuestions } from "../judge/fit-questions";
import type { KnownQuestions, ReadAnswer } from "../judge/known-questions";
import { BLANK, judgeRead, noQuestions, readAnswer, type Judgement } from "../judge/lexical";
import { containsGold, exactMatch, f1Score, recallsGold } from "../judge/rules";
import { FITTED_LOGS, inFittedHalf, logFamily } from "../judge/split";
import { passageAccuracies } from "./accuracy";
import type { GradedAnswer, ReleasedLog } from "./released";
import { ARMS, type Arm } from "./tables";
import { mean } from "../statistics/statistics";

/** The judges compared. `local` is the calibrated one, `local, new question` the same with no question known to it. */
export const JUDGES = [
  "local",
  "local, new question",
  "contains gold",
  "three quarters of gold",
  "exact match",
  "F1 of at least a half",
] as const;
/** A judge's name. */
export type JudgeName = (typeof JUDGES)[number];

/** One log's adapter answers, judged. */
export interface JudgedLog {
  readonly log: string;
  /** Whether the comparison with the gold answer was fitted on half of this log's articles. */
  readonly fitted: boolean;
  readonly blank: number;
  readonly all: Readonly<Record<JudgeName, Agreement>>;
  /** The same on the articles that no fitted log contains. */
  readonly unseenArticles: Readonly<Record<JudgeName, Agreement>>;
  /** Calibration of the local judge on all answers that are not blank. */
  readonly calibration: { readonly error: number; readonly bins: readonly CalibrationBin[] };
  /** Mean accuracy by passage: GPT-4.1's and each judge's. */
  readonly accuracy: Readonly<Record<JudgeName | "GPT-4.1", number>>;
}

type Verdicts = Readonly<Record<JudgeName, readonly boolean[]>>;

/** Reads an answer; undefined for a blank one. Greedy answers repeat between logs, so that each is read once. */
type Reader = (row: GradedAnswer) => ReadAnswer | undefined;

function createReader(): Reader {
  const seen = new Map<string, ReadAnswer>();
  return ({ text, gold, answer }) => {
    if (answer.trim() === "") return undefined;
    const key = JSON.stringify([text, gold, answer]);
    const read = seen.get(key) ?? readAnswer(text, gold, answer);
    seen.set(key, read);
    return read;
  };
}

/**
 * Judges all adapter answers of each log. What the local judge knows of the questions it has from
 * the logs of other families alone, so that a log's own verdicts do not help to judge it.
 */
export function judgeLogs(logs: readonly ReleasedLog[]): JudgedLog[] {
  const read = createReader();
  const families = [...new Set(logs.map(({ name }) => logFamily(name)))];
  const known = new Map(
    families.map((family) => [
      family,
      learnQuestions(
        logs.filter(({ name }) => logFamily(name) !== family),
        read,
      ),
    ]),
  );
  return logs.map((log) => judgeLog(log, known.get(logFamily(log.name)) ?? noQuestions, read));
}

/** What GPT-4.1's verdicts in these logs, before and after training, say of their questions. */
export function learnQuestions(
  logs: readonly ReleasedLog[],
  read: Reader = createReader(),
): KnownQuestions {
  const rows = logs.flatMap(({ baseline, adapter }) => [...baseline, ...adapter]);
  return fitQuestions(
    rows.flatMap((row) => {
      const own = read(row);
      return own ? [{ read: own, correct: row.correct }] : [];
    }),
  );
}

function verdictsOf(
  rows: readonly GradedAnswer[],
  local: readonly Judgement[],
  newQuestion: readonly Judgement[],
): Verdicts {
  const inputs = rows.map((row) => ({ question: row.text, gold: row.gold, answer: row.answer }));
  return {
    local: local.map(({ correct }) => correct),
    "local, new question": newQuestion.map(({ correct }) => correct),
    "contains gold": inputs.map(containsGold),
    "three quarters of gold": inputs.map(recallsGold),
    "exact match": inputs.map(exactMatch),
    "F1 of at least a half": inputs.map((input) => f1Score(input) >= 0.5),
  };
}

const byJudge = <T>(value: (judge: JudgeName) => T): Record<JudgeName, T> =>
  Object.fromEntries(JUDGES.map((judge) => [judge, value(judge)])) as Record<JudgeName, T>;

function judgeLog(log: ReleasedLog, known: KnownQuestions, read: Reader): JudgedLog {
  const rows = log.adapter;
  const judgeBy = (questions: KnownQuestions): Judgement[] =>
    rows.map((row) => {
      const own = read(row);
      return own ? judgeRead(own, questions) : BLANK;
    });
  const local = judgeBy(known);
  const verdicts = verdictsOf(rows, local, judgeBy(noQuestions));
  const at = new Map(rows.map((row, i) => [row, i]));
  const compare = (chosen: readonly number[]): Record<JudgeName, Agreement> =>
    byJudge((judge) =>
      agreementOf(
        chosen.map((i) => verdicts[judge][i]),
        chosen.map((i) => rows[i].correct),
      ),
    );
  const indices = rows.map((_, i) => i);
  const answered = indices.filter((i) => rows[i].answer.trim() !== "");
  const accuracyBy = (verdict: (row: GradedAnswer) => boolean): number =>
    mean(passageAccuracies(rows, verdict));
  return {
    log: log.name,
    fitted: FITTED_LOGS.includes(log.name),
    blank: rows.length - answered.length,
    all: compare(indices),
    unseenArticles: compare(indices.filter((i) => !inFittedHalf(log.titles[rows[i].article]))),
    calibration: calibrationOf(
      answered.map((i) => local[i].probability),
      answered.map((i) => rows[i].correct),
    ),
    accuracy: {
      "GPT-4.1": accuracyBy((row) => row.correct),
      ...byJudge((judge) => accuracyBy((row) => verdicts[judge][at.get(row) as number])),
    },
  };
}

/** How far a judge's differences between arms are from GPT-4.1's. */
export interface ArmDifference {
  readonly arm: string;
  readonly minus: string;
  readonly gpt: number;
  readonly judges: Readonly<Record<JudgeName, number>>;
}

/**
 * How many of the pairs an unbiased judge with the same agreement would have within `tolerance` of GPT-4.1, if its
 * verdicts differed at random: more cannot be asked of that agreement. Differing verdicts of n questions in each arm
 * move a difference by (e1 + e2) / n in variance (normal approximation).
 */
export function expectedWithin(
  judged: readonly JudgedLog[],
  differences: readonly ArmDifference[],
  tolerance: number,
): number {
  const variances = new Map(
    judged.map(({ log, all }) => [log, (1 - all.local.agreement) / all.local.n]),
  );
  const varianceOf = (arm: string): number =>
    variances.get(ARMS.find((one) => one.arm === arm && isCompared(one))?.log ?? "") ?? NaN;
  return differences.reduce((sum, { arm, minus }) => {
    const deviation = Math.sqrt(varianceOf(arm) + varianceOf(minus));
    return sum + normalShareWithin(tolerance / deviation);
  }, 0);
}

/** The chance that a standard normal draw is within `limit` of 0 (midpoint rule). */
function normalShareWithin(limit: number): number {
  const step = limit / 500;
  const densities = Array.from({ length: 500 }, (_, i) => Math.exp(-(((i + 0.5) * step) ** 2 / 2)));
  return (2 * step * densities.reduce((sum, one) => sum + one, 0)) / Math.sqrt(2 * Math.PI);
}

const isCompared = ({ side, table }: Arm): boolean =>
  side === "adapter" && table !== "continued pretraining";

/** Every pair of arms of the single-passage and prompt tables, judged by each judge and by GPT-4.1. */
export function armDifferences(judged: readonly JudgedLog[]): ArmDifference[] {
  const arms = ARMS.filter(isCompared).flatMap((arm) => {
    const found = judged.find(({ log }) => log === arm.log);
    return found ? [{ name: arm.arm, found }] : [];
  });
  return arms.flatMap((a, i) =>
    arms.slice(0, i).map((b) => ({
      arm: a.name,
      minus: b.name,
      gpt: a.found.accuracy["GPT-4.1"] - b.found.accuracy["GPT-4.1"],
      judges: byJudge((judge) => a.found.accuracy[judge] - b.found.accuracy[judge]),
    })),
  );
}
