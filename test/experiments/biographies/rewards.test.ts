/** The outer loop on the small world with each reward, tiny: what is measured, and that the default is unchanged. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { BiographyRollout, LineCost } from "../../../src/experiments/biographies/rollout";
import { runVariant, parseVariant } from "../../../src/experiments/variants";
import { resultLines, tinyLoop } from "../tiny-loop";
import { temporaryFolder } from "../../run/temporary";

const test = suite("rewards of the outer loop");
const folder = temporaryFolder(test, "rewards");

const settings = {
  ...tinyLoop,
  people: { train: 2, heldOut: 1 },
  concurrency: 6,
};

test("the answer loss: a reward is the geometric mean probability of the right answers", async () => {
  const variant = parseVariant({ ...settings, name: "loss", reward: "answer loss" });
  const { directory } = await runVariant(variant, { output: folder, quiet: true });
  const scored = resultLines<BiographyRollout>(directory).filter(
    ({ part, status }) => part === "train" && status === "ok",
  );
  assert.ok(scored.length > 0);
  for (const { reward, answers, answerLosses = [] } of scored) {
    assert.equal(answers, [], "no answer is decoded");
    assert.is(answerLosses.length, 6);
    const mean = answerLosses.reduce((sum, loss) => sum + loss, 0) / 6;
    assert.ok(Math.abs((reward ?? 0) - Math.exp(-mean)) < 1e-9);
    assert.ok(mean > 0);
  }
});

test("several rewards in one run: their rows, differences, and what each round took", async () => {
  const otherRewards = [
    { reward: "answer loss" },
    { reward: "over passage" },
    { reward: "accuracy", rewardSeeds: 2 },
    { reward: "shrunk", rewardSeeds: 2 },
  ];
  const variant = parseVariant({ ...settings, name: "several", otherRewards });
  const { record, directory } = await runVariant(variant, { output: folder, quiet: true });
  const lines = [
    "best of K",
    "best of K, answer loss",
    "best of K, over passage",
    "best of K, accuracy, 2 repeats",
    "best of K, shrunk, 2 repeats",
    "random selection",
  ];
  const inRounds = record.rows.filter(({ round }) => round > 0);
  assert.equal(
    inRounds.map(({ arm }) => arm),
    lines,
  );
  const differences = (record.comparisons ?? []).map(({ difference }) => difference);
  for (const line of lines.slice(1, 5))
    assert.ok(differences.includes(`${line}, round 1 - best of K, round 1`), line);
  assert.ok(
    differences.includes(
      "best of K, shrunk, 2 repeats, round 1 - best of K, accuracy, 2 repeats, round 1",
    ),
  );
  const costs = resultLines<LineCost>(directory, "metrics.jsonl").filter(
    ({ decodedAnswers }) => decodedAnswers !== undefined,
  );
  assert.equal(
    costs.map(({ arm }) => arm),
    lines,
  );
  const [accuracy, loss, over, twice, shrunk, random] = costs;
  // Two people, two self-edits each, six questions; all parse.
  assert.equal([accuracy.adapters, accuracy.decodedAnswers, accuracy.measuredAnswers], [4, 24, 0]);
  assert.equal([loss.adapters, loss.decodedAnswers, loss.measuredAnswers], [4, 0, 24]);
  assert.equal([over.adapters, over.decodedAnswers], [6, 36], "and two passages alone");
  assert.equal([twice.adapters, twice.trainedTokens], [8, 2 * accuracy.trainedTokens]);
  assert.is(shrunk.adapters, 8);
  assert.ok(shrunk.kept <= twice.kept);
  assert.equal([random.adapters, random.kept], [0, 2]);
});

test("without the setting the variant is as it was, and unknown rewards are refused", () => {
  assert.not("reward" in parseVariant({ ...settings, name: "plain" }));
  assert.throws(() => parseVariant({ ...settings, name: "x", reward: "luck" }), /reward/);
  const twice = [{ reward: "answer loss" }, { reward: "answer loss" }];
  assert.throws(() => parseVariant({ ...settings, name: "x", otherRewards: twice }), /twice/);
});

test.run();
