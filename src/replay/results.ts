/** Reading back what a replay has written (`results/replay`); computing it is `run.ts`. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { errorMessage, UserError } from "../messages/errors";
import type { ContinualRecord } from "./continual";
import type { NoiseRecord, ReplaySummary } from "./summary";

/** Verdicts of one log: for each passage a text of a digit for each question, 1 where the answer is right. */
export interface LoggedVerdicts {
  /** Before adaptation, where the log has it. */
  readonly baseline?: readonly string[];
  /** With the adapter. */
  readonly adapter: readonly string[];
}

/** The files of a replay by name. They are the program's own output and are not checked again. */
export interface ReplayResults {
  /** Accuracies of every arm with intervals, their differences, and where released numbers disagree. */
  readonly accuracy: Pick<ReplaySummary, "arms" | "differences" | "before" | "discrepancies">;
  /** The noise of the rewards, by training round. */
  readonly noise: readonly NoiseRecord[];
  /** How well the reward could be told without training: by the rubric's points, and by length. */
  readonly predictors: ReplaySummary["predictors"];
  /** Length and variety of what each author wrote, and what rounds of training change in it. */
  readonly written: ReplaySummary["written"];
  /** The continual experiment's matrix. */
  readonly continual: ContinualRecord;
  /** Mean reward [passage][candidate] of each training round, by its log. */
  readonly rewards: Readonly<Record<string, readonly (readonly number[])[]>>;
  /** GPT-4.1's verdicts by log. */
  readonly verdicts: Readonly<Record<string, LoggedVerdicts>>;
}

/** One file of the committed replay, or of another `folder`. Throws UserError where it cannot be read. */
export async function readReplay<K extends keyof ReplayResults>(
  name: K,
  folder = path.resolve(__dirname, "../../results/replay"),
): Promise<ReplayResults[K]> {
  const file = path.join(folder, `${name}.json`);
  try {
    return JSON.parse(await readFile(file, "utf8")) as ReplayResults[K];
  } catch (error) {
    throw new UserError(`Cannot read ${file}: ${errorMessage(error)} ("seal replay" makes it.)`);
  }
}
