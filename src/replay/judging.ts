/** How the local judge and the simple rules compare with GPT-4.1 on the released answers, log by log and arm by arm. */
import {
  agreementOf,
  calibrationOf,
  type Agreement,
  type CalibrationBin,
} from "../judge/agreement";
import { judgeLocally, type Judgement } from "../judge/lexical";
import { answerMeasures, measureAnswer, type AnswerMeasures } from "../judge/measures";
import { containsGold, recallsGold } from "../judge/rules";
import { passageAccuracies } from "./accuracy";
import { FITTED_LOGS, inFittedHalf } from "./fitted";
import type { GradedAnswer, ReleasedLog } from "./released";
import { isPooled, ARMS, type Arm } from "./tables";
import { mean } from "../statistics/statistics";

/** The judges compared; `local` is the calibrated one. */
export const JUDGES = [
  "local",
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
  /** Whether the local judge was fitted on half of this log's articles. */
  readonly fitted: boolean;
  readonly blank: number;
  readonly all: Readonly<Record<JudgeName, Agreement>>;
  /** The same on the articles that no fitted log contains. */
  readonly unseenArticles: Readonly<Record<JudgeName, Agreement>>;
  /** Calibration of the local judge on all answers that are not blank. */
  readonly calibration: { readonly error: number; readonly bins: readonly CalibrationBin[] };
  /** Mean accuracy by passage: GPT-4.1's and each judge's. */
  readonly accuracy: Readonly<Record<JudgeName | "GPT-4.1", number>>;
  /** What needs no judge. */
  readonly measures: AnswerMeasures;
}

type Verdicts = Readonly<Record<JudgeName, readonly boolean[]>>;

/** The local judge's judgement of a released answer. */
export type LocalJudge = (row: GradedAnswer) => Judgement;

/** The local judge with a memory: greedy answers repeat between logs, so that each is judged once. */
export function createLocalJudge(): LocalJudge {
  const known = new Map<string, Judgement>();
  return ({ text: question, gold, answer }) => {
    const key = JSON.stringify([question, gold, answer]);
    const own = known.get(key) ?? judgeLocally({ question, gold, answer });
    known.set(key, own);
    return own;
  };
}

function verdictsOf(rows: readonly GradedAnswer[], local: readonly Judgement[]): Verdicts {
  const inputs = rows.map((row) => ({ question: row.text, gold: row.gold, answer: row.answer }));
  const measures = rows.map(({ answer, gold }) => measureAnswer({ answer, golds: [gold] }));
  return {
    local: local.map(({ correct }) => correct),
    "contains gold": inputs.map(containsGold),
    "three quarters of gold": inputs.map(recallsGold),
    "exact match": measures.map(({ exactMatch }) => exactMatch),
    "F1 of at least a half": measures.map(({ f1 }) => f1 >= 0.5),
  };
}

const byJudge = <T>(value: (judge: JudgeName) => T): Record<JudgeName, T> =>
  Object.fromEntries(JUDGES.map((judge) => [judge, value(judge)])) as Record<JudgeName, T>;

/** Judges all adapter answers of each log. Throws an Error for a log without answers. */
export function judgeLogs(
  logs: readonly ReleasedLog[],
  judge: LocalJudge = createLocalJudge(),
): JudgedLog[] {
  return logs.map((log) => judgeLog(log, judge));
}

function judgeLog(log: ReleasedLog, judge: LocalJudge): JudgedLog {
  const rows = log.adapter;
  const local = rows.map(judge);
  const verdicts = verdictsOf(rows, local);
  const at = new Map(rows.map((row, i) => [row, i]));
  const compare = (chosen: readonly number[]): Record<JudgeName, Agreement> =>
    byJudge((name) =>
      agreementOf(
        chosen.map((i) => verdicts[name][i]),
        chosen.map((i) => rows[i].correct),
      ),
    );
  const indices = rows.map((_, i) => i);
  const answered = indices.filter((i) => rows[i].answer.trim() !== "");
  const accuracyBy = (verdict: (row: GradedAnswer) => boolean): number =>
    mean(passageAccuracies(rows, verdict));
  const measures = answerMeasures(rows.map(({ answer, gold }) => ({ answer, golds: [gold] })));
  if (measures === undefined) throw new Error(`${log.name} has no answers`);
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
      ...byJudge((name) => accuracyBy((row) => verdicts[name][at.get(row) as number])),
    },
    measures,
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

const isCompared = ({ side, table }: Arm): boolean => side === "adapter" && !isPooled(table);

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
