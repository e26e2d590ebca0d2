/** What a run of few-shot ARC keeps of every candidate. */
import type { CandidateStatus } from "../../restem/select";
import type { Recipe } from "../../tasks/arc/recipe";
import type { ArcTestResult } from "./inner-loop";

/** A finished candidate, as journalled and written to rollouts.jsonl. */
export interface ArcRollout {
  readonly seed: number;
  readonly arm: string;
  readonly round: number;
  readonly part: "train" | "evaluate";
  readonly task: string;
  readonly family?: string;
  readonly index: number;
  /** Name of a listed recipe, and whether it is the one that was chosen. */
  readonly label?: string;
  readonly chosen?: boolean;
  /** What the model wrote, where it was asked for a recipe. */
  readonly completion?: string;
  readonly recipe?: Recipe;
  readonly status: CandidateStatus;
  readonly reason?: string;
  /** By the variant's `reward`; `solved` is the paper's measure, true or false where graded. */
  readonly reward?: number;
  /** One for each inner loop, where a reward is the mean of several. */
  readonly rewards?: readonly number[];
  /** Losses of the right grids, where the reward needs them. */
  readonly answerLosses?: readonly number[];
  readonly solved?: boolean;
  readonly samples: number;
  readonly steps: number;
  readonly tokens: number;
  readonly firstLoss?: number;
  readonly lastLoss?: number;
  readonly tests: readonly ArcTestResult[];
  readonly seconds: { readonly train: number; readonly answer: number };
}
