/** What runs keep of finished candidates, in their journals and in rollouts.jsonl; experiments add what is their own. */
import type { CandidateStatus } from "../restem/select";

/** How a piece of training and asking came out. */
export interface Finished {
  readonly status: CandidateStatus;
  readonly reason?: string;
  readonly seconds: { readonly train: number; readonly answer: number };
}

/** An arm at a round; 0 before any fine-tuning. */
export interface Cell {
  readonly arm: string;
  readonly round: number;
}

/** A self-edit, or an arm that needs none, after its inner loops. */
export interface Rollout extends Finished, Cell {
  readonly seed: number;
  /** What the model wrote, where it was asked to write. */
  readonly completion?: string;
  readonly reward?: number;
  /** One for each inner loop, where a reward is the mean of several. */
  readonly rewards?: readonly number[];
  /** Losses of the right answers, where the reward needs them. */
  readonly answerLosses?: readonly number[];
  /** Trained on, over all epochs. */
  readonly tokens: number;
}
