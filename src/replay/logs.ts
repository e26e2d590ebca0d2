/** Reading all released logs that a source has; which there are is in tables.ts, the form of one in released.ts and pretraining-logs.ts. */
import { UserError } from "../messages/errors";
import type { LogFiles } from "../tasks/seal-files";
import { repeatAccuracies } from "./accuracy";
import { hasChoice } from "./predictors";
import { orderOf, readPooledLog, readSampledLog, readWholeOrder } from "./pretraining-logs";
import { readLog, type ReleasedLog } from "./released";
import { ARMS, isWhole, RUBRIC_LOGS, samplingSeed, TRAINING_LOGS } from "./tables";

const FIRST = "eval/base";
const evaluationNames = [...new Set(ARMS.map(({ log }) => log))];

/**
 * The logs over all questions of the 200 evaluation passages that are there, by name. Throws UserError where eval/base.json is
 * not, or passages differ.
 */
export async function readEvaluationLogs(files: LogFiles): Promise<Map<string, ReleasedLog>> {
  const logs = new Map<string, ReleasedLog>();
  for (const name of evaluationNames.filter((log) => samplingSeed(log) === undefined)) {
    const order = logs.get(FIRST);
    const own =
      name.startsWith("cpt/") && order
        ? await readPooledLog(files, `${name}.json`, orderOf(order))
        : await readLog(files, `${name}.json`);
    if (own && order) requireSamePassages(own, order);
    if (own) logs.set(name, own);
  }
  if (!logs.has(FIRST))
    throw new UserError(`${files.source} has no ${FIRST}.json; the replay needs it.`);
  return logs;
}

/** Arms are compared passage by passage. */
function requireSamePassages(own: ReleasedLog, order: ReleasedLog): void {
  const same = own.titles.length === order.titles.length && own.adapter.length > 0;
  if (same && own.titles.every((title, i) => title === order.titles[i])) return;
  throw new UserError(
    `${own.name}.json has not the passages of ${order.name}.json (${own.titles.length} and ${order.titles.length}), or no answers.\n` +
      "It seems damaged, or of another data set: get it again.",
  );
}

/** The logs over a choice of questions (full fine-tuning, Generative Adapter on many passages) that are there, by name. */
export async function readSampledLogs(
  files: LogFiles,
  first: ReleasedLog,
): Promise<Map<string, ReleasedLog>> {
  const logs = new Map<string, ReleasedLog>();
  const [evaluation, whole] = [orderOf(first), await readWholeOrder(files)];
  for (const name of evaluationNames) {
    const seed = samplingSeed(name);
    if (seed === undefined) continue;
    const order = isWhole(name) ? whole : evaluation;
    // Without the order a log is of no use, but whether it is there is asked all the same, for the record.
    const own = order
      ? await readSampledLog(files, `${name}.json`, order, seed)
      : void (await files.read(`${name}.json`));
    if (own) logs.set(name, own);
  }
  return logs;
}

/**
 * The logs of training passages that are there, be it without answers, or with one candidate each. Throws UserError where
 * one has not equally many repeats of each candidate.
 */
export async function readTrainingLogs(files: LogFiles): Promise<ReleasedLog[]> {
  const logs: ReleasedLog[] = [];
  for (const name of TRAINING_LOGS) {
    const own = await readLog(files, `${name}.json`);
    if (own) requireEqualRepeats(own);
    if (own) logs.push(own);
  }
  return logs;
}

/** The logs of a rubric's marks that are there. Throws UserError where a candidate has none. */
export async function readRubricLogs(files: LogFiles): Promise<ReleasedLog[]> {
  const logs: ReleasedLog[] = [];
  for (const name of RUBRIC_LOGS) {
    const own = await readLog(files, `${name}.json`);
    if (own?.completions.flat().some(({ rubric }) => !rubric))
      throw new UserError(`${name}.json has a candidate without proxy_scores: get it again.`);
    if (own) logs.push(own);
  }
  return logs;
}

/** Rounds whose noise can be told: answers are there, and several candidates of each passage. */
export const hasNoise = (log: ReleasedLog): boolean => log.adapter.length > 0 && hasChoice(log);

/** The noise of the reward is read off equally many repeats of equally many candidates. */
function requireEqualRepeats(own: ReleasedLog): void {
  const rewards = repeatAccuracies(own.adapter);
  const shapes = new Set(
    Array.from(rewards, (passage) => JSON.stringify(passage?.map((one) => one.length))),
  );
  if (shapes.size <= 1) return;
  throw new UserError(
    `${own.name}.json has passages with different numbers of candidates or repeats.\n` +
      "It seems damaged: get it again.",
  );
}
