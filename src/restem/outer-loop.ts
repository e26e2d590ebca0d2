/**
 * SEAL's outer loop (Zweiger et al. 2025, algorithm 1; ReST-EM, Singh et al. 2023), whatever the tasks are: passages to be
 * learned, puzzles to be solved. What writing, scoring, selecting, imitating and evaluating mean is given to it.
 */
import type { Model } from "../model/load";
import { disposeWeights } from "../model/weights";

/** A kept self-edit: of which of the round's tasks, and which of that task's self-edits. */
export interface Kept {
  /** Place of the task in the round's list. */
  readonly task: number;
  /** Place of the self-edit among the task's. */
  readonly index: number;
}

/** A self-edit worth writing for a task. */
export interface Example<Task> {
  /** What it was written for. */
  readonly task: Task;
  /** As the policy wrote it. */
  readonly selfEdit: string;
}

/** What happened in a round. */
export interface Round<Task, Scored> {
  /** From 1. */
  readonly round: number;
  /** What was written about. */
  readonly tasks: readonly Task[];
  /** Written by the policy before this round's fine-tuning, [task][index]. */
  readonly selfEdits: readonly (readonly string[])[];
  /** What is known of each of them, [task][index]. */
  readonly scored: readonly (readonly Scored[])[];
  /** Those that are imitated. */
  readonly kept: readonly Kept[];
}

/** What the loop is made of. Policies are models; the first one stays the caller's, all others are disposed of here. */
export interface OuterLoop<Task, Scored> {
  /** The model that writes first. */
  readonly policy: Model;
  /** The tasks of each round: the same ones again, or others. As many rounds as there are lists. */
  readonly tasks: readonly (readonly Task[])[];
  /** Several self-edits for each task, [task][index]. */
  readonly write: (policy: Model, tasks: readonly Task[], round: number) => Promise<string[][]>;
  /** The inner loop: an adapter is trained on each self-edit and rewarded for its answers, [task][index]. */
  readonly score: (
    policy: Model,
    tasks: readonly Task[],
    selfEdits: readonly (readonly string[])[],
    round: number,
  ) => Promise<Scored[][]>;
  /** Those that are imitated. */
  readonly select: (scored: readonly (readonly Scored[])[], round: number) => readonly Kept[];
  /** A new policy, fine-tuned on writing such self-edits. */
  readonly imitate: (
    policy: Model,
    examples: readonly Example<Task>[],
    round: number,
  ) => Promise<Model>;
  /** How the policy does after the round, on tasks of the caller's own. It is disposed of after the next round. */
  readonly evaluate: (policy: Model, round: Round<Task, Scored>) => Promise<void>;
}

/** Goes through the rounds. Where nothing is kept the policy stays as it is. */
export async function outerLoop<Task, Scored>(loop: OuterLoop<Task, Scored>): Promise<void> {
  let policy = loop.policy;
  const become = (next: Model): void => {
    if (policy !== loop.policy && policy !== next) disposeWeights(policy.weights);
    policy = next;
  };
  try {
    for (let round = 1; round <= loop.tasks.length; round++) {
      const tasks = loop.tasks[round - 1];
      const selfEdits = await loop.write(policy, tasks, round);
      const scored = await loop.score(policy, tasks, selfEdits, round);
      const kept = loop.select(scored, round);
      const examples = kept.map(({ task, index }) => ({
        task: tasks[task],
        selfEdit: selfEdits[task][index],
      }));
      if (examples.length > 0) become(await loop.imitate(policy, examples, round));
      await loop.evaluate(policy, { round, tasks, selfEdits, scored, kept });
    }
  } finally {
    become(loop.policy);
  }
}
