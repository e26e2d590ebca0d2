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

test("a log is judged with what other families say of its questions, and nothing from its own", () => {
  // Taking Raphael for the painter is the others' ruling here, against what the words say.
  const odd = Array.from(
    { length: 6 },
    (_, i) => [`Raphael, I think, number ${i}.`, true] as const,
  );
  const local = (logs: readonly ReleasedLog[]): number => judgeLogs(logs)[0].accuracy.local;
  const own = logOf("eval-prompts/base_prompt-long", [wrong]);
  const others = logOf("eval/iter1", odd);
  assert.is(local([own]), 0);
  assert.is(local([own, others]), 1);
  const sameFamily = logOf("eval-prompts/iter2_prompt-long", odd);
  assert.is(local([own, sameFamily]), 0);
  const [judged] = judgeLogs([own, others]);
  assert.equal(judged.all.local.agreement, 0);
  assert.equal(judged.all["local, new question"].agreement, 1);
});

testWithShared(
  test,
  "data/seal/eval",
  "released logs: round 2, judged by what six other logs say",
  async () => {
    const files = localFiles(sharedPath("data/seal"));
    const prompts = ["base", "iter1", "iter2"].map((round) => `eval-prompts/${round}_prompt-long`);
    const names = ["eval/iter2", "eval/base", "eval/naive", "eval/iter1", ...prompts];
    const logs: ReleasedLog[] = [];
    for (const name of names) {
      const log = await readLog(files, `${name}.json`);
      if (log) logs.push(log);
    }
    assert.is(logs.length, names.length);
    const [{ all }] = judgeLogs(logs);
    assert.ok(all.local.agreement >= 0.92, `agreement ${all.local.agreement}`);
    assert.ok(all.local.kappa >= 0.82, `kappa ${all.local.kappa}`);
    assert.ok(Math.abs(all.local.bias) <= 0.02, `bias ${all.local.bias}`);
    assert.is(all["local, new question"].agreement.toFixed(3), "0.908");
    assert.is(all["contains gold"].agreement.toFixed(3), "0.869");
  },
);

test.run();
