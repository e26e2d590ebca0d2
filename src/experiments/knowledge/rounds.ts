/**
 * The outer loop on a real model (paper, algorithm 1): in each round self-edits of new training passages are written,
 * scored by their adapters, the best kept, and the model fine-tuned on writing such; then evaluated.
 */
import { disposeWeights } from "../../model/weights";
import type { Model } from "../../model/load";
import { fineTunePolicy } from "../../restem/policy";
import { selectCandidates } from "../../restem/select";
import type { Passage } from "../../tasks/squad";
import type { AuthoredSelfEdit } from "../../openai/author";
import { runCandidates, writeOnce, type Candidate, type KnowledgeRun } from "./candidates";
import { checkpointOf } from "../../run/experiment";
import { ROUNDS_ARM, type Rollout } from "./report";
import type { KnowledgeVariant, OuterLoop } from "../../run/variant";

/** Candidates of one seed's rounds: those that are scored, and those that are evaluated. */
export function roundCandidates(
  { outerLoop, sampling }: KnowledgeVariant,
  passages: number,
  trainingPassages: number,
): number {
  if (!outerLoop) return 0;
  const { rounds, rewardSeeds, evaluationSamples } = outerLoop;
  return rounds * (trainingPassages * sampling.count * rewardSeeds + passages * evaluationSamples);
}

/** Runs the rounds of every seed. */
export async function runRounds(
  run: KnowledgeRun,
  base: Model,
  training: readonly Passage[],
  passages: readonly Passage[],
): Promise<{ rollouts: Rollout[]; seconds: number }> {
  const { outerLoop, seeds } = run.variant;
  if (!outerLoop) return { rollouts: [], seconds: 0 };
  const rollouts: Rollout[] = [];
  let seconds = 0;
  for (const seed of seeds) {
    let policy = base;
    for (let round = 1; round <= outerLoop.rounds; round++) {
      const place = { run, outerLoop, seed, round };
      const learned = await learnRound(place, policy, training);
      if (policy !== base) disposeWeights(policy.weights);
      policy = learned.policy;
      const evaluated = await evaluate(place, policy, passages);
      rollouts.push(...learned.rollouts, ...evaluated.rollouts);
      seconds += learned.seconds + evaluated.seconds;
    }
    if (policy !== base) disposeWeights(policy.weights);
  }
  return { rollouts, seconds };
}

interface Place {
  readonly run: KnowledgeRun;
  readonly outerLoop: OuterLoop;
  readonly seed: number;
  readonly round: number;
}

/** Writes, scores, keeps, fine-tunes. */
async function learnRound(
  { run, outerLoop, seed, round }: Place,
  policy: Model,
  training: readonly Passage[],
): Promise<{ policy: Model; rollouts: Rollout[]; seconds: number }> {
  const key = `${ROUNDS_ARM}/${round}/train/${seed}`;
  const { selfEdits, seconds } = await writeOnce(run, policy, training, key);
  const flat = candidates(selfEdits, { round, part: "train", seed });
  const repeats: Rollout[][] = [];
  for (let repeat = 0; repeat < outerLoop.rewardSeeds; repeat++) {
    const repeated = flat.map((candidate) => ({ ...candidate, repeat }));
    repeats.push(await runCandidates(run, policy, training, repeated));
  }
  const rollouts = repeats[0].map((first, i) =>
    meanReward(
      repeats.map((all) => all[i]),
      first,
    ),
  );
  const groups = training.map((_, p) => rollouts.filter((__, i) => flat[i].passage === p));
  const kept = selectCandidates(groups, { kind: "best", count: outerLoop.keep });
  const examples = kept.flatMap((indices, p) =>
    indices.map((index) => ({
      prompt: run.prompt(training[p]),
      completion: groups[p][index].completion ?? "",
    })),
  );
  const name = `${seed}/${ROUNDS_ARM}/${round}`;
  const settings = { ...outerLoop.fineTuning, seed: name };
  const checkpoint = checkpointOf(run.context, name);
  const learned = await fineTunePolicy(policy, examples, settings, checkpoint);
  return { policy: learned, rollouts, seconds };
}

async function evaluate(
  { run, outerLoop, seed, round }: Place,
  policy: Model,
  passages: readonly Passage[],
): Promise<{ rollouts: Rollout[]; seconds: number }> {
  const key = `${ROUNDS_ARM}/${round}/evaluation/${seed}`;
  const count = outerLoop.evaluationSamples;
  const { selfEdits, seconds } = await writeOnce(run, policy, passages, key, undefined, count);
  const flat = candidates(selfEdits, { round, part: "evaluation", seed });
  return { rollouts: await runCandidates(run, policy, passages, flat), seconds };
}

function candidates(
  selfEdits: readonly (readonly AuthoredSelfEdit[])[],
  place: Pick<Candidate, "round" | "part" | "seed">,
): Candidate[] {
  return selfEdits.flatMap((own, passage) =>
    own.map((selfEdit, index) => ({ ...place, arm: ROUNDS_ARM, passage, index, selfEdit })),
  );
}

/** The first repeat with the mean of all repeats' rewards; a repeat that failed is a failure of the candidate. */
function meanReward(repeats: readonly Rollout[], first: Rollout): Rollout {
  const failed = repeats.find(({ status }) => status !== "ok");
  if (failed) return failed;
  const rewards = repeats.flatMap(({ reward }) => reward ?? []);
  if (rewards.length === 0) return first;
  return { ...first, reward: rewards.reduce((sum, value) => sum + value, 0) / rewards.length };
}
