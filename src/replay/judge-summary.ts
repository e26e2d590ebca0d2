/** All that the replay says of the judges, as plain data. */
import {
  divideByKind,
  graderRepeats,
  type DividedKinds,
  type GraderRepeats,
  type TwiceJudged,
} from "./divided";
import { inFittedHalf } from "./fitted";
import {
  armDifferences,
  createLocalJudge,
  expectedWithin,
  judgeLogs,
  type ArmDifference,
  type JudgedLog,
} from "./judging";
import {
  judgeLabelled,
  judgeTricks,
  readDisputed,
  readLabelled,
  settleDisputes,
  type DisputesRead,
  type JudgedTrick,
  type LabelledAgreement,
} from "./labelled";
import type { ReleasedLog } from "./released";

/** The judges on the logs, on answers outside them, and on tricks. */
export interface JudgeSummary {
  readonly logs: readonly JudgedLog[];
  readonly differences: readonly ArmDifference[];
  /** How many of them an unbiased judge of the same agreement would have within 2 points of GPT-4.1's. */
  readonly expectedWithin: number;
  /** On all answers of the logs about articles that the judge was not fitted on. */
  readonly kinds: DividedKinds;
  readonly repeats?: GraderRepeats;
  readonly disputes?: DisputesRead;
  readonly labelled: readonly LabelledAgreement[];
  readonly tricks: readonly JudgedTrick[];
}

/** Judges everything; each different answer once. */
export async function summariseJudge(logs: readonly ReleasedLog[]): Promise<JudgeSummary> {
  const judge = createLocalJudge();
  const judged = judgeLogs(logs, judge);
  const differences = armDifferences(judged);
  const unseen = logs.flatMap(({ titles, adapter }): TwiceJudged[] =>
    adapter
      .filter(({ article, answer }) => answer.trim() !== "" && !inFittedHalf(titles[article]))
      .map((row) => ({ row, local: judge(row).correct })),
  );
  const disputes = settleDisputes(await readDisputed(), logs, judge);
  const repeats = graderRepeats(logs.flatMap(({ baseline, adapter }) => [...baseline, ...adapter]));
  return {
    logs: judged,
    differences,
    expectedWithin: expectedWithin(judged, differences, 0.02),
    kinds: divideByKind(unseen),
    ...(repeats && { repeats }),
    ...(disputes && { disputes }),
    labelled: judgeLabelled(await readLabelled("labelled-answers")),
    tricks: judgeTricks(await readLabelled("tricks")),
  };
}
