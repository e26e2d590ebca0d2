/** What a run on the small world keeps of every candidate and every round. */
import type { Verdict } from "../../judge/verdict";
import type { Cell, Rollout } from "../../run/rollout";
import type { SelfEditContent } from "../../tasks/biographies/selfedits";
import type { RoundCost } from "../lessons/rounds";

/** A finished candidate, as journalled and written to rollouts.jsonl. */
export interface BiographyRollout extends Rollout {
  readonly part: "train" | "held-out";
  readonly person: string;
  readonly passage: string;
  readonly content?: SelfEditContent;
  readonly sequences: number;
  readonly answers: readonly {
    readonly question: string;
    readonly gold: string;
    readonly answer: string;
    readonly verdict: Verdict;
  }[];
}

/** What a round of a line took, and how many self-edits it kept. */
export interface LineCost extends RoundCost, Cell {
  readonly seed: number;
  readonly kept: number;
}
