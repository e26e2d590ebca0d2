/** The plan of few-shot ARC against hand calculations. */
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { arcWorkload, queryCount } from "../../../src/experiments/arc/plan";
import type { LoraSettings } from "../../../src/lora/settings";
import type { ArcVariant } from "../../../src/experiments/arc/variant";
import { taskCounts } from "../../../src/experiments/arc/source";
import { readVariant } from "../../../src/experiments/variants";
import type { ArcTask } from "../../../src/tasks/arc/grids";

const test = suite("ARC plan");
const paper = (): Promise<ArcVariant> =>
  readVariant(path.join(__dirname, "../../../experiments/arc/paper.json")) as Promise<ArcVariant>;

/** Two demonstrations and one test, all of 3 x 3. */
const grid = [
  [0, 0, 0],
  [0, 0, 0],
  [0, 0, 0],
];
const small: ArcTask = {
  train: [
    { input: grid, output: grid },
    { input: grid, output: grid },
  ],
  test: [{ input: grid, output: grid }],
};

test("the paper's preset is the released code's", async () => {
  const variant = await paper();
  const { sampling, limits, innerLoop, fineTuning } = variant;
  assert.equal(taskCounts(variant), { train: 12, round: 12, evaluate: 10 });
  assert.equal([sampling.train, sampling.evaluate, limits.steps], [15, 5, 375]);
  assert.ok(innerLoop.method !== "full");
  const { rank: adapterRank, alpha, schedule } = innerLoop as LoraSettings;
  assert.equal([adapterRank, alpha, schedule], [128, 16, "cosine"]);
  const { rank, learningRate, epochs, batchSize } = fineTuning;
  assert.equal([rank, learningRate, epochs, batchSize], [16, 5e-5, 8, 5]);
});

test("its counts, by hand", async () => {
  const variant = await paper();
  const tasks = (count: number): ArcTask[] => Array.from({ length: count }, () => small);
  const plan = arcWorkload(variant, tasks(12), tasks(10));
  // 12 x 15 rewards, 10 fixed, 10 x 5 untrained, 10 x 5 after the round, 1 fine-tuning.
  assert.is(plan.trainings, 180 + 10 + 50 + 50 + 1);
  // 280 recipes; 180 + 10 + 10 + 100 tries x (2 choices x 3 orders + 5 turned) answers.
  assert.is(plan.generations, 280 + 300 * 11);
  // A grid has 2 x 9 + 8 = 26 tokens, the demonstrations 104; a sample at most 4 x 104 + 60 = 476.
  // 280 recipes read 751 samples, the 10 fixed ones 2 x 250; fine-tuning 8 epochs of 180 x (104 + 170 + 128).
  assert.is(plan.tokens.trained, (280 * 751 + 10 * 500) * 476 + 8 * 180 * 402);
  assert.is(plan.tokens.generated, 280 * 128 + 3300 * 26);
  assert.is(plan.tokens.prompts, 280 * 274 + 3300 * 164);
  assert.equal(
    plan.passes.map(({ rank, concurrency, stepTokens }) => [rank, concurrency, stepTokens]),
    [
      [128, 1, 2 * 476],
      [16, 1, 5 * 402],
    ],
  );
});

test("a grid of 16 columns is not doubled in width", async () => {
  const wide = [Array.from({ length: 16 }, () => 0)];
  const task = { ...small, train: [{ input: wide, output: wide }] };
  const { passes } = arcWorkload(await paper(), [], [task]);
  // 2 x (2 x 16 + 8) tokens of demonstrations, twice as high at most, and 60 of instruction.
  assert.is(passes[0].stepTokens, 2 * (2 * 80 + 60));
  const variant = await paper();
  const innerLoop = { ...variant.innerLoop, gradientCheckpointing: true };
  const [asked] = arcWorkload({ ...variant, innerLoop }, [], [task]).passes;
  assert.equal([passes[0].checkpointed, asked.checkpointed], [false, true]);
});

test("ways to ask a test", () => {
  const four = { ...small, train: [...small.train, ...small.train] };
  assert.is(queryCount(four, { leftOut: 1, permutations: 2, limit: 200 }), 4 * 3 + 5);
  assert.is(queryCount(four, { leftOut: 2, permutations: 0, limit: 200 }), 6 + 5);
  assert.is(queryCount(four, { leftOut: 1, permutations: 2, limit: 3 }), 3);
  assert.is(
    queryCount({ ...small, train: [small.train[0]] }, { leftOut: 1, permutations: 2, limit: 99 }),
    8,
  );
});

test.run();
