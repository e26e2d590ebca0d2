/** What better selection would gain: ways to spend inner-loop runs, by a normal model fitted to rewards. Rewards in, numbers out. */
import { rewardVariances, type RewardVariances } from "../restem/select";
import { createRandom, type Random } from "../statistics/random";
import type { Estimate } from "./accuracy";
import type { Rewards } from "./held-out";

/** A way to spend inner-loop runs on one passage and then choose one candidate. */
export interface Plan {
  /** What it is called in tables. */
  readonly name: string;
  /** The first stage runs all. */
  readonly stages: readonly Stage[];
}

/** How many of the best so far are run, and how many repeats each. */
export interface Stage {
  /** How many of the best so far are run; in the first stage, how many candidates there are. */
  readonly keep: number;
  /** How often each is trained in this stage. */
  readonly repeats: number;
}

/** How much a plan gains over a random candidate, in accuracy, by the fitted model. */
export interface PlanGain {
  /** The plan's name. */
  readonly plan: string;
  /** Inner-loop runs for each passage. */
  readonly runs: number;
  /** Accuracy over a random candidate's. */
  readonly gain: Estimate;
  /** Gain minus that of best of 5 by 3 repeats, passages resampled together. */
  readonly versusBest: Estimate;
  /** Chance of choosing the candidate that is truly best among those tried. */
  readonly picksBest: number;
}

/** Plans of about 15 runs a passage (5 candidates by 3 repeats, as SEAL spends), and cheaper and dearer ones. */
export const PLANS: readonly Plan[] = [
  { name: "best of 5 by 3", stages: [{ keep: 5, repeats: 3 }] },
  { name: "best of 15 by 1", stages: [{ keep: 15, repeats: 1 }] },
  { name: "best of 7 by 2", stages: [{ keep: 7, repeats: 2 }] },
  { name: "best of 3 by 5", stages: [{ keep: 3, repeats: 5 }] },
  {
    name: "halving from 5 (5 × 1, 3 × 2, 2 × 2)",
    stages: [
      { keep: 5, repeats: 1 },
      { keep: 3, repeats: 2 },
      { keep: 2, repeats: 2 },
    ],
  },
  {
    name: "halving from 8 (8 × 1, 3 × 1, 2 × 2)",
    stages: [
      { keep: 8, repeats: 1 },
      { keep: 3, repeats: 1 },
      { keep: 2, repeats: 2 },
    ],
  },
  { name: "best of 5 by 1", stages: [{ keep: 5, repeats: 1 }] },
  { name: "best of 5 by 6", stages: [{ keep: 5, repeats: 6 }] },
  { name: "best of 5 by 12", stages: [{ keep: 5, repeats: 12 }] },
];

/** What SEAL spends on a passage: 5 candidates by 3 repeats. */
export const SEAL_RUNS = 15;

/** The plan of largest expected gain among those that cost no more than SEAL's. */
export function bestPlan({ plans }: { readonly plans: readonly PlanGain[] }): PlanGain {
  return [...plans]
    .filter(({ runs }) => runs <= SEAL_RUNS)
    .sort((a, b) => b.gain.value - a.gain.value)[0];
}

/** Inner-loop runs of a plan. */
export function runsOf(plan: Plan): number {
  return plan.stages.reduce((sum, { keep, repeats }) => sum + keep * repeats, 0);
}

const SIMULATIONS = 30_000;
const RESAMPLES = 200;

/** What `simulatePlan` finds. */
export interface SimulatedGain {
  /** Expected true reward of the chosen candidate over a random one's, in units of the spread between candidates. */
  readonly gain: number;
  /** Chance of choosing the candidate that is truly best among those tried. */
  readonly picksBest: number;
}

/**
 * Expected gain of a plan in units of the spread between candidates, given the variance of one
 * repeat in units of that spread's square: a normal model, candidates independent. One stage is
 * computed exactly; for several, only their advantage over the first stage alone is simulated.
 */
export function simulatePlan(plan: Plan, noise: number, random: Random): SimulatedGain {
  const [first, ...later] = plan.stages;
  const exact = gainOfFirst(first, noise);
  if (later.length === 0) return { gain: exact, picksBest: chanceOfBest(first, noise, random) };
  let [advantage, hits] = [0, 0];
  for (let s = 0; s < SIMULATIONS; s++) {
    const truth = Array.from({ length: first.keep }, () => random.normal());
    const { chosen, afterFirst } = playPlan(plan, truth, noise, random);
    advantage += truth[chosen] - truth[afterFirst];
    if (truth[chosen] === Math.max(...truth)) hits++;
  }
  return { gain: exact + advantage / SIMULATIONS, picksBest: hits / SIMULATIONS };
}

/** How often the best of `keep` by the mean of `repeats` is the truly best. */
function chanceOfBest({ keep, repeats }: Stage, noise: number, random: Random): number {
  const deviation = Math.sqrt(noise / repeats);
  const truth = new Float64Array(keep);
  let hits = 0;
  for (let s = 0; s < SIMULATIONS; s++) {
    let [best, chosen, highest] = [0, 0, -Infinity];
    for (let c = 0; c < keep; c++) {
      truth[c] = random.normal();
      if (truth[c] > truth[best]) best = c;
    }
    for (let c = 0; c < keep; c++) {
      const measured = truth[c] + deviation * random.normal();
      if (measured > highest) [chosen, highest] = [c, measured];
    }
    if (chosen === best) hits++;
  }
  return hits / SIMULATIONS;
}

/** Exact gain of one stage alone: the largest of `keep` draws, times how well `repeats` of them show the truth. */
function gainOfFirst({ keep, repeats }: Stage, noise: number): number {
  return expectedMaximum(keep) / Math.sqrt(1 + noise / repeats);
}

/** Runs a plan once on known true rewards; scores are shrunk toward 0, their mean, as the rule `shrunk` does. */
function playPlan(
  plan: Plan,
  truth: readonly number[],
  noise: number,
  random: Random,
): { chosen: number; afterFirst: number } {
  const sums = truth.map(() => 0);
  const counts = truth.map(() => 0);
  const score = (c: number): number => sums[c] / (counts[c] + noise);
  let order = truth.map((_, c) => c);
  let afterFirst: number | undefined;
  for (const { keep, repeats } of plan.stages) {
    for (const c of order.slice(0, keep)) {
      sums[c] += repeats * truth[c] + Math.sqrt(repeats * noise) * random.normal();
      counts[c] += repeats;
    }
    order = order.sort((a, b) => score(b) - score(a));
    afterFirst ??= order[0];
  }
  return { chosen: order[0], afterFirst: afterFirst ?? order[0] };
}

/** The mean of the largest of `count` standard normal draws (numerical integration). */
export function expectedMaximum(count: number): number {
  const step = 0.005;
  let [below, total] = [0, 0];
  for (let x = -8; x < 8; x += step) {
    const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
    total += x * count * density * (below + (density * step) / 2) ** (count - 1) * step;
    below += density * step;
  }
  return total;
}

/** Gains of all plans by the model fitted to `rewards`, with intervals from resampling passages and fitting again. */
export function planGains(rewards: Rewards, seed: string): PlanGain[] {
  const random = createRandom(seed);
  const curve = gainCurves(seed);
  const gainAt = (plan: Plan, { between, within }: RewardVariances): number =>
    between <= 0
      ? 0
      : Math.sqrt(between) * interpolate(curve.get(plan.name) ?? [], within / between);
  const fitted = rewardVariances(rewards);
  const draws = Array.from({ length: RESAMPLES }, () =>
    rewardVariances(Array.from(rewards, () => rewards[random.integer(rewards.length)])),
  );
  const interval = (of: (variances: RewardVariances) => number): Estimate => {
    const values = draws.map(of).sort((a, b) => a - b);
    return {
      value: of(fitted),
      low: values[Math.floor(0.025 * RESAMPLES)],
      high: values[Math.floor(0.975 * RESAMPLES)],
    };
  };
  return PLANS.map((plan) => ({
    plan: plan.name,
    runs: runsOf(plan),
    gain: interval((v) => gainAt(plan, v)),
    versusBest: interval((v) => gainAt(plan, v) - gainAt(PLANS[0], v)),
    picksBest: simulatePlan(
      plan,
      fitted.within / fitted.between,
      createRandom(`${seed} ${plan.name} best`),
    ).picksBest,
  }));
}

const curvesBySeed = new Map<string, ReadonlyMap<string, Curve>>();

/** One curve for each plan, simulated once: they do not depend on the rewards. */
function gainCurves(seed: string): ReadonlyMap<string, Curve> {
  let curves = curvesBySeed.get(seed);
  if (!curves) {
    curves = new Map(
      PLANS.map((plan) => [plan.name, gainCurve(plan, createRandom(`${seed} ${plan.name}`))]),
    );
    curvesBySeed.set(seed, curves);
  }
  return curves;
}

type Curve = readonly { readonly noise: number; readonly gain: number }[];

/** The gain at noises from 1/4 to 256 times the spread, common random numbers, so that it can be read off for any fit. */
function gainCurve(plan: Plan, random: Random): Curve {
  const state = random.state();
  return [0.25, 1, 2, 3, 4, 5, 6, 8, 12, 24, 128].map((noise) => {
    return {
      noise,
      gain:
        plan.stages.length === 1
          ? gainOfFirst(plan.stages[0], noise)
          : simulatePlan(plan, noise, createRandom({ state })).gain,
    };
  });
}

function interpolate(curve: Curve, noise: number): number {
  if (noise <= curve[0].noise) return curve[0].gain;
  const above = curve.findIndex((point) => point.noise >= noise);
  if (above < 0)
    return curve[curve.length - 1].gain * Math.sqrt(curve[curve.length - 1].noise / noise);
  const [a, b] = [curve[above - 1], curve[above]];
  const share = Math.log(noise / a.noise) / Math.log(b.noise / a.noise);
  return a.gain + share * (b.gain - a.gain);
}
