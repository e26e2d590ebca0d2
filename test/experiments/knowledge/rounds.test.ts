/** The outer loop on a real model's form, tiny: every line, other passages in each round, what is refused. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { KnowledgeRollout } from "../../../src/experiments/knowledge/report";
import { parseVariant, planVariant, runVariant } from "../../../src/experiments/variants";
import { writeByteModel } from "../../model/byte-model";

const test = suite("rounds of the knowledge experiment");
const folder = mkdtempSync(path.join(os.tmpdir(), "seal rounds "));
test.after(() => rmSync(folder, { recursive: true }));

const adapter = { rank: 1, alpha: 1, targets: ["q_proj"], epochs: 1 };
const passage = (split: string, start: number): object => ({
  ...{ source: "articles", split, start, count: 1 },
});
const lines = [
  { select: "random" },
  { select: "longest" },
  { select: "all" },
  { select: "top", share: 0.5 },
  { select: "above", score: 0 },
  { reward: "answer loss" },
  { reward: "over passage" },
  { reward: "shrunk", rewardSeeds: 2, name: "shrunk" },
];

async function variantOf(outerLoop: object = {}): Promise<ReturnType<typeof parseVariant>> {
  return parseVariant({
    experiment: "knowledge",
    name: "rounds",
    model: await writeByteModel(path.join(folder, "model")),
    data: passage("eval", 0),
    arms: ["untrained self-edits"],
    sampling: { count: 2, maximumTokens: 6 },
    innerLoop: adapter,
    answers: { maximumTokens: 2 },
    outerLoop: {
      data: [passage("train", 0), passage("train", 1)],
      ...{ rounds: 2, rewardSeeds: 1, fineTuning: adapter, lines },
      ...outerLoop,
    },
  });
}

test("every line goes through its rounds; each round has its own passages", async () => {
  const variant = await variantOf();
  const { record, directory } = await runVariant(variant, { output: folder, quiet: true });
  const names = [
    ...["best of K", "random selection", "longest of K", "no selection", "best 50%"],
    ...["all above 0", "best of K, answer loss", "best of K, over passage", "shrunk"],
  ];
  const evaluated = names.flatMap((name) => [1, 2].map((round) => `${name} ${round}`));
  assert.equal(
    record.rows.map(({ arm, round }) => `${arm} ${round}`),
    ["untrained self-edits 0", ...evaluated],
  );
  assert.equal(
    record.writing?.map(({ arm, round, n }) => [`${arm} ${round}`, n]),
    [["untrained self-edits 0", 2], ...evaluated.map((cell) => [cell, 1])],
  );
  const rollouts = readFileSync(path.join(directory, "rollouts.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as KnowledgeRollout);
  const trained = rollouts.filter(({ part }) => part === "train");
  const scoredLines = [...new Set(trained.map(({ arm }) => arm))];
  assert.equal(
    scoredLines,
    names.filter((name) => !["random selection", "longest of K", "no selection"].includes(name)),
    "the others train nothing to select",
  );
  const passages = [1, 2].map(
    (round) => new Set(trained.filter((one) => one.round === round).map((one) => one.passage)),
  );
  assert.equal(
    passages.map(({ size }) => size),
    [1, 1],
  );
  assert.not.equal([...passages[0]], [...passages[1]]);
  const of = (arm: string, round: number): KnowledgeRollout[] =>
    trained.filter((one) => one.arm === arm && one.round === round);
  // In round 1 all lines have the same self-edits; those that are scored alike have the same rewards.
  const texts = scoredLines.map((arm) => of(arm, 1).map(({ completion }) => completion));
  assert.ok(texts.every((own) => JSON.stringify(own) === JSON.stringify(texts[0])));
  assert.equal(
    of("best 50%", 1).map(({ reward }) => reward),
    of("best of K", 1).map(({ reward }) => reward),
  );
  for (const { status, answers, answerLosses = [], reward = NaN } of of(
    "best of K, answer loss",
    1,
  )) {
    if (status !== "ok") continue;
    assert.equal(answers, []);
    const mean = answerLosses.reduce((sum, loss) => sum + loss, 0) / answerLosses.length;
    assert.ok(Math.abs(reward - Math.exp(-mean)) < 1e-9);
  }
  for (const { status, rewards } of of("shrunk", 1))
    if (status === "ok") assert.is(rewards?.length, 2);
  for (const { status, reference } of of("best of K, over passage", 1) as (KnowledgeRollout & {
    reference?: number;
  })[])
    if (status === "ok") assert.type(reference, "number");
});

test("its plan counts every line's adapters", async () => {
  const { trainings } = await planVariant(await variantOf());
  // One passage of two self-edits; in each of 2 rounds one passage is learned on, two self-edits each.
  const rewards = 2 * 2 * (1 + 1 + 1 + 1 + 1 + 2) + 2;
  const evaluations = 9 * 2;
  const fineTunings = 9 * 2;
  assert.is(trainings, 2 + rewards + evaluations + fineTunings);
});

test("passages that are learned on are not evaluated, and lists fit the rounds", async () => {
  const both = await variantOf({ data: passage("eval", 0) });
  await runVariant(both, { output: path.join(folder, "both"), quiet: true }).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /both learned on and evaluated/),
  );
  const refused = async (outerLoop: object, why: RegExp): Promise<void> => {
    await variantOf(outerLoop).then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, why),
    );
  };
  await refused({ rounds: 3 }, /outerLoop\.data: a list of data has one entry for each round/);
  await refused({ lines: [{}, {}] }, /outerLoop\.lines: two lines have one name/);
  await refused(
    { lines: [{ selct: "all" }] },
    /"outerLoop\.lines\.0\.selct"; did you mean "select"/,
  );
  await refused({ data: { source: "articles", titels: [] } }, /did you mean "titles"/);
});

test.run();
