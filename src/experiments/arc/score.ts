/** A group of candidates of few-shot ARC: their recipes trained together, their answers voted on. Which ones is run.ts's. */
import type { Model } from "../../model/load";
import type { Executor } from "../../restem/group";
import {
  runInnerLoop,
  type InnerLoopQuestion,
  type InnerLoopResult,
} from "../../restem/inner-loop";
import type { ArcTask } from "../../tasks/arc/grids";
import { answered, arcPrompt } from "../../tasks/arc/messages";
import type { ArcQuery } from "../../tasks/arc/queries";
import { RECIPE_BATCH_SIZE, type ParsedRecipe } from "../../tasks/arc/recipe";
import { judgeTask } from "../../tasks/arc/scoring";
import type { ArcRollout } from "./rollout";
import { answerTests, recipeSequences, recipeSteps, taskQueries, taskReward } from "./inner-loop";
import type { ArcVariant } from "./variant";

/** What is to be tried on a task. */
export interface ArcCandidate {
  readonly task: ArcTask;
  readonly index: number;
  readonly completion?: string;
  /** Absent for an arm that trains nothing. */
  readonly parsed?: ParsedRecipe;
}

/** Where a group of candidates stands. */
export interface ArcPlace {
  readonly arm: ArcRollout["arm"];
  readonly round: number;
  readonly part: ArcRollout["part"];
}

/** How candidates are scored. */
export interface ArcScoring {
  /** Which repeat with another inner-loop seed; 0 for the first. */
  readonly repeat?: number;
  /** False: the right grids' losses are measured, and no answer is written. */
  readonly decode?: boolean;
}

/** Trains and asks for a group of candidates together; what cannot be tried keeps its status. */
export async function scoreRecipes(
  model: Model,
  variant: ArcVariant,
  seed: number,
  place: ArcPlace,
  group: readonly ArcCandidate[],
  executor?: Executor,
  { repeat = 0, decode = true }: ArcScoring = {},
): Promise<ArcRollout[]> {
  const { innerLoop, answers, concurrency } = variant;
  const prepared = group.map((candidate) => {
    const { task, parsed } = candidate;
    const recipe = parsed?.recipe;
    const training = recipe ? recipeSequences(model, task, recipe, variant) : undefined;
    const queries = taskQueries(task, variant.queries);
    return { candidate, training, recipe, queries };
  });
  const runnable = prepared.filter(
    ({ candidate, training }) => !candidate.parsed || training?.status === "ok",
  );
  const results = await runInnerLoop(
    model,
    runnable.map(({ candidate, recipe, training, queries }) => ({
      ...(recipe && training
        ? {
            sequences: training.sequences,
            settings: {
              ...innerLoop,
              learningRate: recipe.learningRate,
              epochs: recipe.epochs,
              batchSize: RECIPE_BATCH_SIZE,
              maximumTokens: variant.limits.sampleTokens,
              // One seed for all recipes of a task: they are compared from the same beginning.
              seed: `${seed}/${candidate.task.id}${repeat > 0 ? `/${repeat}` : ""}`,
            },
          }
        : {}),
      questions: decode ? asked(queries) : measured(candidate.task, queries),
    })),
    {
      concurrency,
      answerTokens: decode ? answers.maximumTokens : 0,
      stop: ["#"],
      ...(executor ? { executor } : {}),
    },
  );
  return prepared.map((own): ArcRollout => {
    const result = results[runnable.indexOf(own)] as InnerLoopResult | undefined;
    const { candidate, recipe, training, queries } = own;
    const { task, index, completion, parsed } = candidate;
    const sequences = training?.sequences.length ?? 0;
    return {
      seed,
      ...place,
      ...{ task: task.id ?? "", index },
      ...(task.family === undefined ? {} : { family: task.family }),
      ...(completion === undefined ? {} : { completion }),
      ...(recipe ? { recipe } : {}),
      samples: sequences,
      steps: recipe ? recipeSteps(recipe, sequences) : 0,
      ...(result
        ? outcomeOf(variant, task, decode ? queries : [], result)
        : refused(training?.status === "ok" ? parsed : (training ?? parsed))),
    };
  });
}

/** Single answers are not judged: the votes are. */
const judge = (): "ungraded" => "ungraded";

function asked(queries: readonly (readonly ArcQuery[])[]): InnerLoopQuestion[] {
  return queries.flat().map(({ task }) => ({ prompt: arcPrompt(task), judge }));
}

/** The queries that are asked in the task's own orientation, with the right grid; none where that is not known. */
function measured(task: ArcTask, queries: readonly (readonly ArcQuery[])[]): InnerLoopQuestion[] {
  return queries.flatMap((own, t) => {
    const { output } = task.test[t];
    if (!output) return [];
    return own
      .filter(({ inverter }) => inverter === null)
      .map((query) => ({ prompt: arcPrompt(query.task), judge, gold: answered(output) }));
  });
}

function outcomeOf(
  variant: ArcVariant,
  task: ArcTask,
  queries: readonly (readonly ArcQuery[])[],
  { status, reason, answers, answerLosses, training, seconds }: InnerLoopResult,
): Pick<ArcRollout, "status" | "tests" | "tokens" | "seconds"> & Partial<ArcRollout> {
  const losses = training?.losses ?? [];
  const trained = {
    tokens: training?.tokens ?? 0,
    ...(losses.length > 0 ? { firstLoss: losses[0], lastLoss: losses.at(-1) } : {}),
  };
  if (status !== "ok")
    return { status, ...(reason ? { reason } : {}), ...trained, tests: [], seconds };
  if (answerLosses) return { status, ...trained, answerLosses, tests: [], seconds };
  const texts = answers.map(({ answer }) => answer);
  const tests = answerTests(task, queries, texts);
  const reward = taskReward(task, tests, variant.reward);
  const verdict = judgeTask(
    task,
    tests.map(({ attempts }) => attempts),
  );
  return {
    status,
    ...trained,
    tests,
    seconds,
    ...(reward === undefined ? {} : { reward }),
    ...(verdict === "ungraded" ? {} : { solved: verdict === "correct" }),
  };
}

/** A candidate whose self-edit was not tried at all. */
function refused(
  parsed: ParsedRecipe | undefined,
): Pick<ArcRollout, "status" | "tests" | "tokens" | "seconds"> & Partial<ArcRollout> {
  const { status = "failed", reason } = parsed ?? {};
  return {
    status,
    ...(reason === undefined ? {} : { reason }),
    tokens: 0,
    tests: [],
    seconds: { train: 0, answer: 0 },
  };
}
