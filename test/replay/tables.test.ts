import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "../../src/statistics/random";
import { bootstrapMean, passageAccuracies, repeatAccuracies } from "../../src/replay/accuracy";
import { articleRecords, rightAnswers, verdictStrings } from "../../src/replay/articles";
import { differences } from "../../src/replay/comparisons";
import { continualRecord } from "../../src/replay/continual";
import { readEvaluationLogs, readSampledLogs } from "../../src/replay/logs";
import { accuracyRecord } from "../../src/replay/records";
import {
  readContinual,
  readLog,
  type GradedAnswer,
  type ReleasedLog,
} from "../../src/replay/released";
import { ARMS, isPooled } from "../../src/replay/tables";
import { localFiles } from "../../src/tasks/seal-files";
import { sharedPath, testWithShared } from "../shared";

const test = suite("replay tables");

const noText = { text: "", gold: "", answer: "" };

const row = (
  article: number,
  completion: number,
  repeat: number,
  correct: boolean,
): GradedAnswer => ({
  article,
  completion,
  repeat,
  correct,
  question: 0,
  ...noText,
});

test("accuracy: mean over passages of the mean over completions of the mean over repeats", () => {
  const rows = [
    row(0, 0, 0, true),
    row(0, 0, 0, false),
    row(0, 0, 1, true),
    row(0, 0, 1, true),
    row(0, 1, 0, false),
    row(0, 1, 0, false),
    row(1, 0, 0, true),
  ];
  assert.equal(repeatAccuracies(rows), [[[0.5, 1], [0]], [[1]]]);
  assert.equal(passageAccuracies(rows), [0.375, 1]);
  assert.equal(
    passageAccuracies(rows, () => false),
    [0, 0],
  );
});

test("bootstrap: the interval of a mean is about 1.96 standard errors, and wider by clusters of equal values", () => {
  const random = createRandom("bootstrap");
  const values = Array.from({ length: 400 }, () => random.normal());
  const { value, low, high } = bootstrapMean(values, createRandom(1));
  assert.ok(Math.abs(value - values.reduce((sum, one) => sum + one, 0) / 400) < 1e-12);
  assert.ok(Math.abs((high - low) / 2 - 1.96 / 20) < 0.012, String((high - low) / 2));
  const twins = values.flatMap((one) => [one, one]);
  const clustered = bootstrapMean(
    twins,
    createRandom(1),
    twins.map((_, i) => Math.floor(i / 2)),
  );
  assert.ok(Math.abs((clustered.high - clustered.low) / (high - low) - 1) < 0.1);
  const naive = bootstrapMean(twins, createRandom(1));
  assert.ok((naive.high - naive.low) / (high - low) < 0.8);
});

test("continual: what is unmeasured is null; learned and forgotten by hand", () => {
  const log = {
    mean_over_sequences: [
      [0.3, 0.2],
      [0.5, 0],
      [0.4, 0.6],
    ],
    std_over_sequences: [
      [0.2, 0.2],
      [0.2, 0],
      [0.2, 0.2],
    ],
    n_sequences: 4,
    n_datapoints: 2,
  };
  const record = continualRecord(log, [
    log,
    {
      ...log,
      mean_over_sequences: [
        [0.3, 0.2],
        [0.5, 0],
        [0.5, 0.6],
      ],
    },
  ]);
  assert.equal(record.accuracy, [
    [0.3, 0.2],
    [0.5, null],
    [0.4, 0.6],
  ]);
  assert.equal(record.standardError[1], [0.1, null]);
  assert.equal(
    record.forgotten.map((v) => v.toFixed(2)),
    ["0.10", "0.00"],
  );
  assert.equal(
    record.learned.map((v) => v.toFixed(2)),
    ["0.20", "0.40"],
  );
  assert.equal(
    record.keptOverUntouched.map((v) => v.toFixed(2)),
    ["0.10", "0.40"],
  );
  assert.is(record.runsDiffer?.toFixed(3), "0.050");
});

test("by article and by question: means over passages, counts over logs", () => {
  const log = (marks: readonly boolean[]): ReleasedLog => ({
    name: "",
    titles: ["A", "A", "B"],
    released: { baseline: 0, adapter: 0 },
    baseline: [],
    adapter: marks.map((correct, i) => ({
      ...row(Math.floor(i / 2), 0, 0, correct),
      question: i % 2,
    })),
    completions: [],
  });
  const logs = new Map([
    ["eval/base", log([true, false, true, true, false, false])],
    ["eval/iter1", log([true, true, true, true, false, true])],
  ]);
  assert.equal(articleRecords(logs), [
    {
      article: 0,
      passages: [0, 1],
      questions: 4,
      accuracy: { "eval/base": 0.75, "eval/iter1": 1 },
    },
    { article: 1, passages: [2], questions: 2, accuracy: { "eval/base": 0, "eval/iter1": 0.5 } },
  ]);
  assert.equal(rightAnswers(logs), [
    [2, 1],
    [2, 2],
    [0, 1],
  ]);
});

test("paired differences join passages, and questions of pooled logs, and take only those that both have", () => {
  const single = (name: string, right: readonly boolean[]): ReleasedLog => ({
    name,
    titles: right.map((_, i) => `T${i}`),
    released: { baseline: 0, adapter: 0 },
    baseline: [],
    adapter: right.map((correct, article) => row(article, 0, 0, correct)),
    completions: [],
  });
  const pooled = (name: string, asked: readonly [number, number, boolean][]): ReleasedLog => ({
    ...single(name, [true, true]),
    adapter: asked.map(([article, question, correct]) => ({
      ...row(article, 0, 0, correct),
      question,
    })),
  });
  const logs = new Map(
    [
      single("eval/naive", [true, false, false, true]),
      single("eval/base", [true, true, true, false]),
      // Question 1 of passage 1 was asked of the first only; the order differs.
      pooled("cpt/cpt_iter2", [
        [0, 0, false],
        [0, 1, true],
        [1, 0, false],
        [1, 1, true],
      ]),
      pooled("cpt-200/iter2_200", [
        [1, 0, true],
        [0, 0, true],
        [0, 1, true],
      ]),
    ].map((log) => [log.name, log]),
  );
  const rows = differences(logs, "test");
  assert.equal(
    rows.map(({ arm, minus, pairs, difference }) => [arm, minus, pairs, difference.value]),
    [
      ["untrained self-edits", "passage only", 4, 0.25],
      ["full, 200: round 2", "LoRA, 200: round 2", 3, 2 / 3],
    ],
  );
  assert.is(rows[0].clear, false);
});

/** All evaluation logs of a folder, and the numbers of its arms that are not as printed. */
async function recomputed(
  folder: string,
): Promise<{ arms: Record<string, number>; otherwise: Record<string, string> }> {
  const files = localFiles(sharedPath(folder));
  const logs = await readEvaluationLogs(files);
  const first = logs.get("eval/base") as ReleasedLog;
  for (const [name, log] of await readSampledLogs(files, first)) logs.set(name, log);
  const arms: Record<string, number> = {};
  const otherwise: Record<string, string> = {};
  for (const arm of ARMS) {
    const log = logs.get(arm.log);
    if (!log) continue;
    const record = accuracyRecord(arm, log, "test");
    const released = log.released[arm.side] as number;
    assert.is(record.accuracy.value.toFixed(4), released.toFixed(4), arm.log);
    assert.ok(record.matchesReleased, arm.log);
    const sampled = isPooled(arm.table) && !arm.log.startsWith("cpt/cpt_");
    assert.is(record.questions, sampled ? 500 : 974, arm.log);
    const own = record.accuracy.value.toFixed(3);
    const printed = arm.paper?.toFixed(3) ?? own;
    if (own !== printed) otherwise[arm.log] = `${own}, printed ${printed}`;
    arms[arm.table] = (arms[arm.table] ?? 0) + 1;
  }
  return { arms, otherwise };
}

testWithShared(
  test,
  "data/seal/eval",
  "every recomputed accuracy is the released one to 4 digits, and rounded the paper's, but for two that it prints otherwise",
  async () => {
    const { arms, otherwise } = await recomputed("data/seal");
    assert.equal(arms, { "single passage": 6, prompts: 6, "continued pretraining": 4 });
    assert.equal(otherwise, {
      "eval/iter1": "0.427, printed 0.437",
      "eval-prompts/iter2_prompt-long": "0.544, printed 0.518",
    });
  },
);

testWithShared(
  test,
  "data/seal-later",
  "the later release: every accuracy to 4 digits, and version 2's continued pretraining as printed",
  async () => {
    const { arms, otherwise } = await recomputed("data/seal-later");
    assert.equal(arms, {
      "single passage": 6,
      prompts: 3,
      "GPT-4.1": 3,
      "3B": 3,
      "other methods": 2,
      "continued pretraining": 6,
      "full fine-tuning, 200 passages": 8,
      "full fine-tuning, 2067 passages": 6,
    });
    assert.equal(otherwise, { "eval/iter1": "0.427, printed 0.437" });
  },
);

testWithShared(
  test,
  "data/seal/eval",
  "paired differences: untrained self-edits beat the passage; round 2 and GPT-4.1's data cannot be told apart",
  async () => {
    const files = localFiles(sharedPath("data/seal"));
    const names = ["eval/base", "eval/naive", "eval/iter1", "eval/iter2", "eval/gpt4_1"];
    const logs = new Map<string, ReleasedLog>();
    for (const name of names) logs.set(name, (await readLog(files, `${name}.json`)) as ReleasedLog);
    const rows = differences(logs, "test");
    const find = (arm: string, minus: string): (typeof rows)[number] | undefined =>
      rows.find((one) => one.arm === arm && one.minus === minus);
    assert.is(find("untrained self-edits", "passage only")?.clear, true);
    const close = find("round 2", "GPT-4.1 data");
    assert.is(close?.clear, false);
    assert.is(close?.difference.value.toFixed(3), "0.007");
    const strings = verdictStrings(logs.get("eval/base") as ReleasedLog, "adapter");
    assert.is(strings.length, 200);
    assert.is(strings.join("").length, 974);
    assert.match(strings.join(""), /^[01]+$/);
  },
);

testWithShared(
  test,
  "data/seal/continual",
  "the continual matrix is the mean of its 8 runs",
  async () => {
    const files = localFiles(sharedPath("data/seal"));
    const overall = await readContinual(files, "continual/overall_results.json");
    const run = await readContinual(files, "continual/run0/summary_1748902664.json");
    assert.ok(overall && run);
    assert.is(overall.n_sequences, 64);
    const { forgotten, errorsDiffer } = continualRecord(overall, []);
    assert.is(forgotten.length, 8);
    assert.ok((errorsDiffer as number) < 5.1e-5, "the paper prints four digits");
  },
);

test.run();
