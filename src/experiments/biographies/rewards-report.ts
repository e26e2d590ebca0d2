/** Further lines of rounds: what is compared, drawn and kept of them; pure. */
import { figureDifferences } from "../../plot/bars";
import type { Figure } from "../../plot/figure";
import type { BiographyRollout } from "./rollout";
import { roundLines, type BiographiesVariant } from "./variant";
import type { Comparison } from "../../run/record";
import type { Cell } from "../../run/rollout";
import { cellsOf } from "../../run/rows";

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
    cellsOf([{ arm: a, rounds: variant.rounds }]).map((cell): [Cell, Cell] => [
      cell,
      { ...cell, arm: b },
    ]),
  );
}

/** The last round's differences to the first line, with intervals over people. */
export function figureRewards(
  { rounds }: BiographiesVariant,
  comparisons: readonly Comparison[],
  sample: string,
): Figure {
  const last = `, round ${rounds}`;
  const shown = comparisons.filter(({ difference }) =>
    difference.endsWith(`${last} - best of K${last}`),
  );
  const clear = shown.filter(({ ci95OverPeople: [low, high] }) => low > 0 || high < 0).length;
  return figureDifferences(
    shown.map(({ difference, mean, ci95OverPeople }) => ({
      label: difference.split(`${last} - `)[0].replace("best of K, ", ""),
      mean,
      ci95: ci95OverPeople,
    })),
    {
      title: `After ${rounds} rounds ${clear} of ${shown.length} other ways to select differ${clear === 1 ? "s" : ""} clearly from best of K`,
      note: `Held-out accuracy minus that of best of K, on the same people. ${sample}`,
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
