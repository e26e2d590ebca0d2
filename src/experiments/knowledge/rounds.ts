/**
 * The outer loop on a real model: self-edits of the training passages are written, scored by their adapters, some of them
 * kept, and the model fine-tuned on writing such; after every round the evaluated passages are asked about.
 */
import type { Model } from "../../model/load";
import type { AuthoredSelfEdit } from "../../openai/author";
import { keepByLine, scoreByLine, type Line, type ScoredCandidate } from "../../restem/lines";
import { outerLoop } from "../../restem/outer-loop";
import { learnPolicy } from "../../run/policy";
import type { Passage } from "../../tasks/squad";
import { runCandidates, writeOnce, type Candidate, type KnowledgeRun } from "./candidates";
import type { KnowledgeRollout } from "./report";
import {
  knowledgeLines,
  SEAL_LINE,
  type KnowledgeVariant,
  type OuterLoopSettings,
} from "./variant";

/** Candidates of one seed's rounds: those that are scored, and those that are evaluated. */
export function roundCandidates(
  { outerLoop: settings, sampling }: KnowledgeVariant,
  passages: number,
  /** Training passages of each round. */
  training: readonly number[],
): number {
  if (!settings) return 0;
  const learned = training.reduce((sum, count) => sum + count, 0);
  return knowledgeLines(settings).reduce(
    (sum, { reward, rewardSeeds }) =>
      sum +
      learned * sampling.count * rewardSeeds +
      (reward === "over passage" ? learned : 0) +
      settings.rounds * passages * settings.evaluationSamples,
    0,
  );
}

/** What all rounds of a run share. */
interface Rounds {
  readonly run: KnowledgeRun;
  readonly settings: OuterLoopSettings;
  readonly base: Model;
  /** Passages that writing is learned on, of each round. */
  readonly training: readonly (readonly Passage[])[];
  /** Passages that are asked about after each round. */
  readonly passages: readonly Passage[];
}

/** A line of a seed. */
interface Place {
  readonly line: Line;
  readonly seed: number;
}

/** What came of rounds, and the time that writing took. */
interface Written {
  readonly rollouts: KnowledgeRollout[];
  seconds: number;
}

/** Goes through the rounds, every line of every seed. */
export async function runRounds(rounds: Rounds): Promise<Written> {
  const written: Written = { rollouts: [], seconds: 0 };
  for (const seed of rounds.run.variant.seeds)
    for (const line of knowledgeLines(rounds.settings))
      await runLine(rounds, { line, seed }, written);
  return written;
}

async function runLine(rounds: Rounds, { line, seed }: Place, written: Written): Promise<void> {
  const { run, settings, base, training, passages } = rounds;
  // In round 1 all lines draw the same self-edits from the same model, and score them by the same inner loops.
  const drawnBy = (round: number): string => (round === 1 ? SEAL_LINE : line.name);
  const write = async (
    policy: Model,
    own: readonly Passage[],
    key: string,
    count?: number,
  ): Promise<AuthoredSelfEdit[][]> => {
    const { selfEdits, seconds } = await writeOnce(run, policy, own, key, undefined, count);
    written.seconds += seconds;
    return selfEdits;
  };
  await outerLoop<Passage, ScoredCandidate>({
    policy: base,
    tasks: training,
    write: async (policy, own, round) =>
      (await write(policy, own, `${drawnBy(round)}/${round}/train/${seed}`)).map((texts) =>
        texts.map((selfEdit) => (selfEdit.status === "ok" ? selfEdit.text : "")),
      ),
    score: async (policy, own, selfEdits, round) => {
      if (line.reward === undefined) return selfEdits.map((texts) => texts.map(unscored));
      const place = { arm: drawnBy(round), round, part: "train", seed } as const;
      const scored = await scoreByLine(line, selfEdits, {
        run: (repeat, decode) =>
          runCandidates(run, policy, own, candidates(selfEdits, { ...place, repeat }), { decode }),
        reference: () =>
          runCandidates(
            run,
            policy,
            own,
            own.map((_, passage) => ({ ...place, arm: "passage only", passage, index: 0 })),
          ),
      });
      written.rollouts.push(...scored.flat().map((one) => ({ ...one, arm: line.name })));
      return scored;
    },
    select: (scored, round) => keepByLine(line, scored, `${seed}/${round}`),
    imitate: (policy, examples, round) => {
      const name = `${seed}/${line.name}/${round}`;
      return learnPolicy(
        run.context,
        policy,
        examples.map(({ task, selfEdit }) => ({
          prompt: run.prompts.selfEdit(task),
          completion: selfEdit,
        })),
        { ...settings.fineTuning, seed: name },
        name,
      );
    },
    evaluate: async (policy, { round }) => {
      const place = { arm: line.name, round, part: "evaluation", seed } as const;
      const key = `${line.name}/${round}/evaluation/${seed}`;
      const selfEdits = await write(policy, passages, key, settings.evaluationSamples);
      const texts = selfEdits.map((own) => own.map((one) => (one.status === "ok" ? one.text : "")));
      const evaluated = await runCandidates(run, policy, passages, candidates(texts, place));
      written.rollouts.push(...evaluated);
    },
  });
}

/** A self-edit of which only is known whether there is any text, and how long it is. */
function unscored(selfEdit: string): ScoredCandidate {
  return { status: selfEdit.trim() === "" ? "unparsable" : "ok", length: selfEdit.length };
}

function candidates(
  selfEdits: readonly (readonly string[])[],
  place: Pick<Candidate, "arm" | "round" | "part" | "seed" | "repeat">,
): Candidate[] {
  return selfEdits.flatMap((own, passage) =>
    own.map((text, index) => ({ ...place, passage, index, selfEdit: { status: "ok", text } })),
  );
}
