/** The simulation of many workers: cases that can be worked out by hand, and what must hold of any. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  DEFAULT_SCALING,
  scalingTable,
  simulate,
  type ScalingModel,
} from "../../experiments/bench/scaling";
import { createRandom } from "../../src/statistics/random";

const test = suite("scaling");

/** No chance, nothing beside the groups. */
const plain: ScalingModel = {
  ...DEFAULT_SCALING,
  steps: 2,
  groupsPerStep: 8,
  groupSeconds: 10,
  groupSpread: 0,
  workerSpread: 0,
  serialSeconds: 5,
  lookSeconds: 0,
  redisSeconds: 0,
  stepBytes: 0,
  startSeconds: 0,
  failuresPerHour: 0,
  dollarsPerHour: 36,
};

const seconds = (model: ScalingModel, workers: number): number =>
  simulate(model, workers, createRandom(1)).seconds;

test("by hand: whole waves of groups after the coordinator's work", () => {
  // 2 x (5 + 80), 2 x (5 + 40), 2 x (5 + 3 x 10), 2 x (5 + 10).
  assert.equal(
    [1, 2, 3, 8, 100].map((workers) => seconds(plain, workers)),
    [170, 90, 70, 30, 30],
  );
  const two = simulate(plain, 2, createRandom(1));
  assert.is(two.efficiency, 160 / 180);
  assert.ok(Math.abs(two.dollars - (90 / 3600) * 2 * 36) < 1e-9);
});

test("by hand: shared cores, the start, fetching, Redis", () => {
  assert.is(seconds({ ...plain, cores: 2 }, 4), 90);
  // Two busy cores at 4/5 of their speed: a group takes 12.5 s on one of two workers, 25 s on one of four.
  const crowded = { ...plain, cores: 2, busySpeed: 0.8 };
  assert.equal(
    [1, 2, 4].map((workers) => seconds(crowded, workers)),
    [170, 2 * (5 + 4 * 12.5), 2 * (5 + 2 * 25)],
  );
  // Of five cores three are busy: half of the way from alone to crowded.
  assert.is(seconds({ ...plain, cores: 5, busySpeed: 0.6 }, 3), 2 * (5 + 3 * 12.5));
  assert.is(seconds({ ...plain, startSeconds: 25 }, 8), 25 + 10 + 5 + 10);
  // 8 workers fetch 100 bytes each at 80 bytes a second: 10 s a step.
  assert.is(seconds({ ...plain, stepBytes: 100, bandwidth: 80 }, 8), 2 * (5 + 10 + 10));
  // The eighth group is handed out after 8 s.
  assert.is(seconds({ ...plain, redisSeconds: 1 }, 8), 2 * (5 + 8 + 10));
});

test("failures repeat groups and cost time; nothing is lost", () => {
  const failing = { ...plain, groupsPerStep: 400, failuresPerHour: 36 };
  const run = simulate(failing, 10, createRandom(3));
  // A group of 10 s fails with probability 1 - exp(-0.1): about 84 of 800 and their repeats.
  assert.ok(run.repeated > 50 && run.repeated < 130, String(run.repeated));
  assert.ok(run.seconds > seconds({ ...failing, failuresPerHour: 0 }, 10));
});

test("from 1 to 1,000 workers: never faster than the work or the critical path allows", () => {
  const counts = [1, 2, 5, 10, 50, 100, 500, 1000];
  const table = scalingTable(DEFAULT_SCALING, counts, createRandom, 3);
  const path =
    DEFAULT_SCALING.steps * (DEFAULT_SCALING.serialSeconds + DEFAULT_SCALING.groupSeconds);
  for (const { workers, speedup, efficiency, seconds: time } of table) {
    assert.ok(speedup <= workers * 1.1, `${workers}: ${speedup}`);
    assert.ok(efficiency > 0 && efficiency <= 1, `${workers}: ${efficiency}`);
    assert.ok(time > path, `${workers}: ${time}`);
  }
  assert.is(table[0].speedup, 1);
  assert.ok(table[3].speedup > 8 && table[3].speedup < 10);
  assert.equal(
    scalingTable(DEFAULT_SCALING, [7], createRandom, 2),
    scalingTable(DEFAULT_SCALING, [7], createRandom, 2),
  );
});

test.run();
