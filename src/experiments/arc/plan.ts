/** The workload of few-shot ARC, for `--plan`. What it takes of a machine is src/run/plan.ts's. */
import { existsSync } from "node:fs";
import { LARGEST_SIDE, type ArcTask, type Grid } from "../../tasks/arc/grids";
import { RECIPE_BATCH_SIZE } from "../../tasks/arc/recipe";
import { arcCandidates, arcTries } from "./counts";
import { openArcTasks } from "./source";
import { arcLines, type ArcVariant } from "./variant";
import { stepCount } from "../../lora/plan";
import { trainingPass, type Workload } from "../../run/plan";

/** A cell is a digit and a space; brackets, line ends and the arrow come to about this for each grid. */
const GRID_TOKENS = 8;
/** Tokens of the instruction before a task, and before the choice of a recipe. */
const INSTRUCTION_TOKENS = 60;
const REQUEST_TOKENS = 170;
/** Augmented queries of a test. */
const TURNED_QUERIES = 5;

/** A task where the data is not on this machine: about ARC's middle. */
const USUAL: ArcTask = {
  train: Array.from({ length: 4 }, () => ({ input: blank(10), output: blank(10) })),
  test: [{ input: blank(10), output: blank(10) }],
};

function blank(side: number): Grid {
  return Array.from({ length: side }, () => Array.from({ length: side }, () => 0));
}

/** The workload of a variant, from its tasks where they are on this machine. */
export async function planArc(variant: ArcVariant): Promise<Workload> {
  const { data } = variant;
  if ("paths" in data && !data.paths.every((file) => existsSync(file)))
    return arcWorkload(variant, data.train.map(usual), data.evaluate.map(usual));
  const source = await openArcTasks(variant);
  const { train, evaluate } = source.draw(variant.seeds[0]);
  return arcWorkload(variant, train, evaluate);
}

const usual = (): ArcTask => USUAL;

/** The same from given tasks; pure. Tokens are upper estimates: every recipe as long and as large as its limits allow. */
export function arcWorkload(
  variant: ArcVariant,
  train: readonly ArcTask[],
  evaluate: readonly ArcTask[],
): Workload {
  const { sampling, limits, recipe, innerLoop, fineTuning, answers, keep } = variant;
  const seeds = variant.seeds.length;
  const lines = arcLines(variant).length;
  const rounds = lines > 0 ? variant.rounds : 0;
  const counts = arcCandidates(variant);
  // How often each task is tried: with a recipe of the model's own, and by each fixed arm.
  const { train: learned, evaluate: held } = arcTries(variant);
  const tries = [
    ...train.map((task) => ({ task, ...learned })),
    ...evaluate.map((task) => ({ task, ...held })),
  ];
  const sum = (of: (one: (typeof tries)[number]) => number): number =>
    seeds * tries.reduce((total, one) => total + of(one), 0);
  const epochs = sampling.constrained
    ? Math.max(...sampling.constrained.epochs.map(Number))
    : Infinity;
  const read = (most: number): number =>
    Math.min(RECIPE_BATCH_SIZE * limits.steps + RECIPE_BATCH_SIZE - 1, most * limits.samples);
  const sample = (task: ArcTask): number =>
    Math.min(limits.sampleTokens, growth(task) * demonstrationTokens(task) + INSTRUCTION_TOKENS);
  const asked = (task: ArcTask): number => task.test.length * queryCount(task, variant.queries);
  const tried = ({ own, fixed, plain }: (typeof tries)[number]): number => own + fixed + plain;
  const request = (task: ArcTask): number => demonstrationTokens(task) + REQUEST_TOKENS;
  const example = Math.max(0, ...train.map(request)) + sampling.maximumTokens;
  const kept = train.length * (keep === "solved" ? sampling.train : Math.min(keep, sampling.train));
  const fineTunings = seeds * lines * (train.length > 0 ? rounds : 0);
  const fineTuned = fineTunings * fineTuning.epochs * kept * example;
  const queries = sum((one) => tried(one) * asked(one.task));
  const selfEdits = sum(({ written }) => written);
  return {
    model: variant.model,
    trainings: seeds * (counts.rewards + counts.evaluations) + fineTunings,
    generations: selfEdits + queries,
    tokens: {
      trained:
        sum(
          ({ task, own, fixed }) =>
            (own * read(epochs) + fixed * read(recipe.epochs)) * sample(task),
        ) + fineTuned,
      likelyTrained:
        sum(
          ({ task, own, fixed }) =>
            (own + fixed) *
            read(recipe.epochs) *
            Math.min(limits.sampleTokens, demonstrationTokens(task) + INSTRUCTION_TOKENS),
        ) + fineTuned,
      generated:
        selfEdits * sampling.maximumTokens +
        sum(
          (one) =>
            tried(one) * asked(one.task) * Math.min(answers.maximumTokens, answerTokens(one.task)),
        ),
      prompts:
        sum(({ task, written }) => written * request(task)) +
        sum(
          (one) =>
            tried(one) * asked(one.task) * (demonstrationTokens(one.task) + INSTRUCTION_TOKENS),
        ),
    },
    ...(fineTunings > 0
      ? { fineTunings: { count: fineTunings, steps: stepCount(kept, fineTuning) } }
      : {}),
    passes: [
      trainingPass(
        { ...innerLoop, batchSize: RECIPE_BATCH_SIZE },
        variant.concurrency,
        Math.max(...tries.map(({ task }) => sample(task))),
      ),
      trainingPass(fineTuning, 1, example),
    ],
    weightSets: rounds > 0 ? 2 : 1,
  };
}

/** Most ways to ask one test: choices of demonstrations, each in several orders, and the turned ones. */
export function queryCount(
  { train }: ArcTask,
  { leftOut, permutations, limit }: ArcVariant["queries"],
): number {
  const left = Math.min(leftOut, train.length - 1);
  let choices = 1;
  for (let i = 0; i < left; i++) choices = (choices * (train.length - i)) / (i + 1);
  return Math.min(limit, choices * (1 + permutations) + TURNED_QUERIES);
}

function gridTokens(grid: Grid): number {
  return 2 * grid.length * grid[0].length + GRID_TOKENS;
}

function demonstrationTokens({ train }: ArcTask): number {
  return train.reduce((sum, { input, output }) => sum + gridTokens(input) + gridTokens(output), 0);
}

/** Augmentations at most double height and width, where the result still has at most 30 rows and columns. */
function growth({ train }: ArcTask): number {
  const grids = train.flatMap(({ input, output }) => [input, output]);
  const doubles = (side: (grid: Grid) => number): boolean =>
    grids.every((grid) => 2 * side(grid) <= LARGEST_SIDE);
  return (doubles((grid) => grid.length) ? 2 : 1) * (doubles((grid) => grid[0].length) ? 2 : 1);
}

/** Tokens of a task's largest answer; as large as the largest demonstrated output where the solution is unknown. */
function answerTokens({ train, test }: ArcTask): number {
  const outputs = [...train, ...test].flatMap(({ output }) => (output ? [output] : []));
  return Math.max(...outputs.map(gridTokens));
}
