/** Which of SEAL's released logs there are, and reading all of them that a source has; the form of one is in released.ts. */
import { UserError } from "../messages/errors";
import type { LogFiles } from "../tasks/seal-files";
import { repeatAccuracies } from "./accuracy";
import { readLog, readPooledLog, type ReleasedLog } from "./released";
import { ARMS } from "./tables";

const PROMPTS = ["long", "very-long", "rewrite", "self-qa"];
const TRAINING_LOGS = [
  "train/rank_iter0",
  "train/rank_iter1",
  ...PROMPTS.flatMap((prompt) =>
    [0, 1].map((round) => `train-prompts/rank_iter${round}_prompt-${prompt}`),
  ),
];

/** The logs of evaluation passages that are there, by name. Throws UserError where eval/base.json is not, or passages differ. */
export async function readEvaluationLogs(files: LogFiles): Promise<Map<string, ReleasedLog>> {
  const logs = new Map<string, ReleasedLog>();
  for (const name of new Set(ARMS.map((arm) => arm.log))) {
    const order = logs.get("eval/base");
    const own =
      name.startsWith("cpt/") && order
        ? await readPooledLog(files, `${name}.json`, order)
        : await readLog(files, `${name}.json`);
    if (own && order) requireSamePassages(own, order);
    if (own) logs.set(name, own);
  }
  if (!logs.has("eval/base"))
    throw new UserError(`${files.source} has no eval/base.json; the replay needs it.`);
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

/** The logs of training passages that are there. Throws UserError where one has not equally many repeats of each candidate. */
export async function readTrainingLogs(files: LogFiles): Promise<ReleasedLog[]> {
  const logs: ReleasedLog[] = [];
  for (const name of TRAINING_LOGS) {
    const own = await readLog(files, `${name}.json`);
    if (own) requireEqualRepeats(own);
    if (own) logs.push(own);
  }
  return logs;
}

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
