/** 100 candidates of which 20 are poisoned in five ways: the other 80 are, bit for bit, what they are without the 20. */
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startEngine } from "../../src/engine";
import type { Adapter } from "../../src/lora/adapter";
import {
  trainAdapterGroups,
  trainAdapters,
  trainCandidates,
  type AdapterJob,
} from "../../src/lora/train";
import type { Model } from "../../src/model/load";
import { disposeWeights } from "../../src/model/weights";
import { createRandom } from "../../src/statistics/random";
import { runInnerLoop, type InnerLoopCandidate } from "../../src/restem/inner-loop";
import { randomNetwork, smallConfig } from "../model/random-network";

const test = suite("poisoned candidates");
const random = createRandom("poison");
/** A token whose embedding is infinite. */
const OVERFLOWING = smallConfig.vocabularySize - 1;
const text = {
  encode: () => [1],
  decode: (tokens: readonly number[]) => tokens.join(" "),
  idOf: () => undefined,
  vocabularySize: smallConfig.vocabularySize,
};
let model: Model;

test.before(async () => {
  await startEngine();
  const network = randomNetwork({ ...smallConfig, maximumPositions: 40 });
  const { embedding, ...weights } = network.weights;
  const [rows, width] = embedding.shape;
  const infinite = tf.tidy(() =>
    tf.concat<tf.Tensor2D>([
      tf.slice(embedding as tf.Tensor2D, 0, rows - 1),
      tf.fill<tf.Rank.R2>([1, width], Infinity),
    ]),
  );
  embedding.dispose();
  const overflowing = { ...weights, embedding: infinite };
  model = {
    config: network.config,
    weights: overflowing,
    id: "random",
    inputs: [],
    text: { tokenizer: text },
  };
});

test.after(() => disposeWeights(model.weights));

const ids = (length: number): number[] => Array.from({ length }, () => random.integer(OVERFLOWING));

function goodJob(seed: number): AdapterJob {
  return {
    sequences: Array.from({ length: 1 + random.integer(2) }, () => ({
      ids: ids(3 + random.integer(20)),
    })),
    settings: { rank: 1 + (seed % 3), alpha: 4, epochs: 2, learningRate: 5e-3, seed },
  };
}

/** The five ways. */
const ways: (() => { job: AdapterJob; status: string; reason: RegExp })[] = [
  () => ({ job: { sequences: [] }, status: "rejected", reason: /^no training sequences$/ }),
  () => ({
    job: { ...goodJob(1), settings: { learningRate: NaN } },
    status: "rejected",
    reason: /learningRate/,
  }),
  () => ({
    job: { sequences: [{ ids: ids(41) }] },
    status: "rejected",
    reason: /^training sequence 1 has 41 tokens; the model reads at most 40$/,
  }),
  () => ({
    job: {
      sequences: [{ ids: ids(9) }, { ids: [3, OVERFLOWING, 4] }],
      settings: { rank: 2, epochs: 2, shuffle: false },
    },
    status: "diverged",
    reason: /^loss NaN .* at step 2$/,
  }),
  () => ({
    job: { ...goodJob(2), initial: broken },
    status: "diverged",
    reason: /at step 1$/,
  }),
];

let broken: Adapter;
let jobs: AdapterJob[];
let poison: Map<number, ReturnType<(typeof ways)[number]>>;

test.before(async () => {
  const [{ adapter }] = await trainAdapters(model, [goodJob(0)]);
  assert.ok(adapter);
  const tensors = [...adapter.tensors].map(
    ([name, { shape, values }]) => [name, { shape, values: values.map(() => NaN) }] as const,
  );
  broken = { ...adapter, tensors: new Map(tensors) };
  const places = random.shuffle([...Array(100).keys()]).slice(0, 20);
  // The first of a batch is the one whose tokens fill the others' padding.
  if (!places.includes(0)) places[19] = 0;
  poison = new Map(places.map((place, i) => [place, ways[(i + 1) % 5]()]));
  jobs = Array.from({ length: 100 }, (_, j) => poison.get(j)?.job ?? goodJob(j));
});

const isGood = (_: unknown, j: number): boolean => !poison.has(j);

function assertSameBits(a: Adapter | undefined, b: Adapter | undefined, what: string): void {
  assert.ok(a && b, what);
  for (const [name, { values }] of a.tensors) {
    const other = b.tensors.get(name)?.values;
    assert.ok(
      other && Buffer.from(values.buffer).equals(Buffer.from(other.buffer)),
      `${what} ${name}`,
    );
  }
}

for (const concurrency of [7, 100])
  test(`80 adapters equal those of a run without the 20, ${concurrency} at once`, async () => {
    const tensors = tf.memory().numTensors;
    const all = await trainCandidates(model, jobs, { concurrency });
    const clean = await trainCandidates(model, jobs.filter(isGood), { concurrency });
    assert.is(tf.memory().numTensors, tensors);
    for (const [place, { status, reason }] of poison) {
      assert.is(all[place].status, status, `${place}: ${all[place].reason}`);
      assert.match(all[place].reason ?? "", reason);
      assert.is(all[place].adapter, undefined);
    }
    const good = all.filter(isGood);
    assert.is(good.length, 80);
    good.forEach((result, i) => {
      assertSameBits(result.adapter, clean[i].adapter, `job ${i}`);
      assert.equal(result.losses, clean[i].losses);
    });
  });

test("the inner loop's answers and rewards are those of a run without the 20, too", async () => {
  const candidate = ({ sequences, settings }: AdapterJob, j: number): InnerLoopCandidate => ({
    sequences,
    settings: settings ?? {},
    questions: Array.from({ length: 1 + (j % 3) }, (_, q) => ({
      prompt: [3 + q, 4 + (j % 40), 5],
      judge: (answer) => (answer.length % 2 ? "correct" : "wrong"),
    })),
  });
  const some = jobs.slice(0, 40).map(candidate);
  // A NaN adapter to start from is no candidate's: its place is a good one's here.
  const bad = new Set([...poison].filter(([, { job }]) => !job.initial).map(([place]) => place));
  const finished: number[] = [];
  const options = { concurrency: 8, answerTokens: 4 };
  const all = await runInnerLoop(model, some, { ...options, onGroup: (n) => finished.push(n) });
  const clean = await runInnerLoop(
    model,
    some.filter((_, j) => !bad.has(j)),
    options,
  );
  assert.is(
    finished.reduce((sum, n) => sum + n, 0),
    40,
  );
  const timeless = all
    .filter((_, j) => !bad.has(j))
    .map((result, i) => ({ ...result, seconds: clean[i].seconds }));
  assert.equal(timeless, clean);
  const counts = all.filter((_, j) => bad.has(j)).map(({ status, reward }) => [status, reward]);
  assert.ok(counts.length >= 4);
  for (const [status, reward] of counts) {
    assert.is.not(status, "ok");
    assert.is(reward, undefined);
  }
});

test("a job that is too large for memory is told so before any work", async () => {
  const large: AdapterJob = { sequences: [{ ids: ids(40) }], settings: { rank: 1024, epochs: 1 } };
  const [refused, good] = await trainCandidates(model, [large, goodJob(3)], { memoryLimit: 2e6 });
  assert.is(refused.status, "rejected");
  assert.match(refused.reason ?? "", /^needs 0\.0 GB of memory at the least; there are 0\.0 GB$/);
  assert.is(good.status, "ok");
});

test("a job for which the engine has no memory fails alone; a group that is too large is a user's mistake", async () => {
  const bomb = (message: string, when: () => boolean): AdapterJob => {
    const sequence = { ids: ids(39) };
    // Read first when the step is planned into a loss, after the checks and the cut.
    Object.defineProperty(sequence, "lossFrom", {
      get() {
        if (when()) throw new Error(message);
        return undefined;
      },
    });
    return { sequences: [sequence], settings: { rank: 4, epochs: 1 } };
  };
  const tensors = tf.memory().numTensors;
  let reads = 0;
  const failing = bomb("OOM when allocating tensor", () => ++reads > 2);
  const others = jobs.filter(isGood).slice(0, 3);
  const results = await trainCandidates(model, [...others, failing], { concurrency: 4 });
  const clean = await trainCandidates(model, others, { concurrency: 4 });
  assert.is(results[3].status, "failed");
  assert.match(results[3].reason ?? "", /does not fit into memory: OOM/);
  clean.forEach(({ adapter }, i) => assertSameBits(results[i].adapter, adapter, `job ${i}`));

  let left = 0;
  const once = bomb("OOM when allocating tensor", () => ++left === 3);
  await trainCandidates(model, [...others, once], { concurrency: 4 }).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /4 adapters at once do not fit .*lower/s),
  );
  await trainCandidates(model, [bomb("a mistake in the program", () => ++reads > 0)]).then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, "a mistake in the program"),
  );
  assert.is(tf.memory().numTensors, tensors);
});

test("the groups come one after the other, each whole or only with those that failed", async () => {
  const sizes: [number, string][] = [];
  for await (const group of trainAdapterGroups(model, jobs.slice(0, 30), { concurrency: 6 })) {
    const statuses = new Set(group.map(({ result }) => result.status));
    assert.ok(!statuses.has("ok") || statuses.size === 1);
    sizes.push([group.length, [...statuses].join()]);
  }
  const trained = sizes.filter(([, status]) => status === "ok").map(([size]) => size);
  assert.ok(trained.slice(0, -1).every((size) => size === 6));
  assert.is(
    sizes.reduce((sum, [size]) => sum + size, 0),
    30,
  );
});

test.run();
