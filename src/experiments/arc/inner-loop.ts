/** From an ARC task and a recipe to what is trained and asked, and from answers to attempts. Training itself is restem's. */
import { UserError } from "../../messages/errors";
import type { Verdict } from "../../judge/verdict";
import { promptTokens } from "../../lora/generate";
import type { TokenSequence } from "../../lora/plan";
import { completionSequence } from "../../lora/train";
import type { Model } from "../../model/load";
import { createRandom } from "../../statistics/random";
import { parseGridAnswer, type ArcTask, type Grid } from "../../tasks/arc/grids";
import { answered, arcPrompt } from "../../tasks/arc/messages";
import { arcQueries, invertAnswer, type ArcQuery } from "../../tasks/arc/queries";
import {
  recipeAugmentations,
  recipeCost,
  RECIPE_BATCH_SIZE,
  type ParsedRecipe,
  type Recipe,
} from "../../tasks/arc/recipe";
import { cellAccuracy, judgeAttempts, judgeTask } from "../../tasks/arc/scoring";
import { trainingTasks } from "../../tasks/arc/training";
import { voteCounts, voteGrids, type Vote, type VoteCount } from "../../tasks/arc/vote";
import type { ArcVariant } from "./variant";

/** One answer of the model, turned back. */
export interface ArcAnswer {
  readonly inverter: string | null;
  readonly text: string;
  readonly grid?: Grid;
  /** What is wrong with the text as a grid. */
  readonly problem?: string;
}

/** One test of a task, answered. */
export interface ArcTestResult {
  readonly attempts: readonly [first: Grid, second: Grid];
  readonly verdict: Verdict;
  readonly votes: readonly VoteCount[];
  readonly answers: readonly ArcAnswer[];
}

/** The tasks with these ids, in that order. Throws UserError for one that is not there. */
export function tasksById(tasks: readonly ArcTask[], ids: readonly string[]): ArcTask[] {
  return ids.map((id) => {
    const task = tasks.find((one) => one.id === id);
    if (!task)
      throw new UserError(
        `The task ${id} is not among the ${tasks.length} tasks of "data.paths"; correct the id or the paths.`,
      );
    return task;
  });
}

/** What a recipe trains on for a task, or why it does not; nothing is trained here. */
export function recipeSequences(
  model: Model,
  task: ArcTask,
  recipe: Recipe,
  { limits }: Pick<ArcVariant, "limits">,
): ParsedRecipe & { readonly sequences: readonly TokenSequence[] } {
  const sequenceOf = (sample: ArcTask): TokenSequence => {
    const { output = [] } = sample.test[0];
    const sequence = completionSequence(
      model,
      promptTokens(model, arcPrompt(sample)),
      answered(output),
    );
    return recipe.strategy === "all tokens" ? { ids: sequence.ids } : sequence;
  };
  // One seed for all recipes of a task, as in the released code: recipes differ, not luck.
  const samples = trainingTasks(task, recipeAugmentations(recipe), {
    random: createRandom(`samples/${task.id}`),
    limit: limits.samples,
    fits: (sample) => sequenceOf(sample).ids.length < limits.sampleTokens,
  });
  if (samples.length === 0)
    return {
      status: "rejected",
      reason: `no sample has fewer than ${limits.sampleTokens} tokens`,
      sequences: [],
    };
  const cost = recipeCost(recipe, samples.length, limits);
  return { ...cost, sequences: cost.status === "ok" ? samples.map(sequenceOf) : [] };
}

/** Optimizer steps on so many sequences. */
export function recipeSteps(recipe: Recipe, sequences: number): number {
  return recipe.epochs * Math.ceil(sequences / RECIPE_BATCH_SIZE);
}

/** The ways to ask each test of a task. */
export function taskQueries(task: ArcTask, settings: ArcVariant["queries"]): ArcQuery[][] {
  const { leftOut, permutations, limit } = settings;
  return task.test.map((_, t) =>
    arcQueries(task, t, {
      random: createRandom(`queries/${task.id}/${t}`),
      ...{ leftOut, permutations, limit },
    }),
  );
}

/** Attempts and verdict of each test from the model's texts, in the queries' order. */
export function answerTests(
  task: ArcTask,
  queries: readonly (readonly ArcQuery[])[],
  texts: readonly string[],
): ArcTestResult[] {
  let next = 0;
  return queries.map((own, t) => {
    const answers = own.map(({ inverter }) => readAnswer(texts[next++], inverter));
    const votes = answers.flatMap(({ grid, inverter }): Vote[] =>
      grid ? [{ output: grid, inverter }] : [],
    );
    const attempts = voteGrids(votes);
    return {
      attempts,
      verdict: judgeAttempts(task.test[t].output, attempts),
      votes: voteCounts(votes),
      answers,
    };
  });
}

function readAnswer(text: string, inverter: string | null): ArcAnswer {
  const parsed = parseGridAnswer(text);
  return "grid" in parsed
    ? { inverter, text, grid: invertAnswer(parsed.grid, inverter) }
    : { inverter, text, problem: parsed.problem };
}

/** 1 for a solved task and 0 for another, or the mean share of right cells of the first attempts; undefined where ungraded. */
export function taskReward(
  task: ArcTask,
  tests: readonly ArcTestResult[],
  kind: ArcVariant["reward"],
): number | undefined {
  const verdict = judgeTask(
    task,
    tests.map(({ attempts }) => attempts),
  );
  if (verdict === "ungraded") return undefined;
  if (kind === "solved") return verdict === "correct" ? 1 : 0;
  const shares = tests.map(({ attempts }, t) =>
    cellAccuracy(attempts[0], task.test[t].output ?? []),
  );
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}
