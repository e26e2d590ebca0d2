/**
 * Lines: ways through the outer loop's rounds, which differ in what self-edits are kept. The first one of an experiment is
 * SEAL's; others are its controls and rivals. Here: their settings, how their self-edits are scored, and which are kept.
 */
import { z } from "zod";
import { strictObject } from "../schema/schema";
import { mean } from "../statistics/statistics";
import type { InnerLoopResult } from "./inner-loop";
import type { Kept } from "./outer-loop";
import { REWARDS, rewardOf, selectByReward, type RewardKind } from "./rewards";
import { selectCandidates, type Candidate, type SelectionRule } from "./select";

/**
 * "best": the best of each task (SEAL). "above": all above `score`. "top": the best `share` of each task.
 * Without any training: "random" (the control), "longest" of each task, "all" (no selection).
 */
const SELECTIONS = ["best", "above", "top", "random", "longest", "all"] as const;
const UNSCORED: readonly string[] = ["random", "longest", "all"];

/** What zod's `refine` takes. */
type Refinement<V> = [holds: (value: V) => boolean, complaint: { error: string; path: string[] }];
type Repeated = { readonly reward?: RewardKind | undefined; readonly rewardSeeds?: number };

/** The noise of a reward cannot be told from one repeat. */
export const REPEATS_SUFFICE: Refinement<Repeated> = [
  ({ reward, rewardSeeds = 1 }: Repeated): boolean => reward !== "shrunk" || rewardSeeds >= 2,
  { error: 'the reward "shrunk" needs at least 2 repeats', path: ["rewardSeeds"] },
];

const settings = strictObject({
  /** Name of the arm in results; made from the other settings unless told. */
  name: z.string().min(1).max(60).optional(),
  /** Which self-edits are kept, "best" unless told. */
  select: z.enum(SELECTIONS).default("best"),
  /** What they are rewarded for, where they are scored; "accuracy" unless told. */
  reward: z.enum(REWARDS).default("accuracy"),
  /** Inner loops, each with a seed of its own, whose mean is a self-edit's reward; 1 unless told. */
  rewardSeeds: z.int().min(1).max(20).default(1),
  /** Self-edits kept of each task ("best", "random", "longest"); the variant's `keep` unless told, 1 where that is no number. */
  count: z.int().min(1).max(100).optional(),
  /** Reward above which all are kept ("above"), in [0, 1]. */
  score: z.number().min(0).max(1).optional(),
  /** Share of each task's self-edits that is kept ("top"), in (0, 1]. */
  share: z.number().gt(0).max(1).optional(),
});

/** Settings of a further line. */
export const lineSchema = settings
  .refine(...REPEATS_SUFFICE)
  .refine(
    ({ select, reward }) => select === "best" || !["shrunk", "over passage"].includes(reward),
    {
      error: 'the rewards "shrunk" and "over passage" have a rule of their own: "select" is "best"',
      path: ["select"],
    },
  )
  .refine(({ select, score }) => (select === "above") === (score !== undefined), {
    error: '"above" needs a score, and nothing else takes one',
    path: ["score"],
  })
  .refine(({ select, share }) => (select === "top") === (share !== undefined), {
    error: '"top" needs a share, and nothing else takes one',
    path: ["share"],
  });
/** A further line, as a variant has it. */
export type LineSettings = z.output<typeof lineSchema>;

/** A way through the rounds. */
export interface Line {
  /** The arm in results; part of journal keys and seeds. */
  readonly name: string;
  readonly rule:
    | { readonly kind: "best" | "random" | "longest"; readonly count: number }
    | Extract<SelectionRule, { readonly kind: "above" | "top" | "all" }>;
  /** What self-edits are rewarded for. Absent: they are not scored, and no inner loop is run. */
  readonly reward?: RewardKind;
  /** Inner loops whose mean is a self-edit's reward. */
  readonly rewardSeeds: number;
}

/** The line of these settings; `count` self-edits of each task are kept where they name no number. */
export function lineOf(line: LineSettings, count: number): Line {
  const { select, reward, rewardSeeds } = line;
  const kept = line.count ?? count;
  return {
    name: line.name ?? nameOf(line),
    rule:
      select === "above"
        ? { kind: select, score: line.score ?? 0 }
        : select === "top"
          ? { kind: select, share: line.share ?? 1 }
          : select === "all"
            ? { kind: select }
            : { kind: select, count: kept },
    ...(UNSCORED.includes(select) ? { rewardSeeds: 0 } : { reward, rewardSeeds }),
  };
}

/** All lines of a variant have names of their own, as arms and journal keys need. */
export function distinctNames<V>(linesOf: (variant: V) => readonly Line[]): Refinement<V> {
  const holds = (variant: V): boolean => {
    const names = linesOf(variant).map(({ name }) => name);
    return new Set(names).size === names.length;
  };
  return [holds, { error: "two lines have one name", path: ["lines"] }];
}

function nameOf({ select, reward, rewardSeeds, score = 0, share = 1 }: LineSettings): string {
  const names = {
    best: "best of K",
    above: `all above ${score}`,
    top: `best ${Math.round(100 * share)}%`,
    random: "random selection",
    longest: "longest of K",
    all: "no selection",
  };
  const plain = select !== "best" && reward === "accuracy" && rewardSeeds === 1;
  if (UNSCORED.includes(select) || plain) return names[select];
  const repeats = rewardSeeds > 1 ? `, ${rewardSeeds} repeats` : "";
  return `${names[select]}, ${reward}${repeats}`;
}

/** What selection looks at. */
export interface ScoredCandidate extends Candidate {
  /** With the reward "over passage": the accuracy of what needs no self-edit. */
  readonly reference?: number;
}

/** The inner loops of a round, of results of whatever kind. */
export interface InnerLoops<R> {
  /** One for each self-edit, in their order. `decode` false: the right answers' losses are measured, none is written. */
  readonly run: (repeat: number, decode: boolean) => Promise<readonly R[]>;
  /** What needs no self-edit (the passage alone), one for each task. */
  readonly reference: () => Promise<readonly R[]>;
}

/** Inner loops' results as scores, [task][index]: the first repeat's with the mean reward; a failed one's where one failed. */
export async function scoreByLine<
  R extends Pick<InnerLoopResult, "status" | "reward" | "answerLosses">,
>(
  { reward, rewardSeeds }: Line,
  selfEdits: readonly (readonly string[])[],
  loops: InnerLoops<R>,
): Promise<(R & ScoredCandidate)[][]> {
  if (reward === undefined) throw new Error("a line without a reward has no inner loops");
  const repeats: (readonly R[])[] = [];
  for (let repeat = 0; repeat < rewardSeeds; repeat++)
    repeats.push(await loops.run(repeat, reward !== "answer loss"));
  const references = reward === "over passage" ? await loops.reference() : [];
  let next = 0;
  return selfEdits.map((own, task) => {
    const reference = references.at(task)?.reward;
    return own.map(() => {
      const at = next++;
      const results = repeats.map((all) => all[at]);
      const failed = results.find(({ status }) => status !== "ok");
      if (failed) return failed;
      const rewards = results.flatMap((result) => rewardOf(reward, result) ?? []);
      return {
        ...results[0],
        ...(rewards.length > 0 ? { reward: mean(rewards) } : {}),
        rewards,
        ...(reference === undefined ? {} : { reference }),
      };
    });
  });
}

/** Which self-edits a line keeps of a round, task by task. The seed is the random selection's. */
export function keepByLine(
  { rule, reward }: Line,
  groups: readonly (readonly ScoredCandidate[])[],
  seed: string,
): Kept[] {
  return keptOf(selected(rule, reward, groups, seed));
}

function selected(
  rule: Line["rule"],
  reward: RewardKind | undefined,
  groups: readonly (readonly ScoredCandidate[])[],
  seed: string,
): number[][] {
  const references = groups.map(
    (own) => own.find(({ reference }) => reference !== undefined)?.reference ?? NaN,
  );
  if (rule.kind === "best" && reward !== undefined)
    return selectByReward(reward, groups, rule.count, references);
  return selectCandidates(groups, rule.kind === "random" ? { ...rule, seed } : rule);
}

/** Indices by task as a list. */
export function keptOf(indices: readonly (readonly number[])[]): Kept[] {
  return indices.flatMap((own, task) => own.map((index) => ({ task, index })));
}
