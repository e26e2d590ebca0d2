import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "../../src/statistics/random";
import { repeatAccuracies } from "../../src/replay/accuracy";
import { localFiles } from "../../src/tasks/seal-files";
import { heldOutGains, type Rewards } from "../../src/replay/held-out";
import {
  bestPlan,
  expectedMaximum,
  planGains,
  PLANS,
  runsOf,
  simulatePlan,
} from "../../src/replay/noise";
import { readLog } from "../../src/replay/released";
import { sharedPath, testWithShared } from "../shared";
import { mean } from "../../src/statistics/statistics";

const test = suite("reward noise");

function makeRewards(between: number, within: number, passages = 400): Rewards {
  const random = createRandom(`rewards ${between} ${within}`);
  return Array.from({ length: passages }, () =>
    Array.from({ length: 5 }, () => {
      const truth = between * random.normal();
      return Array.from({ length: 3 }, () => truth + within * random.normal());
    }),
  );
}

test("the largest of n normal draws", () => {
  assert.ok(Math.abs(expectedMaximum(1)) < 1e-4);
  assert.ok(Math.abs(expectedMaximum(2) - 1 / Math.sqrt(Math.PI)) < 1e-4);
  assert.ok(Math.abs(expectedMaximum(5) - 1.16296) < 1e-4);
});

test("pure noise: a gain where it is scored on itself, none on repeats left out", () => {
  const [same, ...others] = heldOutGains(makeRewards(0, 0.2), "test");
  assert.ok(
    Math.abs(same.gain.value - (1.163 * 0.2) / Math.sqrt(3)) < 0.008,
    String(same.gain.value),
  );
  assert.is(others.length, 4);
  for (const { plan, gain } of others)
    assert.ok(Math.abs(gain.value) < 0.012, `${plan}: ${gain.value}`);
});

test("with a true spread the held-out gain is what theory says, inside its interval", () => {
  const [, byOne, byTwo] = heldOutGains(makeRewards(0.1, 0.1), "test");
  assert.ok(
    Math.abs(byOne.gain.value - (1.163 * 0.1) / Math.sqrt(2)) < 0.008,
    String(byOne.gain.value),
  );
  assert.ok(
    Math.abs(byTwo.gain.value - (1.163 * 0.1) / Math.sqrt(1.5)) < 0.008,
    String(byTwo.gain.value),
  );
  assert.ok(byTwo.gain.low < byTwo.gain.value && byTwo.gain.value < byTwo.gain.high);
});

test("plans: costs, and no noise means the best is always found", () => {
  assert.equal(PLANS.map(runsOf), [15, 15, 14, 15, 15, 15, 5, 30, 60]);
  const halving = PLANS[5];
  const { gain, picksBest } = simulatePlan(halving, 1e-9, createRandom(1));
  assert.ok(Math.abs(gain - expectedMaximum(8)) < 1e-6);
  assert.is(picksBest, 1);
});

test("the fitted model gives back theory, and halving from 8 the most at 15 runs", () => {
  const plans = planGains(makeRewards(0.1, 0.2), "test");
  const [best] = plans;
  // 1.163 * 0.1 * sqrt(0.01 / (0.01 + 0.04 / 3))
  assert.ok(Math.abs(best.gain.value - 0.0761) < 0.008, String(best.gain.value));
  assert.ok(best.gain.low < 0.0761 && 0.0761 < best.gain.high, JSON.stringify(best.gain));
  assert.equal(best.versusBest, { value: 0, low: 0, high: 0 });
  const chosen = bestPlan({ plans });
  assert.is(chosen.plan, PLANS[5].name);
  assert.ok(chosen.versusBest.low > 0);
});

testWithShared(
  test,
  "data/seal/train/rank_iter0.json",
  "round 0: 14.1 points on the choosing repeats, under 5 on others",
  async () => {
    const log = await readLog(localFiles(sharedPath("data/seal")), "train/rank_iter0.json");
    assert.ok(log);
    const rewards = repeatAccuracies(log.adapter);
    assert.is(
      mean(rewards.map((p) => mean(p.map((values) => mean(values))))).toFixed(4),
      log.released.adapter.toFixed(4),
    );
    const [same, byOne, byTwo] = heldOutGains(rewards, "test");
    assert.is(same.gain.value.toFixed(3), "0.141");
    assert.ok(byOne.gain.value > 0.02 && byOne.gain.value < 0.035, String(byOne.gain.value));
    assert.ok(byTwo.gain.value > 0.03 && byTwo.gain.value < 0.045, String(byTwo.gain.value));
  },
);

test.run();
