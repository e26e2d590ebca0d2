/** How noisy the reward of a candidate is: the gain of choosing by some repeats when scored on others. Nothing assumed. */
import { selectCandidates } from "../restem/select";
import { createRandom } from "../statistics/random";
import { mean } from "../statistics/statistics";
import { bootstrapMean, type Estimate } from "./accuracy";

/** Rewards [passage][candidate][repeat], each a share of right answers. */
export type Rewards = readonly (readonly (readonly number[])[])[];

/** The gains of choosing by some repeats when scored on the others: nothing assumed. */
export interface HeldOutGain {
  /** How it was chosen and scored. */
  readonly plan: string;
  /** Inner-loop runs for each passage. */
  readonly runs: number;
  /** Accuracy over a random candidate's. */
  readonly gain: Estimate;
}

const TIE_ORDERS = 16;

function gainOfChoice(
  passage: readonly (readonly number[])[],
  chosen: number,
  scored: readonly number[],
): number {
  const value = (c: number): number => mean(scored.map((r) => passage[c][r]));
  return value(chosen) - mean(passage.map((_, c) => value(c)));
}

const indices = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

function chooseBy(
  passage: readonly (readonly number[])[],
  repeats: readonly number[],
  among = indices(passage.length),
): number {
  const group = among.map((c) => ({
    status: "ok" as const,
    reward: mean(repeats.map((r) => passage[c][r])),
  }));
  return among[selectCandidates([group], { kind: "best", count: 1 })[0][0]];
}

/** Gain of best-of-K in the repeats that chose it, and in repeats that did not. Means over all ways to leave repeats out. */
export function heldOutGains(rewards: Rewards, seed: string): HeldOutGain[] {
  const size = rewards[0].length;
  const repeats = indices(rewards[0][0].length);
  const others = (out: readonly number[]): number[] => repeats.filter((r) => !out.includes(r));
  const shuffler = createRandom(`${seed} ties`);
  // With five questions many candidates tie; the mean over orders is what a fair draw among them gives.
  const estimate = (gainOf: (passage: Rewards[number]) => number): Estimate => {
    const gains = rewards.map((passage) =>
      mean(indices(TIE_ORDERS).map(() => gainOf(shuffler.shuffle(passage)))),
    );
    return bootstrapMean(gains, createRandom(seed));
  };
  const halved = (passage: Rewards[number], keep: number): number =>
    mean(
      repeats.flatMap((scored) =>
        others([scored]).map((first) => {
          const group = passage.map((own) => ({ status: "ok" as const, reward: own[first] }));
          const [kept] = selectCandidates([group], { kind: "best", count: keep });
          return gainOfChoice(passage, chooseBy(passage, others([scored]), kept), [scored]);
        }),
      ),
    );
  return [
    {
      plan: `best of ${size} by ${repeats.length}, scored on the same`,
      runs: size * repeats.length,
      gain: estimate((p) => gainOfChoice(p, chooseBy(p, repeats), repeats)),
    },
    {
      plan: `best of ${size} by 1, scored on the others`,
      runs: size,
      gain: estimate((p) =>
        mean(repeats.map((r) => gainOfChoice(p, chooseBy(p, [r]), others([r])))),
      ),
    },
    {
      plan: `best of ${size} by ${repeats.length - 1}, scored on the one left out`,
      runs: size * (repeats.length - 1),
      gain: estimate((p) =>
        mean(repeats.map((r) => gainOfChoice(p, chooseBy(p, others([r])), [r]))),
      ),
    },
    ...[2, 3].map((keep) => ({
      plan: `halving: all once, best ${keep} again, scored on the one left out`,
      runs: size + keep,
      gain: estimate((p) => halved(p, keep)),
    })),
  ];
}
