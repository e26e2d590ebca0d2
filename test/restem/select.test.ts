import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { createRandom } from "../../src/statistics/random";
import {
  rewardVariances,
  selectCandidates,
  type Candidate,
  type SelectionRule,
} from "../../src/restem/select";
import { readShared, sharedPath, testWithShared } from "../shared";

const test = suite("selection");
const ok = (reward: number): Candidate => ({ status: "ok", reward });

const mixed: Candidate[] = [
  { status: "diverged", reward: 1 },
  ok(0.4),
  ok(0.8),
  { status: "unparsable" },
  ok(0.8),
  { status: "ok", reward: NaN },
  { status: "ok" },
  ok(0.2),
];

test("best: highest first, ties in the order given, only ok candidates with a reward", () => {
  assert.equal(selectCandidates([mixed], { kind: "best", count: 1 }), [[2]]);
  assert.equal(selectCandidates([mixed], { kind: "best", count: 3 }), [[2, 4, 1]]);
  assert.equal(selectCandidates([mixed], { kind: "best", count: 99 }), [[2, 4, 1, 7]]);
  assert.equal(
    selectCandidates([[], [{ status: "failed", reward: 1 }], [ok(0)]], { kind: "best", count: 1 }),
    [[], [], [0]],
  );
});

test("above: strictly above one score, or above each group's own", () => {
  assert.equal(selectCandidates([mixed], { kind: "above", score: 0.4 }), [[2, 4]]);
  assert.equal(selectCandidates([mixed, mixed], { kind: "above", score: [0.8, 0.1] }), [
    [],
    [1, 2, 4, 7],
  ]);
  assert.throws(
    () => selectCandidates([mixed], { kind: "above", score: [0.1, 0.2] }),
    (e: Error) => e instanceof UserError,
  );
});

test("top: a share of what can be ranked, rounded up", () => {
  assert.equal(selectCandidates([mixed], { kind: "top", share: 0.5 }), [[2, 4]]);
  assert.equal(selectCandidates([mixed], { kind: "top", share: 0.51 }), [[2, 4, 1]]);
  assert.equal(selectCandidates([mixed], { kind: "top", share: 1 }), [[2, 4, 1, 7]]);
  const ten = Array.from({ length: 10 }, (_, i) => ok(i / 10));
  assert.is(
    selectCandidates([ten], { kind: "top", share: 0.3 })[0].length,
    3,
    "0.3 * 10 is 3, whatever floats say",
  );
  assert.throws(
    () => selectCandidates([mixed], { kind: "top", share: 0 }),
    (e: Error) => e instanceof UserError,
  );
});

test("random: ok candidates only, whatever their reward, the same for the same seed, all equally often", () => {
  const rule: SelectionRule = { kind: "random", count: 2, seed: 5 };
  const groups = Array.from({ length: 3000 }, () => mixed);
  const chosen = selectCandidates(groups, rule);
  assert.equal(chosen, selectCandidates(groups, rule));
  const counts = new Map<number, number>();
  for (const index of chosen.flat()) counts.set(index, (counts.get(index) ?? 0) + 1);
  assert.equal([...counts.keys()].sort(), [1, 2, 4, 5, 6, 7]);
  // 2 of 6 in each of 3000 groups: 1000 each, standard deviation 26.
  for (const count of counts.values()) assert.ok(Math.abs(count - 1000) < 130, `${count} times`);
  assert.throws(
    () => selectCandidates([mixed], { kind: "random", count: 1 }),
    (e: Error) => e instanceof UserError,
  );
});

test("a count must be a whole number of at least 1", () => {
  for (const count of [0, 1.5, NaN]) {
    assert.throws(
      () => selectCandidates([mixed], { kind: "best", count }),
      (e: Error) => e instanceof UserError,
    );
  }
});

test("variances: recovered from rewards made with known ones", () => {
  const random = createRandom("variances");
  const groups = Array.from({ length: 3000 }, () =>
    Array.from({ length: 5 }, () => {
      const truth = 0.1 * random.normal();
      return Array.from({ length: 3 }, () => 0.5 + truth + 0.2 * random.normal());
    }),
  );
  const { between, within } = rewardVariances(groups);
  assert.ok(Math.abs(within - 0.04) < 0.001, String(within));
  assert.ok(Math.abs(between - 0.01) < 0.001, String(between));
  assert.equal(
    rewardVariances([
      [
        [1, 1],
        [1, 1],
      ],
    ]),
    { within: 0, between: 0 },
  );
});

const repeated = (...rewards: number[]): Candidate => ({ status: "ok", rewards });

test("shrunk: one lucky repeat does not beat many good ones", () => {
  const group = [repeated(1), repeated(0.8, 0.8, 0.9, 0.7, 0.8), repeated(0.2), repeated(0.3)];
  const variances = { between: 0.01, within: 0.04 };
  assert.equal(
    selectCandidates([group], { kind: "best", count: 1 }),
    [[]],
    "best needs mean rewards",
  );
  assert.equal(selectCandidates([group], { kind: "shrunk", count: 2, variances }), [[1, 0]]);
  // Posterior means by hand: weights 1/(0.01+0.04/n); centre 0.6442; gains 0.0712, 0.0866, -0.0888, -0.0688.
  assert.equal(
    selectCandidates([group], { kind: "shrunk", count: 4, variances, minimumGain: 0.08 }),
    [[1]],
  );
});

test("shrunk: with equally many repeats it orders as best does", () => {
  const random = createRandom("equal");
  const groups = Array.from({ length: 40 }, () =>
    Array.from({ length: 5 }, () => {
      const rewards = Array.from({ length: 3 }, () => random.next());
      return { status: "ok" as const, rewards, reward: (rewards[0] + rewards[1] + rewards[2]) / 3 };
    }),
  );
  const variances = { between: 0.02, within: 0.05 };
  assert.equal(
    selectCandidates(groups, { kind: "shrunk", count: 2, variances }),
    selectCandidates(groups, { kind: "best", count: 2 }),
  );
});

test("shrunk: needs more than one repeat somewhere, or known variances", () => {
  const group = [repeated(0.1), repeated(0.9)];
  assert.throws(
    () => selectCandidates([group], { kind: "shrunk", count: 1 }),
    (e: Error) => e instanceof UserError,
  );
});

interface ReleasedRanking {
  articles: { prompt: string; completions: { text: string; stats: { adapter_mean: number } }[] }[];
}

testWithShared(
  test,
  "data/seal/train/rank_iter0.json",
  "best 1 of 5 is the released fine-tuning set, 50 of 50",
  () => {
    const { articles } = readShared<ReleasedRanking>("data/seal/train/rank_iter0.json");
    const released = readFileSync(sharedPath("data/seal/train/sft_best1of5_iter0.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { completion: string }).completion);
    const groups = articles.map(({ completions }) =>
      completions.map(({ stats }) => ok(stats.adapter_mean)),
    );
    const kept = selectCandidates(groups, { kind: "best", count: 1 });
    assert.is(released.length, 50);
    assert.equal(
      kept.map(([index], i) => articles[i].completions[index].text.trim()),
      released,
    );
  },
);

test.run();
