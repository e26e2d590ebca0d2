/** Which candidates go into supervised fine-tuning: pure rules over rewards. Scoring and training are elsewhere. */
import { UserError } from "../messages/errors";
import { createRandom, type Random } from "../statistics/random";

/** How an inner-loop candidate ended. Only `ok` ones are ever selected. */
export type CandidateStatus =
  "ok" | "unparsable" | "rejected" | "too costly" | "diverged" | "failed";

/** What selection needs to know of a candidate. */
export interface Candidate {
  /** How its inner loop ended. */
  readonly status: CandidateStatus;
  /** Mean accuracy over the repeats, in [0, 1]. Candidates without a finite reward are not ranked. */
  readonly reward?: number;
  /** The accuracy of each repeat (inner-loop seed); only the rule `shrunk` needs them. */
  readonly rewards?: readonly number[];
  /** Characters of the self-edit; only the rule `longest` needs them. */
  readonly length?: number;
}

/** A selection rule, as plain data (but for a generator that may be passed to `random`). */
export type SelectionRule =
  /** The `count` candidates of highest reward in each group (SEAL: 1 of 5). */
  | {
      readonly kind: "best";
      /** Candidates kept of each group. */
      readonly count: number;
    }
  /** All with a reward strictly above `score`: one for all groups, or one for each (say, passage-only accuracies). */
  | {
      readonly kind: "above";
      /** The reward to be exceeded, in [0, 1]. */
      readonly score: number | readonly number[];
    }
  /** The highest `share` of each group's ranked candidates, rounded up. */
  | {
      readonly kind: "top";
      /** Share kept, above 0 and at most 1. */
      readonly share: number;
    }
  /**
   * As `best`, but by each candidate's mean shrunk toward its group's mean: the fewer its repeats, the more.
   * The same as `best` where all have equally many repeats and `minimumGain` is not given; made for unequal
   * ones (successive halving). With `minimumGain`, only candidates expected to beat their group's mean by it.
   */
  | {
      readonly kind: "shrunk";
      /** Candidates kept of each group. */
      readonly count: number;
      /** Least expected gain over the group's mean, in reward; none is asked for unless told. */
      readonly minimumGain?: number;
      /** Known variances, estimated from these groups unless told. */
      readonly variances?: RewardVariances;
    }
  /** `count` of each group's ok candidates, whatever their reward: the control for the other rules. */
  | {
      readonly kind: "random";
      /** Candidates kept of each group. */
      readonly count: number;
      /** The generator; one made from `seed` unless told. */
      readonly random?: Random;
      /** Needed where no generator is given. */
      readonly seed?: string | number;
    }
  /** The `count` longest ok candidates of each group: needs no training (1.7 points on SEAL's released logs). */
  | {
      readonly kind: "longest";
      /** Candidates kept of each group. */
      readonly count: number;
    }
  /** All ok candidates: no selection. */
  | { readonly kind: "all" };

/** Where the variance of rewards comes from. */
export interface RewardVariances {
  /** Variance of the true rewards of one group's candidates. */
  readonly between: number;
  /** Variance between repeats of one candidate. */
  readonly within: number;
}

/**
 * Kept indices for each group (passage or task). `best` and `top` list them by falling
 * reward, `longest` by falling length, ties in the order given (Python's stable sort, as SEAL's
 * build_SFT_dataset.py); `above`, `random` and `all` in the order given.
 */
export function selectCandidates(
  groups: readonly (readonly Candidate[])[],
  rule: SelectionRule,
): number[][] {
  switch (rule.kind) {
    case "best":
      requireCount(rule.count);
      return groups.map((group) => ranked(group).slice(0, rule.count));
    case "above": {
      const { score } = rule;
      if (typeof score !== "number" && score.length !== groups.length) {
        throw new UserError(
          `Selection "above": ${score.length} scores for ${groups.length} groups; give one number, or one for each group.`,
        );
      }
      return groups.map((group, g) => {
        const limit = typeof score === "number" ? score : score[g];
        return rankable(group).filter((i) => (group[i].reward as number) > limit);
      });
    }
    case "top":
      if (!(rule.share > 0 && rule.share <= 1)) {
        throw new UserError(
          `Selection "top": share must be above 0 and at most 1, not ${rule.share}.`,
        );
      }
      return groups.map((group) => {
        const order = ranked(group);
        return order.slice(0, Math.ceil(order.length * rule.share - 1e-9));
      });
    case "shrunk":
      return selectShrunk(groups, rule);
    case "random":
      return selectRandom(groups, rule);
    case "longest":
      requireCount(rule.count);
      return groups.map((group) => longest(group).slice(0, rule.count));
    case "all":
      return groups.map(ok);
  }
}

/**
 * Splits the variance of rewards [group][candidate][repeat] into noise between repeats and
 * true spread between candidates (method of moments, one-way random effects; at least 0).
 * NaN where no candidate has two repeats, or no group two candidates.
 */
export function rewardVariances(
  groups: readonly (readonly (readonly number[])[])[],
): RewardVariances {
  const repeated = groups.flat().filter((rewards) => rewards.length > 1);
  const within = pooledVariance(repeated);
  const scored = groups.map((group) => group.filter((rewards) => rewards.length > 0));
  const several = scored.filter((group) => group.length > 1);
  const ofMeans = pooledVariance(several.map((group) => group.map(mean)));
  const noise = mean(several.flat().map((rewards) => within / rewards.length));
  return { within, between: Math.max(0, ofMeans - noise) };
}

function pooledVariance(samples: readonly (readonly number[])[]): number {
  const squares = samples.map((values) => {
    const centre = mean(values);
    return values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  });
  const freedom = samples.reduce((sum, values) => sum + values.length - 1, 0);
  return squares.reduce((sum, value) => sum + value, 0) / freedom;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function selectShrunk(
  groups: readonly (readonly Candidate[])[],
  rule: Extract<SelectionRule, { kind: "shrunk" }>,
): number[][] {
  requireCount(rule.count);
  const usable = groups.map((group) =>
    indicesWhere(
      group,
      ({ status, rewards }) => status === "ok" && (rewards?.some(Number.isFinite) ?? false),
    ),
  );
  const rewardsOf = (g: number, i: number): number[] =>
    (groups[g][i].rewards ?? []).filter(Number.isFinite);
  const { between, within } =
    rule.variances ?? rewardVariances(usable.map((own, g) => own.map((i) => rewardsOf(g, i))));
  if (Number.isNaN(within) || Number.isNaN(between)) {
    throw new UserError(
      'Selection "shrunk": the noise of rewards cannot be estimated from one repeat each; give variances.',
    );
  }
  return usable.map((own, g) => {
    const scores = shrunkGains(
      own.map((i) => rewardsOf(g, i)),
      { between, within },
    );
    return own
      .map((index, at) => ({ index, gain: scores[at] }))
      .filter(({ gain }) => rule.minimumGain === undefined || gain >= rule.minimumGain)
      .sort((a, b) => b.gain - a.gain)
      .slice(0, rule.count)
      .map(({ index }) => index);
  });
}

/** Each candidate's expected gain over its group's mean, given its repeats (the normal model's posterior mean). */
function shrunkGains(
  rewards: readonly (readonly number[])[],
  { between, within }: RewardVariances,
): number[] {
  const means = rewards.map(mean);
  const precision = rewards.map(({ length }) => 1 / (between + within / length || 1));
  const total = precision.reduce((sum, p) => sum + p, 0);
  const centre = means.reduce((sum, value, i) => sum + value * precision[i], 0) / total;
  return means.map((value, i) => {
    const noise = within / rewards[i].length;
    return (value - centre) * (between === 0 && noise === 0 ? 1 : between / (between + noise));
  });
}

function selectRandom(
  groups: readonly (readonly Candidate[])[],
  rule: Extract<SelectionRule, { kind: "random" }>,
): number[][] {
  requireCount(rule.count);
  const random = rule.random ?? (rule.seed === undefined ? undefined : createRandom(rule.seed));
  if (!random) throw new UserError('Selection "random" needs a seed (or a generator).');
  return groups.map((group) => {
    return random
      .shuffle(ok(group))
      .slice(0, rule.count)
      .sort((a, b) => a - b);
  });
}

function requireCount(count: number): void {
  if (!Number.isInteger(count) || count < 1) {
    throw new UserError(`Selection: count must be a whole number of at least 1, not ${count}.`);
  }
}

function indicesWhere(
  group: readonly Candidate[],
  test: (candidate: Candidate) => boolean,
): number[] {
  return group.flatMap((candidate, i) => (test(candidate) ? [i] : []));
}

function ok(group: readonly Candidate[]): number[] {
  return indicesWhere(group, ({ status }) => status === "ok");
}

function longest(group: readonly Candidate[]): number[] {
  const length = (i: number): number => {
    const own = group[i].length;
    if (own === undefined) throw new UserError('Selection "longest": a candidate has no length.');
    return own;
  };
  return ok(group).sort((a, b) => length(b) - length(a));
}

function rankable(group: readonly Candidate[]): number[] {
  return indicesWhere(group, ({ status, reward }) => status === "ok" && Number.isFinite(reward));
}

function ranked(group: readonly Candidate[]): number[] {
  const reward = (i: number): number => group[i].reward as number;
  return rankable(group).sort((a, b) => reward(b) - reward(a));
}
