/** Accuracies of arms, recomputed from verdicts, with intervals; and of every log before adaptation. Which arms there are is in tables.ts. */
import { createRandom } from "../statistics/random";
import { mean } from "../statistics/statistics";
import { bootstrapMean, passageAccuracies, type Estimate } from "./accuracy";
import type { ReleasedLog } from "./released";
import { isOtherModel, isPooled, type Arm, type TableName } from "./tables";

/** An accuracy recomputed from verdicts, beside what was released and printed. */
export interface AccuracyRecord {
  readonly table: TableName;
  readonly arm: string;
  readonly log: string;
  /** Passages with a question. */
  readonly passages: number;
  readonly questions: number;
  /** Recomputed, with a 95% interval from resampling passages. */
  readonly accuracy: Estimate;
  /** The same with all passages of an article resampled together. */
  readonly byArticle: Estimate;
  /** Share of all questions, not averaged by passage first. */
  readonly overQuestions: number;
  /** `overall` of the released file. */
  readonly released: number;
  readonly matchesReleased: boolean;
  /** The paper's number (see paper.json). */
  readonly paper?: number;
}

/** What an arm's accuracy is the mean of: passages, or the questions of pooled logs. */
export interface ArmValues {
  /** The same passage or question has the same key in every log. */
  readonly keys: readonly string[];
  readonly values: readonly number[];
  readonly passages: readonly number[];
  readonly titles: readonly string[];
}

/** The values of an arm, by question if `pooled`, else by passage. */
export function armValues(log: ReleasedLog, side: Arm["side"], pooled: boolean): ArmValues {
  if (!pooled) {
    const values = passageAccuracies(log[side]);
    const passages = values.map((_, i) => i);
    return { keys: passages.map(String), values, passages, titles: log.titles };
  }
  const rows = log[side];
  return {
    keys: rows.map(({ article, question }) => `${article}/${question}`),
    values: rows.map(({ correct }) => Number(correct)),
    passages: rows.map(({ article }) => article),
    titles: rows.map(({ article }) => log.titles[article]),
  };
}

/** Accuracy of one arm. Throws RangeError where the log has no answers on that side. */
export function accuracyRecord(arm: Arm, log: ReleasedLog, seed: string): AccuracyRecord {
  const rows = log[arm.side];
  const released = log.released[arm.side];
  if (rows.length === 0 || released === undefined)
    throw new RangeError(`${log.name} has no answers on its side "${arm.side}"`);
  const { values, passages, titles } = armValues(log, arm.side, isPooled(arm.table));
  const accuracy = bootstrapMean(values, createRandom(seed), passages);
  return {
    table: arm.table,
    arm: arm.arm,
    log: arm.log,
    passages: new Set(passages).size,
    questions: rows.length,
    accuracy,
    byArticle: bootstrapMean(values, createRandom(seed), titles),
    overQuestions: mean(rows.map(({ correct }) => Number(correct))),
    released,
    // Rounded to four digits in most files, whole in others.
    matchesReleased: Math.abs(accuracy.value - released) < 5.1e-5,
    ...(arm.paper !== undefined && { paper: arm.paper }),
  };
}

/** Accuracy before adaptation in one log, and how much its answers are those of `eval/base`. */
export interface BeforeRecord extends AccuracyRecord {
  /** Share of answers equal, letter by letter, to those of the untouched model in `eval/base`. */
  readonly sameAnswersAsBase: number;
}

/**
 * The accuracy before adaptation in every log of Qwen2.5-7B over the same questions. Logs of later rounds begin
 * from that round's model, as their answers show: only reruns of one model give mostly the same ones.
 */
export function beforeRecords(
  logs: ReadonlyMap<string, ReleasedLog>,
  seed: string,
): BeforeRecord[] {
  const base = logs.get("eval/base")?.baseline ?? [];
  return [...logs]
    .filter(([name]) => !isOtherModel(name))
    .map(([name, log]) => {
      const table = name.startsWith("cpt/") ? "continued pretraining" : "untouched";
      const arm = { table, arm: "before adaptation", log: name, side: "baseline" } as const;
      const same = log.baseline.filter(
        (row, i) => row.answer.trim() === base[i]?.answer.trim(),
      ).length;
      return {
        ...accuracyRecord(arm, log, seed),
        table: "untouched" as const,
        sameAnswersAsBase: same / log.baseline.length,
      };
    });
}
