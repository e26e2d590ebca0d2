/** A long training that is stopped anywhere goes on from its checkpoint: the same adapter and losses, bit for bit. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startEngine } from "../../src/engine";
import { UserError } from "../../src/messages/errors";
import type { CheckpointOptions } from "../../src/lora/checkpoint";
import type { LoraSettings } from "../../src/lora/settings";
import { trainAdapters, trainResumably, type AdapterJob } from "../../src/lora/train";
import type { TrainingResult } from "../../src/lora/trainer";
import type { Model } from "../../src/model/load";
import { disposeWeights } from "../../src/model/weights";
import { createRandom } from "../../src/statistics/random";
import { randomNetwork, smallConfig } from "../model/random-network";

const test = suite("checkpoints of training");
const folder = mkdtempSync(path.join(os.tmpdir(), "seal checkpoint "));
let model: Model;

const random = createRandom("checkpoint test");
const sequences = Array.from({ length: 7 }, (_, i) => ({
  ids: Array.from({ length: 4 + i }, () => random.integer(smallConfig.vocabularySize)),
}));
/** Everything that has a state: dropout, order, warm-up, a schedule, mini-batches that do not come out even. */
const settings: Partial<LoraSettings> = {
  rank: 3,
  dropout: 0.2,
  epochs: 4,
  batchSize: 2,
  accumulation: 2,
  warmupSteps: 2,
  schedule: "cosine",
  weightDecay: 0.01,
  learningRate: 0.01,
};
const job: AdapterJob = { sequences, settings };
/** 4 epochs of 2 steps. */
const STEPS = 8;

test.before(async () => {
  await startEngine();
  model = { ...randomNetwork(), id: "random", inputs: [] };
});
test.after(() => {
  disposeWeights(model.weights);
  rmSync(folder, { recursive: true });
});

/** Trains until `at` steps are done, and is then stopped as if by a power cut: nothing is told to the checkpoint. */
async function stoppedAt(at: number, of: AdapterJob, options: CheckpointOptions): Promise<void> {
  const stop = new Error("stopped");
  const error: unknown = await trainResumably(model, of, options, {
    onStep: (done) => {
      if (done === at) throw stop;
    },
  }).catch((reason: unknown) => reason);
  assert.is(error, stop);
}

/** Its result, and the steps that were still to be done. */
async function resumed(
  of: AdapterJob,
  options: CheckpointOptions,
): Promise<{ result: TrainingResult; steps: number }> {
  let steps = -1;
  const result = await trainResumably(model, of, options, { onStep: () => steps++ });
  return { result, steps };
}

test("stopped at every step, some of them twice", async () => {
  const [whole] = await trainAdapters(model, [job]);
  assert.is(whole.losses.length, STEPS);
  const { numTensors } = tf.memory();
  for (let at = 2; at <= STEPS; at++) {
    const options = { file: path.join(folder, String(at)), everySeconds: 0 };
    if (at > 4) await stoppedAt(3, job, options);
    await stoppedAt(at, job, options);
    const { result, steps } = await resumed(job, options);
    assert.equal(result, whole, `stopped at ${at}`);
    // The step at which it was stopped had not been kept.
    assert.is(steps, STEPS - at + 1);
    // Over, it is taken up before its last step.
    const again = await resumed(job, options);
    assert.equal(again.result, whole);
    assert.is(again.steps, 1);
  }
  assert.is(tf.memory().numTensors, numTensors);
});

test("what starts from an adapter does so only once", async () => {
  const [{ adapter: initial }] = await trainAdapters(model, [job]);
  assert.ok(initial);
  const second = { ...job, initial };
  const [whole] = await trainAdapters(model, [second]);
  const options = { file: path.join(folder, "initial"), everySeconds: 0 };
  await stoppedAt(5, second, options);
  assert.equal((await resumed(second, options)).result, whole);
});

test("what takes no time is not kept", async () => {
  const file = path.join(folder, "short");
  await resumed(job, { file, everySeconds: 1000 });
  assert.not.ok(existsSync(file));
});

test("other settings, sequences or a file of something else: refused with what changed", async () => {
  const options = { file: path.join(folder, "other"), everySeconds: 0 };
  await stoppedAt(4, job, options);
  const refusal = async (of: AdapterJob): Promise<string> => {
    const error: unknown = await resumed(of, options).catch((reason: unknown) => reason);
    assert.instance(error, UserError);
    return (error as UserError).message;
  };
  const changed = { ...settings, learningRate: 0.02, seed: 1 };
  assert.match(
    await refusal({ sequences, settings: changed }),
    "is of another training: settings.learningRate: 0.01 -> 0.02, settings.seed: 0 -> 1.",
  );
  assert.match(await refusal({ sequences: sequences.slice(1), settings }), /sequences: "/);
  writeFileSync(options.file, "");
  assert.match(await refusal(job), /too short/);
});

test.run();
