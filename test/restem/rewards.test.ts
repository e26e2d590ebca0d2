/** The outer loop's rewards by hand. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "../../src/statistics/random";
import { rewardOf, selectByReward } from "../../src/restem/rewards";
import { selectCandidates, type Candidate } from "../../src/restem/select";

const test = suite("rewards");

const ok = (...rewards: number[]): Candidate => ({
  status: "ok",
  reward: rewards.reduce((sum, value) => sum + value, 0) / rewards.length,
  rewards,
});

test("the answer loss becomes the geometric mean of the answers' probabilities", () => {
  const answerLosses = [-Math.log(0.5), -Math.log(0.125)];
  assert.ok(Math.abs((rewardOf("answer loss", { reward: 1, answerLosses }) ?? 0) - 0.25) < 1e-12);
  assert.is(rewardOf("answer loss", { reward: 1 }), undefined);
  assert.is(rewardOf("shrunk", { reward: 0.5, answerLosses }), 0.5);
});

test("accuracy and answer loss keep the best; over passage only what beats the passage", () => {
  const groups = [
    [ok(0.2), ok(0.6), ok(0.4)],
    [ok(0.2), ok(0.3)],
    [ok(0.9), { status: "diverged" as const }],
  ];
  assert.equal(selectByReward("accuracy", groups, 2), [[1, 2], [1, 0], [0]]);
  assert.equal(selectByReward("answer loss", groups, 1), [[1], [1], [0]]);
  assert.equal(selectByReward("over passage", groups, 2, [0.4, 0.3, NaN]), [[1], [], []]);
  assert.throws(() => selectByReward("over passage", groups, 1, [0]), /1 accuracies.*3 groups/);
});

test("shrunk keeps a candidate whose repeats agree and none where the spread is noise", () => {
  // Group 1: means 0, 1, repeats equal. Group 2: all means equal.
  const groups = [
    [ok(0, 0), ok(1, 1)],
    [ok(0.4, 0.6), ok(0.6, 0.4)],
  ];
  assert.equal(selectByReward("shrunk", groups, 1), [[1], []]);
  assert.throws(() => selectByReward("shrunk", [[ok(0), ok(1)]], 1), /one repeat/);
});

test("with equally many repeats, shrunk keeps the very ones that accuracy keeps, or none of a group", () => {
  const random = createRandom("equal repeats");
  const questions = 6;
  let [same, none] = [0, 0];
  for (let trial = 0; trial < 200; trial++) {
    const groups = Array.from({ length: 10 }, () =>
      Array.from({ length: 5 }, () =>
        ok(random.integer(questions + 1) / questions, random.integer(questions + 1) / questions),
      ),
    );
    const best = selectByReward("accuracy", groups, 1);
    assert.equal(
      selectCandidates(groups, { kind: "shrunk", count: 1, variances: { between: 1, within: 1 } }),
      best,
      "without a least gain it is the same",
    );
    selectByReward("shrunk", groups, 1).forEach((kept, g) => {
      if (kept.length === 0) none++;
      else {
        assert.equal(kept, best[g]);
        same++;
      }
    });
  }
  assert.ok(same > 0 && none > 0);
});

test.run();
