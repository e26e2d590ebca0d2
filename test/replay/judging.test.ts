import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  armDifferences,
  expectedWithin,
  judgeLogs,
  JUDGES,
  type JudgedLog,
} from "../../src/replay/judging";
import { readLog, type GradedAnswer, type ReleasedLog } from "../../src/replay/released";
import { localFiles } from "../../src/tasks/seal-files";
import { sharedPath, testWithShared } from "../shared";

const test = suite("judges against GPT-4.1");

const logOf = (name: string, answers: readonly (readonly [string, boolean])[]): ReleasedLog => ({
  name,
  titles: answers.map((_, i) => `Article ${i}`),
  released: { baseline: 0, adapter: 0 },
  baseline: [],
  adapter: answers.map(([answer, correct], article): GradedAnswer => ({
    article,
    question: 0,
    completion: 0,
    repeat: 0,
    text: "Who painted the ceiling?",
    gold: "Michelangelo",
    answer,
    correct,
  })),
  completions: [],
});

const right = ["The ceiling was painted by Michelangelo.", true] as const;
const wrong = ["The ceiling was painted by Raphael.", false] as const;

test("each judge's agreement, bias and accuracy; a blank answer is counted and wrong", () => {
  const [judged] = judgeLogs([logOf("eval/iter2", [right, wrong, wrong, ["", false]])]);
  assert.is(judged.blank, 1);
  assert.is(judged.fitted, false);
  assert.equal(judged.all.local, { n: 4, agreement: 1, kappa: 1, bias: 0 });
  assert.is(judged.all["exact match"].bias, -0.25);
  assert.equal([judged.accuracy["GPT-4.1"], judged.accuracy["contains gold"]], [0.25, 0.25]);
  assert.equal(Object.keys(judged.all), [...JUDGES]);
});

test("differences between arms, and how many an unbiased judge would have within 2 points", () => {
  const judged = [
    ...judgeLogs([logOf("eval/naive", [right, wrong])]),
    ...judgeLogs([logOf("eval/iter2", [right, right])]),
  ];
  const differences = armDifferences(judged);
  assert.equal(
    differences.map(({ arm, minus, gpt, judges }) => [arm, minus, gpt, judges.local]),
    [["round 2", "passage only", 0.5, 0.5]],
  );
  // 8% of 974 verdicts differ in each arm: a deviation of 1.28 points, so 2 points are 1.56 of them, 88.1%.
  const noisy = judged.map((own): JudgedLog => ({
    ...own,
    all: { ...own.all, local: { n: 974, agreement: 0.92, kappa: 0.8, bias: 0 } },
  }));
  assert.is(expectedWithin(noisy, differences, 0.02).toFixed(3), "0.881");
});

test("what needs no judge, over all adapter answers of a log", () => {
  const [{ measures }] = judgeLogs([logOf("eval/iter2", [right, wrong, ["Michelangelo", true]])]);
  assert.is(measures.exactMatch, 1 / 3);
  // "ceiling was painted by michelangelo": precision 1/5, recall 1.
  assert.ok(Math.abs(measures.f1 - (2 / 6 + 0 + 1) / 3) < 1e-12);
  assert.equal([measures.answerWords, measures.longAnswers], [(6 + 6 + 1) / 3, 0]);
});

test("the judge keeps nothing of the logs: an answer's verdict does not depend on what else is there", () => {
  const odd = Array.from(
    { length: 6 },
    (_, i) => [`Raphael, I think, number ${i}.`, true] as const,
  );
  const own = logOf("eval-prompts/base_prompt-long", [wrong, right]);
  assert.equal(judgeLogs([own, logOf("eval/iter1", odd)])[0], judgeLogs([own])[0]);
});

testWithShared(test, "data/seal/eval", "released logs: round 2 without a crib", async () => {
  const log = await readLog(localFiles(sharedPath("data/seal")), "eval/iter2.json");
  assert.ok(log);
  const [{ all, unseenArticles, measures }] = judgeLogs([log]);
  assert.is(all.local.agreement.toFixed(3), "0.908");
  assert.is(unseenArticles.local.agreement.toFixed(3), "0.903");
  assert.is(unseenArticles.local.kappa.toFixed(3), "0.807");
  assert.is(all["contains gold"].agreement.toFixed(3), "0.869");
  assert.is(measures.longAnswers.toFixed(3), "0.312");
});

test.run();
