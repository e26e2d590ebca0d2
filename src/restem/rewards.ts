/** What a self-edit is rewarded for, as named options of the outer loop; pure. Scoring and selection rules are elsewhere. */
import { UserError } from "../messages/errors";
import { selectCandidates, type Candidate } from "./select";

/**
 * "accuracy": the share of questions that its adapter answers rightly (SEAL).
 * "answer loss": the probability that its adapter gives the right answers, without generating any.
 * "over passage": accuracy beyond that of the passage alone; what does not beat the passage is never kept.
 * "shrunk": accuracy shrunk toward the passage's mean by its noise between repeats; only expected gains are kept.
 */
export const REWARDS = ["accuracy", "answer loss", "over passage", "shrunk"] as const;
/** One of `REWARDS`. */
export type RewardKind = (typeof REWARDS)[number];

/** Expected gain over its group's mean below which "shrunk" keeps nothing. */
const SHRUNK_MINIMUM_GAIN = 0.02;

/** One inner loop's reward in [0, 1]; undefined where what it needs was not measured. */
export function rewardOf(
  kind: RewardKind,
  {
    reward,
    answerLosses = [],
  }: { readonly reward?: number; readonly answerLosses?: readonly number[] },
): number | undefined {
  if (kind !== "answer loss") return reward;
  if (answerLosses.length === 0) return undefined;
  const mean = answerLosses.reduce((sum, loss) => sum + loss, 0) / answerLosses.length;
  // The geometric mean of the answers' probabilities.
  return Math.exp(-mean);
}

/**
 * Kept indices for each group, by a reward. "over passage" needs the accuracy of each group's passage-only adapter;
 * groups that lack it (NaN) keep nothing. "shrunk" needs two repeats.
 */
export function selectByReward(
  kind: RewardKind,
  groups: readonly (readonly Candidate[])[],
  count: number,
  passageOnly: readonly number[] = [],
): number[][] {
  switch (kind) {
    case "accuracy":
    case "answer loss":
      return selectCandidates(groups, { kind: "best", count });
    case "over passage": {
      if (passageOnly.length !== groups.length)
        throw new UserError(
          `Reward "over passage": ${passageOnly.length} accuracies of the passage alone for ${groups.length} groups.`,
        );
      const above = selectCandidates(groups, { kind: "above", score: passageOnly });
      return selectCandidates(groups, { kind: "best", count }).map((kept, g) =>
        kept.filter((index) => above[g].includes(index)),
      );
    }
    case "shrunk":
      return selectCandidates(groups, {
        kind: "shrunk",
        count,
        minimumGain: SHRUNK_MINIMUM_GAIN,
      });
  }
}
