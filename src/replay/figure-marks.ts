/** What the replay's figures have in common. */
import type { Estimate } from "./accuracy";
import { signed } from "./markdown";

/** Whose runs are shown. */
export const SOURCE = "The authors' runs (Qwen2.5-7B), rescored here from their released logs.";

/** The ends of an interval, in points. */
export const scaled = ({ low, high }: Estimate): readonly [number, number] => [
  100 * low,
  100 * high,
];

/** 1.3 -> "+1.3". */
export const points = (value: number): string => signed(value / 100);
