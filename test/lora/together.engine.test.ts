/** Two adapters trained, scored and decoded together equal each alone, and nothing leaks: short, for the slowest engines too. */
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startEngine } from "../../src/engine";
import { generateGroups } from "../../src/lora/generate";
import { scoreRowsLater } from "../../src/lora/score";
import { parseLoraSettings } from "../../src/lora/settings";
import { trainJobs, type TrainingJob } from "../../src/lora/trainer";
import { TARGET_NAMES } from "../../src/model/adapters";
import { randomNetwork, smallConfig } from "../model/random-network";
import { largestDifference } from "../model/tiny";

const test = suite("together");
/** Rounding of fp32 sums in another order, over two steps of AdamW. */
const BOUND = 1e-4;

const jobs: TrainingJob[] = [
  {
    sequences: [{ ids: [5, 9, 1, 30, 7, 7, 12] }, { ids: [3, 8, 22] }],
    settings: parseLoraSettings({ rank: 2, alpha: 4, epochs: 1, learningRate: 0.01, seed: 1 }),
  },
  {
    sequences: [{ ids: [40, 2, 11, 6] }, { ids: [9, 9, 50, 21, 4] }],
    settings: parseLoraSettings({
      ...{ rank: 3, alpha: 3, targets: TARGET_NAMES, epochs: 1, learningRate: 0.02, seed: 2 },
    }),
  },
];

test("two jobs together equal each alone, and all tensors are freed", async () => {
  await startEngine();
  const model = { ...randomNetwork({ ...smallConfig, layerCount: 1 }), id: "random", inputs: [] };
  const { numTensors } = tf.memory();
  const together = await trainJobs(model, jobs, { concurrency: 2 });
  const rows = [
    [5, 9, 1, 30, 7],
    [3, 8, 22],
  ];
  const prompts = [[5, 9], [40]];
  const groups = together.map(({ adapter }) => ({ adapter, prompts }));
  const answers = await generateGroups(model, groups, { maximumTokens: 3 });
  for (const [j, job] of jobs.entries()) {
    const [alone] = await trainJobs(model, [job]);
    const other = together[j];
    assert.ok(alone.status === "ok" && other.status === "ok" && alone.adapter && other.adapter);
    assert.is(alone.losses.length, 2);
    assert.ok(largestDifference(alone.losses, other.losses) < BOUND, `losses of ${j}`);
    for (const [name, { values }] of alone.adapter.tensors) {
      const found = other.adapter.tensors.get(name)?.values ?? [];
      assert.ok(largestDifference(values, found) < BOUND, `${name} of ${j}`);
    }
    const own = await scoreRowsLater(model, rows, alone.adapter);
    const same = await scoreRowsLater(model, rows, other.adapter);
    own.forEach((losses, r) => assert.ok(largestDifference(losses, same[r]) < BOUND, `row ${r}`));
    const [said] = await generateGroups(model, [{ adapter: alone.adapter, prompts }], {
      maximumTokens: 3,
    });
    assert.equal(
      said.map(({ tokens }) => tokens),
      answers[j].map(({ tokens }) => tokens),
    );
  }
  assert.is(tf.memory().numTensors, numTensors);
});

test.run();
