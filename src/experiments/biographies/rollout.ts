/** What a run on the small world keeps of every candidate and every round. */
import type { Verdict } from "../../judge/verdict";
import type { CandidateStatus } from "../../restem/select";
import type { SelfEditContent } from "../../tasks/biographies/selfedits";
import type { RoundCost } from "../lessons/rounds";

/** A finished candidate, as journalled and written to rollouts.jsonl. */
export interface BiographyRollout {
  readonly seed: number;
  readonly arm: string;
  readonly round: number;
  readonly part: "train" | "held-out";
  readonly person: string;
  readonly passage: string;
  readonly completion?: string;
  readonly content?: SelfEditContent;
  readonly status: CandidateStatus;
  readonly reason?: string;
  readonly reward?: number;
  /** Losses of the right answers, where the reward needs them. */
  readonly answerLosses?: readonly number[];
  /** One for each reward seed. */
  readonly rewards?: readonly number[];
  readonly sequences: number;
  readonly tokens: number;
  readonly answers: readonly {
    readonly question: string;
    readonly gold: string;
    readonly answer: string;
    readonly verdict: Verdict;
  }[];
  readonly seconds: { readonly train: number; readonly answer: number };
}

/** What a round of a line took, and how many self-edits it kept. */
export interface LineCost extends RoundCost {
  readonly seed: number;
  readonly arm: string;
  readonly round: number;
  readonly kept: number;
}

/** An arm at a round. */
export interface Cell {
  readonly arm: string;
  readonly round: number;
}
