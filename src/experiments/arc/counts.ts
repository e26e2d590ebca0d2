/** How much is tried in a run of few-shot ARC: for the progress and for `--plan`. */
import type { Line } from "../../restem/lines";
import { taskCounts } from "./source";
import { arcLines, type ArcArm, type ArcVariant } from "./variant";

/** How often a task is tried: by recipes of the model's own or by lot, by given recipes, without any; and what is written for it. */
export interface ArcTries {
  readonly own: number;
  readonly fixed: number;
  readonly plain: number;
  readonly written: number;
}

/** How often each training task of a round and each evaluated task of a seed is tried, over all rounds. */
export function arcTries(variant: ArcVariant): { train: ArcTries; evaluate: ArcTries } {
  const { arms, rounds, sampling, recipes } = variant;
  const has = (arm: ArcArm): number => (arms.includes(arm) ? 1 : 0);
  const lines = arcLines(variant);
  const listed = has("chosen recipe") * Object.keys(recipes).length;
  const written = sampling.evaluate * (has("untrained self-edits") + lines.length * rounds);
  const inARound = (of: (line: Line) => number): number =>
    lines.reduce((sum, line) => sum + of(line), 0);
  return {
    train: {
      own: rounds * sampling.train * inARound(({ rewardSeeds }) => rewardSeeds),
      fixed: listed,
      plain: rounds * inARound(({ reward }) => (reward === "over passage" ? 1 : 0)),
      // All lines begin with the same self-edits.
      written: sampling.train * (lines.length > 0 ? 1 + lines.length * (rounds - 1) : 0),
    },
    evaluate: {
      own: written + sampling.evaluate * has("random recipes"),
      fixed: has("fixed recipe") + listed,
      plain: has("in context"),
      written,
    },
  };
}

/** Numbers of candidates of one seed, by purpose. */
export function arcCandidates(variant: ArcVariant): {
  untrained: number;
  rewards: number;
  evaluations: number;
  total: number;
} {
  const tasks = taskCounts(variant);
  const { train, evaluate } = arcTries(variant);
  const untrained = tasks.evaluate * evaluate.plain + tasks.round * train.plain;
  const rewards = tasks.round * train.own + tasks.train * train.fixed;
  const evaluations = tasks.evaluate * (evaluate.own + evaluate.fixed);
  return { untrained, rewards, evaluations, total: untrained + rewards + evaluations };
}
