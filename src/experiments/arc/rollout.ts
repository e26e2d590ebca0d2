/** What a run of few-shot ARC keeps of every candidate. */
import type { Rollout } from "../../run/rollout";
import type { Recipe } from "../../tasks/arc/recipe";
import type { ArcTestResult } from "./inner-loop";

/** A finished candidate, as journalled and written to rollouts.jsonl. */
export interface ArcRollout extends Rollout {
  readonly part: "train" | "evaluate";
  readonly task: string;
  readonly family?: string;
  readonly index: number;
  /** Name of a listed recipe, and whether it is the one that was chosen. */
  readonly label?: string;
  readonly chosen?: boolean;
  readonly recipe?: Recipe;
  /** By the variant's `reward`; `solved` is the paper's measure, true or false where graded. */
  readonly reward?: number;
  readonly solved?: boolean;
  readonly samples: number;
  readonly steps: number;
  readonly firstLoss?: number;
  readonly lastLoss?: number;
  readonly tests: readonly ArcTestResult[];
}
