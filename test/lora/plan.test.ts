/** Schedules and plans against numbers worked out by hand. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "../../src/statistics/random";
import { lossTokenCount, planSteps, stepCount, type Step } from "../../src/lora/plan";
import { learningRateAt } from "../../src/lora/schedule";
import { parseLoraSettings } from "../../src/lora/settings";
import { passGroups } from "../../src/lora/step";

const test = suite("plan");
const sequences = [3, 5, 2, 4, 6].map((length) => ({ ids: Array.from({ length }, (_, i) => i) }));

test("linear schedule with warm-up, as transformers has it", () => {
  const settings = parseLoraSettings({ learningRate: 0.8, warmupSteps: 2 });
  const rates = [0, 1, 2, 3, 4, 5].map((step) => learningRateAt(settings, step, 6));
  assert.equal(rates, [0, 0.4, 0.8, 0.8 * 0.75, 0.4, 0.8 * 0.25]);
});

test("cosine schedule", () => {
  const settings = parseLoraSettings({ learningRate: 1, schedule: "cosine" });
  const rates = [0, 1, 2, 3].map((step) => learningRateAt(settings, step, 4));
  const want = [1, 0.5 + Math.SQRT1_2 / 2, 0.5, 0.5 - Math.SQRT1_2 / 2];
  rates.forEach((rate, i) => assert.ok(Math.abs(rate - want[i]) < 1e-12));
});

test("weights: a step is the mean over all tokens of its mini-batches", () => {
  const settings = parseLoraSettings({ batchSize: 2, accumulation: 2, epochs: 1, shuffle: false });
  const steps = planSteps(sequences, settings, createRandom(1));
  assert.is(steps.length, stepCount(5, settings));
  // Of 3, 5, 2, 4 and 6 ids, all but the first count.
  assert.equal(
    steps.map((step) => step.map((row) => row.weight)),
    [[1 / 10, 1 / 10, 1 / 10, 1 / 10], [1 / 5]],
  );
});

test("mini-batches accumulated are one batch of their size, whatever the lengths", () => {
  const random = createRandom("accumulation");
  for (let round = 0; round < 200; round++) {
    const some = Array.from({ length: 1 + random.integer(12) }, () => {
      const length = 2 + random.integer(20);
      const ids = Array.from({ length }, () => random.integer(50));
      return random.next() < 0.5 ? { ids } : { ids, lossFrom: 1 + random.integer(length - 1) };
    });
    const [batchSize, accumulation] = [1 + random.integer(4), 1 + random.integer(4)];
    const plan = (size: number, count: number): Step[] => {
      const settings = parseLoraSettings({ batchSize: size, accumulation: count, epochs: 2 });
      return planSteps(some, settings, createRandom(round));
    };
    const steps = plan(batchSize, accumulation);
    assert.equal(steps, plan(batchSize * accumulation, 1));
    for (const step of steps) {
      const total = step.reduce(
        (sum, { sequence, weight }) => sum + weight * lossTokenCount(sequence),
        0,
      );
      assert.ok(Math.abs(total - 1) < 1e-12);
    }
  }
});

test("every epoch goes through all sequences, in an order of its own that the seed decides", () => {
  const settings = parseLoraSettings({ epochs: 3 });
  const orders = (seed: number): number[][] => {
    const steps = planSteps(sequences, settings, createRandom(seed));
    return [0, 5, 10].map((at) =>
      steps.slice(at, at + 5).map((step) => step[0].sequence.ids.length),
    );
  };
  const first = orders(7);
  first.forEach((order) => assert.equal([...order].sort(), [2, 3, 4, 5, 6]));
  assert.equal(first, orders(7));
  assert.ok(JSON.stringify(first[0]) !== JSON.stringify(first[1]));
});

test("a step of many tokens goes in passes of neighbours with about equally many", () => {
  const step = (length: number): Step => [
    { sequence: { ids: new Array<number>(length).fill(1) }, weight: 1 },
  ];
  const groups = (...lengths: number[]): number[][] => passGroups(lengths.map(step));
  assert.equal(groups(100, 12), [[0, 1]]);
  // 1,000 tokens: two passes of 500 each.
  assert.equal(groups(300, 200, 250, 250), [
    [0, 1],
    [2, 3],
  ]);
  assert.equal(groups(2000, 10), [[0], [1]]);
  assert.equal(groups(10, 10, 600), [[0, 1], [2]]);
});

test("settings are checked, and the key at fault is named, with the nearest that there is", () => {
  assert.throws(() => parseLoraSettings({ epochs: 1e9 }), /LoRA settings: epochs: /);
  assert.throws(() => parseLoraSettings({ learningRate: NaN }), /learningRate/);
  assert.throws(() => parseLoraSettings({ targets: ["lm_head"] }), /targets\.0/);
  assert.throws(() => parseLoraSettings({ epoch: 3 }), /no setting "epoch"; did you mean "epochs"/);
});

test.run();
