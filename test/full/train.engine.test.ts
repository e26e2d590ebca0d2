/** Training all weights: PyTorch's AdamW step by step, whatever the passes; nothing leaks, nothing else changes, a stopped training goes on. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startEngine } from "../../src/engine";
import { UserError } from "../../src/messages/errors";
import type { FullSettings } from "../../src/full/settings";
import { trainFull, type FullJob, type FullResult } from "../../src/full/train";
import { namedWeights } from "../../src/lora/save-merged";
import { scoreRowsLater } from "../../src/lora/score";
import { disposeModel, type Model } from "../../src/model/load";
import type { Network } from "../../src/model/transformer";
import { weightTensors } from "../../src/model/weight-tree";
import { sha256OfWeights } from "../../src/model/weights";
import { createRandom } from "../../src/statistics/random";
import { formulaNetwork } from "../model/formula";
import { randomNetwork, smallConfig } from "../model/random-network";
import { caught } from "../model/refusal";
import { largestDifference, loadNetwork } from "../model/tiny";
import { sharedPath, testWithShared } from "../shared";

interface Numbers {
  sequences: number[][];
  losses: number[];
  norms: number[];
  stride: number;
  weights: Record<string, string>;
}
interface Fixture {
  settings: Partial<FullSettings>;
  models: Record<string, unknown>;
  formula: Record<string, Numbers>;
  goldens: Record<string, Numbers>;
}
const fixture = JSON.parse(
  readFileSync(path.join(__dirname, "../fixtures/full/numbers.json"), "utf8"),
) as Fixture;
const LIMIT = 1e-4;
const folder = mkdtempSync(path.join(os.tmpdir(), "seal full "));
const test = suite("training all weights");
const random = createRandom("full training");
let model: Model;

const modelOf = (network: Network): Model => ({ ...network, id: "tiny", inputs: [] });
const ids = (length: number): number[] =>
  Array.from({ length }, () => random.integer(smallConfig.vocabularySize));

test.before(async () => {
  await startEngine();
  model = modelOf(randomNetwork());
});
test.after(() => {
  disposeModel(model);
  rmSync(folder, { recursive: true });
});

function trained(result: FullResult): Model {
  assert.is(result.status, "ok", result.reason);
  return result.model!;
}

/** Twelve steps equal PyTorch's in losses, gradient norms and weights, in mini-batches, accumulated, and with layers made again. */
async function assertPyTorch(network: Network, numbers: Numbers): Promise<void> {
  const sequences = numbers.sequences.map((row) => ({ ids: row }));
  const ways: Partial<FullSettings>[] = [
    {},
    { batchSize: 1, accumulation: 2 },
    { gradientCheckpointing: true },
  ];
  for (const way of ways) {
    const settings = { ...fixture.settings, ...way, shuffle: false };
    const result = await trainFull(modelOf(network), { sequences, settings });
    const { weights } = trained(result);
    assert.is(result.losses.length, 12);
    assert.ok(largestDifference(result.losses, numbers.losses) < LIMIT, result.losses.join());
    result.gradientNorms.forEach((norm, i) =>
      assert.ok(Math.abs(norm / numbers.norms[i] - 1) < LIMIT, `norm ${i}: ${norm}`),
    );
    const named = namedWeights(network.config, weights);
    assert.equal([...named.keys()].sort(), Object.keys(numbers.weights).sort());
    for (const [name, { values }] of named) {
      const { buffer, byteOffset, length } = Buffer.from(numbers.weights[name], "base64");
      const expected = new Float32Array(buffer.slice(byteOffset, byteOffset + length));
      const sampled = values.filter((_, i) => i % numbers.stride === 0);
      const difference = largestDifference(sampled, expected);
      assert.ok(difference < LIMIT, `${name}: ${difference}`);
    }
    disposeModel(result.model!);
  }
}

for (const [family, config] of Object.entries(fixture.models))
  test(`12 steps equal PyTorch's: ${family}`, async () => {
    const network = await formulaNetwork(config);
    await assertPyTorch(network, fixture.formula[family]);
    disposeModel(modelOf(network));
  });
for (const family of Object.keys(fixture.goldens))
  testWithShared(
    test,
    `goldens/${family}`,
    `12 steps equal PyTorch's: golden ${family}`,
    async () => {
      const network = await loadNetwork(sharedPath("goldens", family, "model"));
      await assertPyTorch(network, fixture.goldens[family]);
      disposeModel(modelOf(network));
    },
  );

test("steps so long that they go in several passes have the loss and the norm of one", async () => {
  const sequences = [600, 500, 40, 250].map((length) => ({ ids: ids(length), lossFrom: 3 }));
  const once = { epochs: 1, batchSize: 4, shuffle: false };
  const long = { ...model, config: { ...model.config, maximumPositions: 1000 } };
  const together = await trainFull(long, { sequences, settings: once });
  // The same tokens in rows that are repeated weigh the same, so that one step of each is a sum that can be done by hand.
  const scored = await scoreRowsLater(
    long,
    sequences.map((sequence) => sequence.ids),
  );
  const losses = scored.flatMap((own) => own.slice(2));
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  assert.ok(Math.abs(together.losses[0] - mean) < 1e-4, `${together.losses[0]}, ${mean}`);
  const twice = [...sequences, ...sequences].map(({ ids: row, lossFrom }) => ({
    ids: [...row],
    lossFrom,
  }));
  const doubled = await trainFull(long, { sequences: twice, settings: { ...once, batchSize: 8 } });
  assert.ok(Math.abs(doubled.gradientNorms[0] / together.gradientNorms[0] - 1) < 1e-4);
  [together, doubled].forEach((result) => disposeModel(trained(result)));
});

const job: FullJob = {
  sequences: Array.from({ length: 5 }, (_, i) => ({ ids: ids(4 + 3 * i) })),
  settings: {
    epochs: 4,
    batchSize: 2,
    learningRate: 3e-3,
    warmupSteps: 2,
    schedule: "cosine",
    seed: 3,
  },
};
/** 4 epochs of 3 mini-batches. */
const STEPS = 12;

test("the model stays as it is, the result is its own, and no tensor is left", async () => {
  const before = await sha256OfWeights(model.weights);
  const { numTensors, numBytes } = tf.memory();
  const result = trained(await trainFull(model, job));
  assert.is(tf.memory().numTensors, numTensors + weightTensors(result.weights).length);
  assert.is(await sha256OfWeights(model.weights), before);
  assert.is.not(await sha256OfWeights(result.weights), before);
  const rows = job.sequences.map((sequence) => (sequence as { ids: number[] }).ids);
  const mean = async (of: Model): Promise<number> => {
    const losses = (await scoreRowsLater(of, rows)).flat();
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  };
  assert.ok((await mean(result)) < (await mean(model)) - 0.5);
  disposeModel(result);
  assert.is(tf.memory().numTensors, numTensors);
  assert.is(tf.memory().numBytes, numBytes);
});

test("a result can be trained further, and a seed decides the order", async () => {
  const first = await trainFull(model, job);
  const again = await trainFull(model, job);
  assert.equal(again.losses, first.losses);
  const other = await trainFull(model, { ...job, settings: { ...job.settings, seed: 4 } });
  assert.is.not(other.losses[1], first.losses[1]);
  const further = await trainFull(trained(first), job);
  assert.ok(further.losses[0] < first.losses[0] - 0.3);
  [first, again, other, further].forEach((result) => disposeModel(trained(result)));
});

test("stopped at any step, it goes on from its checkpoint to the same weights, bit for bit", async () => {
  const whole = await trainFull(model, job);
  const hash = await sha256OfWeights(trained(whole).weights);
  for (const at of [2, 7, STEPS]) {
    const checkpoint = { file: path.join(folder, String(at)), everySeconds: 0 };
    const stop = new Error("stopped");
    const { numTensors } = tf.memory();
    const onStep = (done: number): void => {
      if (done === at) throw stop;
    };
    assert.is(await caught(() => trainFull(model, job, { checkpoint, onStep })), stop);
    assert.is(tf.memory().numTensors, numTensors);
    const steps: number[] = [];
    const result = await trainFull(model, job, {
      checkpoint,
      onStep: (done, total) => steps.push(done, total),
    });
    assert.equal(result.losses, whole.losses);
    assert.is(await sha256OfWeights(trained(result).weights), hash);
    assert.equal(steps.slice(0, 4), [at - 1, STEPS, at, STEPS]);
    disposeModel(result.model!);
    const changed = { ...job, settings: { ...job.settings, learningRate: 1e-3 } };
    const error = await caught(() => trainFull(model, changed, { checkpoint }));
    assert.instance(error, UserError);
    assert.match((error as Error).message, /settings\.learningRate: 0\.003 -> 0\.001/);
  }
  assert.ok(existsSync(path.join(folder, "2")));
  disposeModel(whole.model!);
});

test("what diverges, has no room or nothing to predict is told so, and leaves nothing", async () => {
  const { numTensors } = tf.memory();
  const results = [
    await trainFull(model, job, { memoryLimit: 1e5 }),
    await trainFull(model, { sequences: [{ ids: [5] }] }),
  ];
  assert.equal(
    results.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  assert.match(results[0].reason ?? "", /needs 0\.0 GB of memory at the least/);
  assert.match(results[1].reason ?? "", /training sequence 1 has no token to predict/);
  const { embedding, ...weights } = model.weights;
  const infinite = tf.tidy(() => tf.mul(embedding, Infinity)) as tf.Tensor2D;
  const poisoned = { ...model, weights: { ...weights, embedding: infinite } };
  const nan = await trainFull(poisoned, job);
  assert.is(nan.status, "diverged");
  assert.match(nan.reason ?? "", /^loss NaN and gradient norm NaN at step 1$/);
  infinite.dispose();
  assert.is(tf.memory().numTensors, numTensors);
});

const refusals: [name: string, job: object, options: object | undefined, message: RegExp][] = [
  [
    "a rate of 0",
    { ...job, settings: { learningRate: 0 } },
    undefined,
    /trainFull: settings: learningRate/,
  ],
  ["LoRA's rank", { ...job, settings: { rank: 8 } }, undefined, /there is no setting "rank"/],
  [
    "the other method",
    { ...job, settings: { method: "lora" } },
    undefined,
    /trainFull: settings: method/,
  ],
  ["no sequences", { sequences: [] }, undefined, /there are no training sequences/],
  ["a misspelt key", { ...job, setting: {} }, undefined, /did you mean "settings"/],
  ["a misspelt option", job, { checkpoints: {} }, /did you mean "checkpoint"/],
];
for (const [name, given, options, message] of refusals)
  test(`refused at once: ${name}`, async () => {
    const error = await caught(() => trainFull(model, given as FullJob, options));
    assert.instance(error, UserError, String(error));
    assert.match((error as Error).message, message);
  });

test.run();
