/** Further lines of rounds: what is compared, drawn and kept of them; pure. */
import { figureBars } from "../../plot/bars";
import type { Figure } from "../../plot/figure";
import type { BiographyRollout, Cell } from "./rollout";
import { roundLines, type BiographiesVariant } from "./variant";
import type { RunRecord } from "../../run/record";

/**
 * After every round each other reward's line beside the first one's; and beside the one that is rewarded for accuracy
 * with as many inner loops a self-edit, where that is not the first.
 */
export function rewardComparisons(variant: BiographiesVariant): [Cell, Cell][] {
  // The last one is the control, with which every experiment compares.
  const [first, ...others] = roundLines(variant).slice(0, -1);
  const pairs = others.flatMap((line) => {
    const equal = others.find(
      ({ reward, rewardSeeds }) => reward === "accuracy" && rewardSeeds === line.rewardSeeds,
    );
    return [first, ...(equal && equal !== line ? [equal] : [])].map(({ name }) => [
      line.name,
      name,
    ]);
  });
  return pairs.flatMap(([a, b]) =>
    Array.from({ length: variant.rounds }, (_, r): [Cell, Cell] => [
      { arm: a, round: r + 1 },
      { arm: b, round: r + 1 },
    ]),
  );
}

/** The last round's differences to the first line, with intervals over people. */
export function figureRewards(
  { rounds }: BiographiesVariant,
  comparisons: NonNullable<RunRecord["comparisons"]>,
  sample: string,
): Figure {
  const last = `, round ${rounds}`;
  const shown = comparisons.filter(({ difference }) =>
    difference.endsWith(`${last} - best of K${last}`),
  );
  const clear = shown.filter(({ ci95OverPeople: [low, high] }) => low > 0 || high < 0).length;
  return figureBars(
    shown.map(({ difference, mean, ci95OverPeople: [low, high] }) => ({
      label: difference.split(`${last} - `)[0].replace("best of K, ", ""),
      value: 100 * mean,
      interval: [100 * low, 100 * high] as const,
    })),
    {
      title: `After ${rounds} rounds ${clear} of ${shown.length} other ways to select differ${clear === 1 ? "s" : ""} clearly from best of K`,
      note: `Held-out accuracy minus that of best of K, on the same people. ${sample}`,
      axisTitle: "Difference in accuracy (points)",
      format: (value) => `${value >= 0 ? "+" : "−"}${Math.abs(value).toFixed(1)}`,
      marks: "points",
    },
  );
}

/** A rollout without its texts, but for what held-out people's self-edits are made of; many lines would be bulky. */
export function compactRollout(rollout: BiographyRollout): object {
  const { seed, arm, round, part, person, status, reason, reward, rewards, content } = rollout;
  const { sequences, tokens, answers, seconds } = rollout;
  return {
    ...{ seed, arm, round, part, person, status, reason, reward, rewards },
    ...(part === "held-out" ? { content } : {}),
    ...{ sequences, tokens, seconds, answered: answers.length },
    right: answers.filter(({ verdict }) => verdict === "correct").length,
  };
}
