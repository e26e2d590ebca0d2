/** Many inner-loop jobs in one process: no tensor stays, and the process does not grow. JOBS=500 is the whole check. */
import v8 from "node:v8";
import vm from "node:vm";
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startEngine } from "../../src/engine";
import type { Model } from "../../src/model/load";
import { disposeWeights } from "../../src/model/weights";
import { createRandom } from "../../src/statistics/random";
import { runInnerLoop, type InnerLoopCandidate } from "../../src/restem/inner-loop";
import { randomNetwork, smallConfig } from "../model/random-network";

const test = suite("memory of the inner loop");
const jobs = Number(process.env.JOBS ?? 160);
const GROUP = 10;
/** Jobs after which allocators and compilers have what they keep. */
const WARM_UP = Math.min(150, jobs / 2);
/** The process may grow by so many megabytes in 100 jobs; a short run is mostly noise. */
const MOST_GROWTH = jobs >= 500 ? 1 : 5;

v8.setFlagsFromString("--expose-gc");
const collectGarbage = vm.runInNewContext("gc") as () => void;

function candidates(start: number): InnerLoopCandidate[] {
  const random = createRandom(`memory ${start}`);
  const ids = (length: number): number[] =>
    Array.from({ length }, () => random.integer(smallConfig.vocabularySize));
  return Array.from({ length: GROUP }, (_, j) => ({
    // One in ten is impossible: what is refused must not stay either.
    sequences: j === 3 ? [{ ids: [1] }] : [{ ids: ids(4 + random.integer(20)) }, { ids: ids(9) }],
    settings: { rank: 1 + (j % 4), epochs: 2, seed: start + j },
    questions: [0, 1].map(() => ({ prompt: ids(6), judge: () => "correct" as const })),
  }));
}

test(`${jobs} jobs leave nothing behind`, async () => {
  await startEngine();
  const model: Model = {
    ...randomNetwork(),
    id: "random",
    inputs: [],
    text: {
      tokenizer: {
        vocabularySize: smallConfig.vocabularySize,
        encode: () => [1],
        decode: (tokens) => tokens.join(" "),
        idOf: () => undefined,
      },
    },
  };
  const tensors = tf.memory().numTensors;
  const bytes = tf.memory().numBytes;
  const grown: [number, number][] = [];
  for (let start = 0; start < jobs; start += GROUP) {
    const results = await runInnerLoop(model, candidates(start), {
      concurrency: GROUP,
      answerTokens: 4,
    });
    assert.is(results.filter(({ status }) => status === "ok").length, GROUP - 1);
    assert.is(tf.memory().numTensors, tensors, `after ${start + GROUP} jobs`);
    assert.is(tf.memory().numBytes, bytes, `after ${start + GROUP} jobs`);
    collectGarbage();
    if (start >= WARM_UP) grown.push([start / 100, process.memoryUsage.rss() / 1e6]);
  }
  const { linearRegression } = await import("simple-statistics");
  const { m: slope } = linearRegression(grown);
  console.log(
    `${jobs} jobs on ${tf.getBackend()}: ${tensors} tensors, ${grown.at(-1)?.[1].toFixed(0)} MB at the end, ${slope.toFixed(2)} MB more in 100 jobs`,
  );
  assert.ok(slope < MOST_GROWTH, `${slope} MB in 100 jobs`);
  disposeWeights(model.weights);
});

test.run();
