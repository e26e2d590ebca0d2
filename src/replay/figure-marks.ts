/** What the replay's figures have in common. */
import type { Estimate } from "./accuracy";
import { signed } from "./markdown";

/** Whose runs are shown. */
export const SOURCE = "The authors' runs, rescored here from their released logs.";
/** The same where all of them are of one model. */
export const SOURCE_7B = "The authors' runs (Qwen2.5-7B), rescored here from their released logs.";

/** A log's name, short enough for a label. */
export const shortLog = (name: string): string => name.replace("eval-prompts/", "");

/** The ends of an interval, in points. */
export const scaled = ({ low, high }: Estimate): readonly [number, number] => [
  100 * low,
  100 * high,
];

/** 1.3 -> "+1.3". */
export const points = (value: number): string => signed(value / 100);
