/** Prompts by rounds by author: the accuracies of the tables put into one matrix. */
import type { AccuracyRecord } from "./records";
import type { DifferenceRecord } from "./comparisons";
import { PROMPTS, ROUND_NAMES } from "./tables";

/** Who wrote the self-edits: the columns. */
export const WRITERS = [...ROUND_NAMES, "GPT-4.1"] as const;

/** One prompt: an accuracy for each of `WRITERS`, where its log is there. */
export interface PromptRow {
  readonly prompt: string;
  readonly cells: readonly (AccuracyRecord | undefined)[];
}

/** SEAL's own prompt first; prompts without any log are left out. */
export function promptMatrix(arms: readonly AccuracyRecord[]): PromptRow[] {
  const find = (arm: string): AccuracyRecord | undefined =>
    arms.find(
      (one) => one.arm === arm && ["single passage", "prompts", "GPT-4.1"].includes(one.table),
    );
  const rows = [
    { prompt: "implications", names: [...ROUND_NAMES, "GPT-4.1 data"] },
    ...[...PROMPTS, "chain of thought"].map((prompt) => ({
      prompt,
      names: WRITERS.map((writer) => `${prompt}, ${writer}`),
    })),
  ];
  return rows
    .map(({ prompt, names }) => ({ prompt, cells: names.map(find) }))
    .filter(({ cells }) => cells.some((cell) => cell !== undefined));
}

/** Prompts whose untrained self-edits have more than SEAL's own after two rounds, with the paired differences. */
export function aheadUntrained(differences: readonly DifferenceRecord[]): DifferenceRecord[] {
  return differences.filter(
    ({ group, arm, minus, difference }) =>
      group === "prompts" &&
      minus === "round 2" &&
      arm.endsWith(ROUND_NAMES[0]) &&
      difference.value > 0,
  );
}
