/** What a replay finds, as plain data. */
import type { JudgeSummary } from "./judge-summary";
import type { HeldOutGain } from "./held-out";
import type { PlanGain } from "./noise";
import type { ArticleRecord } from "./articles";
import type { DifferenceRecord } from "./comparisons";
import type { ContinualRecord } from "./continual";
import type { PredictorRecord } from "./predictors";
import type { AccuracyRecord, BeforeRecord } from "./records";
import type { WrittenChange, WrittenRecord } from "./written";

/** The noise of one training round's rewards, and what selection gains there. */
export interface NoiseRecord {
  /** The training round's log. */
  readonly name: string;
  /** Number of passages. */
  readonly passages: number;
  /** Standard deviation of the true rewards of a passage's candidates. */
  readonly deviationBetween: number;
  /** Standard deviation between repeats of one candidate. */
  readonly deviationWithin: number;
  /** Gains by some repeats when scored on the others. */
  readonly heldOut: readonly HeldOutGain[];
  /** Gains of all plans by the fitted model. */
  readonly plans: readonly PlanGain[];
}

/** Everything that the replay computes; what it could not find is in `missing`. */
export interface ReplaySummary {
  readonly inputs: readonly { readonly name: string; readonly sha256: string }[];
  readonly missing: readonly string[];
  readonly arms: readonly AccuracyRecord[];
  readonly differences: readonly DifferenceRecord[];
  /** The accuracy before adaptation in every log of Qwen2.5-7B. */
  readonly before: readonly BeforeRecord[];
  readonly articles: readonly ArticleRecord[];
  /** How many logs' adapters answer each question rightly: [passage][question]. */
  readonly right: readonly (readonly number[])[];
  readonly continual?: ContinualRecord;
  readonly noise: readonly NoiseRecord[];
  readonly predictors: {
    /** By a grader's points. */
    readonly rubric: readonly PredictorRecord[];
    /** By the self-edit's length. */
    readonly length: readonly PredictorRecord[];
  };
  readonly written: {
    /** Of each author by each prompt. */
    readonly records: readonly WrittenRecord[];
    /** By each prompt. */
    readonly changes: readonly WrittenChange[];
  };
  readonly judge: JudgeSummary;
  readonly arcSubsets: readonly {
    readonly name: "training" | "evaluation";
    readonly tasks: number;
  }[];
  readonly discrepancies: readonly string[];
}
