/** K adapters together equal K alone; the base stays as it is; nothing leaks; one job's trouble stays its own. */
import { createHash } from "node:crypto";
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startEngine } from "../../src/engine";
import { createRandom } from "../../src/statistics/random";
import type { Adapter } from "../../src/lora/adapter";
import { generateGroups } from "../../src/lora/generate";
import { mergeWeights } from "../../src/lora/merge";
import { scoreRows } from "../../src/lora/score";
import { parseLoraSettings } from "../../src/lora/settings";
import { trainJobs, type TrainingJob, type TrainingResult } from "../../src/lora/trainer";
import { TARGET_NAMES } from "../../src/model/adapters";
import type { Model } from "../../src/model/load";
import { disposeWeights } from "../../src/model/weights";
import { randomNetwork, smallConfig } from "../model/random-network";
import { largestDifference } from "../model/tiny";

const test = suite("trainer");
const random = createRandom("trainer test");
let model: Model;

const ids = (length: number): number[] =>
  Array.from({ length }, () => random.integer(smallConfig.vocabularySize));

/** Jobs that differ in everything: lengths, ranks, rates, targets, batch sizes, schedules. */
const jobs: TrainingJob[] = Array.from({ length: 8 }, (_, j) => ({
  sequences: Array.from({ length: 2 + (j % 3) }, () => ({ ids: ids(3 + random.integer(30)) })),
  settings: parseLoraSettings({
    rank: [1, 4, 8, 3][j % 4],
    alpha: [16, 4][j % 2],
    targets:
      j % 3 === 0 ? ["q_proj", "v_proj"] : j % 3 === 1 ? TARGET_NAMES : ["down_proj", "k_proj"],
    epochs: 6,
    batchSize: 1 + (j % 2),
    accumulation: 1 + (j === 7 ? 1 : 0),
    learningRate: [1e-2, 3e-3, 2e-2][j % 3],
    schedule: j % 2 ? "cosine" : "linear",
    warmupSteps: j % 4,
    weightDecay: j === 5 ? 0.1 : 0,
    seed: j,
  }),
}));

function assertSameAdapter(a: Adapter, b: Adapter, bound: number, what: string): void {
  for (const [name, { values }] of a.tensors) {
    const other = b.tensors.get(name);
    assert.ok(other, name);
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
    const difference = largestDifference(values, other.values);
    assert.ok(difference <= bound * largest, `${what} ${name}: ${difference} of ${largest}`);
  }
}

test.before(async () => {
  await startEngine();
  model = { ...randomNetwork(), id: "random", inputs: [] };
});

test("K = 1, 2, 5, 8 together equal each alone", async () => {
  const alone: TrainingResult[] = [];
  for (const job of jobs) alone.push((await trainJobs(model, [job]))[0]);
  for (const count of [2, 5, 8]) {
    const together = await trainJobs(model, jobs.slice(0, count), { concurrency: count });
    for (const [j, result] of together.entries()) {
      assert.is(result.status, "ok");
      assert.ok(result.losses.length >= 6);
      assert.ok(largestDifference(result.losses, alone[j].losses) < 1e-3, `losses of ${j}`);
      assert.ok(result.adapter && alone[j].adapter);
      assertSameAdapter(alone[j].adapter, result.adapter, 1e-3, `K = ${count}, job ${j}`);
    }
    const prompts = [ids(7), ids(3), ids(12)];
    const options = { maximumTokens: 8 };
    const groups = (results: TrainingResult[]): { adapter: Adapter; prompts: number[][] }[] =>
      results.flatMap(({ adapter }) => (adapter ? [{ adapter, prompts }] : []));
    const answers = await generateGroups(model, groups(together), options);
    for (const [j, result] of alone.slice(0, count).entries()) {
      const [own] = await generateGroups(model, groups([result]), options);
      assert.equal(
        answers[j].map((answer) => answer.tokens),
        own.map((answer) => answer.tokens),
      );
    }
  }
});

test("waiting jobs take the places of finished ones", async () => {
  const all = await trainJobs(model, jobs, { concurrency: 8 });
  const few = await trainJobs(model, jobs, { concurrency: 3 });
  few.forEach((result, j) => {
    assert.ok(result.adapter && all[j].adapter);
    assertSameAdapter(all[j].adapter, result.adapter, 1e-3, `job ${j}`);
  });
});

test("steps so long that they go in several passes equal each job alone", async () => {
  const long: TrainingJob[] = [250, 240, 200].map((length, seed) => ({
    sequences: [{ ids: ids(length) }, { ids: ids(30) }],
    settings: parseLoraSettings({ rank: 2, alpha: 4, epochs: 2, learningRate: 0.01, seed }),
  }));
  const together = await trainJobs(model, long);
  for (const [j, job] of long.entries()) {
    const [alone] = await trainJobs(model, [job]);
    assert.ok(alone.adapter && together[j].adapter);
    assert.is(alone.losses.length, 4);
    assertSameAdapter(alone.adapter, together[j].adapter, 1e-3, `job ${j}`);
  }
});

test("the base weights and the number of tensors are unchanged after 20 jobs", async () => {
  const frozen = [
    model.weights.embedding,
    model.weights.head,
    ...model.weights.layers.flatMap((layer) => Object.values(layer) as tf.Tensor[]),
  ];
  const bytes = (): string => {
    const hash = createHash("sha256");
    for (const tensor of frozen) hash.update(new Uint8Array(tensor.dataSync().buffer));
    return hash.digest("hex");
  };
  const before = bytes();
  await trainJobs(model, jobs.slice(0, 2));
  const tensors = tf.memory().numTensors;
  const twenty = Array.from({ length: 20 }, (_, j) => jobs[j % jobs.length]);
  const results = await trainJobs(model, twenty, { concurrency: 5 });
  assert.is(results.filter((result) => result.status === "ok").length, 20);
  assert.is(tf.memory().numTensors, tensors);
  assert.is(bytes(), before);
});

test("a job that diverges is dropped with a reason, and its neighbour is unharmed", async () => {
  const wild: TrainingJob = {
    sequences: [{ ids: ids(9) }],
    settings: parseLoraSettings({
      learningRate: 1,
      alpha: 65_536,
      rank: 1,
      clipNorm: 0,
      schedule: "constant",
      epochs: 400,
    }),
  };
  const poisoned: Adapter | undefined = (await trainJobs(model, [jobs[0]]))[0].adapter;
  assert.ok(poisoned);
  const bad = new Map(
    [...poisoned.tensors].map(([name, { shape, values }]) => [
      name,
      { shape, values: values.map(() => NaN) },
    ]),
  );
  const tensors = tf.memory().numTensors;
  const [first, nan, last] = await trainJobs(model, [
    jobs[1],
    { ...wild, initial: { ...poisoned, tensors: bad } },
    jobs[2],
  ]);
  assert.is(nan.status, "diverged");
  assert.match(nan.reason ?? "", /step 1$/);
  assert.is(nan.adapter, undefined);
  assert.is(tf.memory().numTensors, tensors);
  const [alone] = await trainJobs(model, [jobs[1]]);
  assert.ok(first.adapter && alone.adapter && last.status === "ok");
  assertSameAdapter(alone.adapter, first.adapter, 1e-3, "neighbour");
});

test("impossible jobs are rejected before any work", async () => {
  const settings = parseLoraSettings({ epochs: 10_000 });
  const many = Array.from({ length: 30 }, () => ({ ids: ids(3) }));
  const results = await trainJobs(model, [
    { sequences: [], settings },
    { sequences: [{ ids: [5] }], settings },
    { sequences: [{ ids: ids(6), lossFrom: 5 }], settings: { ...settings, maximumTokens: 4 } },
    { sequences: many, settings },
  ]);
  assert.equal(
    results.map((result) => [result.status, result.reason, result.losses.length]),
    [
      ["rejected", "no training sequences", 0],
      ["rejected", "training sequence 1 has no token to predict", 0],
      [
        "rejected",
        "training sequence 1 has no token to predict: its prompt has 5 tokens, and it is cut after 4 (maximumTokens)",
        0,
      ],
      ["rejected", "300000 steps are more than 200000", 0],
    ],
  );
});

test("a merged adapter gives the adapter's likelihoods", async () => {
  const [{ adapter }] = await trainJobs(model, [jobs[1]]);
  assert.ok(adapter);
  const rows = [ids(20), ids(5)];
  const merged = mergeWeights(model.config, model.weights, adapter);
  const base = scoreRows(model, rows).flat();
  const adapted = scoreRows(model, rows, adapter).flat();
  const result = scoreRows({ ...model, weights: merged }, rows).flat();
  disposeWeights(merged);
  assert.ok(largestDifference(base, adapted) > 0.1, "the adapter changes something");
  assert.ok(largestDifference(adapted, result) < 1e-4);
});

test("dropout is drawn from the seed and changes training only", async () => {
  const dropping: TrainingJob = { ...jobs[1], settings: { ...jobs[1].settings, dropout: 0.5 } };
  const [a] = await trainJobs(model, [dropping]);
  const [b] = await trainJobs(model, [dropping]);
  const [c] = await trainJobs(model, [
    { ...dropping, settings: { ...dropping.settings, seed: 99 } },
  ]);
  assert.equal(a.losses, b.losses);
  assert.is.not(a.losses[3], c.losses[3]);
  // B is zero at first. With dropout the pass is made of other operations, which round otherwise.
  const [plain] = await trainJobs(model, [jobs[1]]);
  assert.ok(Math.abs(a.losses[0] - plain.losses[0]) < 1e-6);
});

test("gradient checkpointing gives the same adapters bit for bit, with dropout too, and leaks nothing", async () => {
  for (const dropout of [0, 0.3]) {
    const plain = jobs
      .slice(0, 3)
      .map((job) => ({ ...job, settings: { ...job.settings, dropout } }));
    const { numTensors } = tf.memory();
    const expected = await trainJobs(model, plain);
    const found = await trainJobs(
      model,
      plain.map((job) => ({ ...job, settings: { ...job.settings, gradientCheckpointing: true } })),
    );
    assert.is(tf.memory().numTensors, numTensors);
    found.forEach((result, j) => {
      assert.equal(result.losses, expected[j].losses);
      assert.ok(result.adapter && expected[j].adapter);
      assertSameAdapter(result.adapter, expected[j].adapter, 0, `dropout ${dropout}, job ${j}`);
    });
  }
});

test("tokens before lossFrom are read but not trained on", async () => {
  const row = ids(12);
  const settings = parseLoraSettings({ rank: 2, epochs: 1 });
  const [{ losses }] = await trainJobs(model, [
    { sequences: [{ ids: row, lossFrom: 8 }], settings },
  ]);
  const nll = scoreRows(model, [row])[0].slice(7);
  assert.ok(Math.abs(losses[0] - nll.reduce((sum, value) => sum + value, 0) / nll.length) < 1e-5);
});

test("trained padding (padFrom) counts in the loss but is not attended to", async () => {
  const settings = parseLoraSettings({ rank: 2, epochs: 1 });
  const loss = async (pads: number[]): Promise<number> => {
    const row = { ids: [4, 7, 9, 11, ...pads], padFrom: 4, lossFrom: 5 };
    return (await trainJobs(model, [{ sequences: [row], settings }]))[0].losses[0];
  };
  const plain = async (pads: number[]): Promise<number> => {
    const row = { ids: [4, 7, 9, 11, ...pads], lossFrom: 5 };
    return (await trainJobs(model, [{ sequences: [row], settings }]))[0].losses[0];
  };
  assert.ok(Math.abs((await loss([0, 0, 0])) - (await plain([0, 0, 0]))) > 1e-4);
});

test.run();
