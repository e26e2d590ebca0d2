/** The questions of logs that do not repeat them: found again by the scripts' own shuffle, or the log is refused. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { orderOf, readSampledLog, readWholeOrder } from "../../src/replay/pretraining-logs";
import { readLog, type AskedQuestion } from "../../src/replay/released";
import { localFiles } from "../../src/tasks/seal-files";
import { sharedPath, testWithShared } from "../shared";
import { writeLogs } from "./logs";

const test = suite("logs of continued pretraining");
const folder = mkdtempSync(path.join(os.tmpdir(), "seal-pretraining-"));
test.after(() => rmSync(folder, { recursive: true }));

const PLACES = ["Paris", "Lagos", "Lima", "Perth", "Osaka"];
/** Ten questions about five passages; shuffled with 42 they come as 7, 3, 2, 8, 5, 6, 9, 4, 0, 1. */
const questions = Array.from({ length: 10 }, (_, i): AskedQuestion => ({
  article: Math.floor(i / 2),
  question: i % 2,
  text: `Where is lighthouse${i} standing?`,
  gold: PLACES[Math.floor(i / 2)],
}));
const order = { titles: PLACES, questions };

/** A log of CPT_fullFT.py with answers to questions of these numbers. */
const sampledLog = (numbers: readonly number[], correct: readonly boolean[]): unknown => ({
  n_articles: 5,
  train_sequences: 30,
  metrics: { baseline_accuracy: null, adapter_accuracy: 0.5 },
  per_question: {
    baseline_texts: null,
    adapter_texts: numbers.map((i) => `The lighthouse${i} is in a town.`),
    baseline_correct: null,
    adapter_correct: correct,
  },
  args: { lr: 7e-5, epochs: 1 },
});

test("each answer is given its question, passage and gold answer", async () => {
  await writeLogs(folder, {
    "eval/base.json": {},
    "cpt-200/base_200.json": sampledLog([7, 3, 2, 8], [true, false, false, true]),
  });
  const log = await readSampledLog(localFiles(folder), "cpt-200/base_200.json", order, 42);
  assert.equal(
    log?.adapter.map(({ article, question, gold, correct }) => [article, question, gold, correct]),
    [
      [3, 1, "Perth", true],
      [1, 1, "Lagos", false],
      [1, 0, "Lagos", false],
      [4, 0, "Osaka", true],
    ],
  );
  assert.equal(log?.baseline, []);
  assert.equal(log?.released, { adapter: 0.5 });
  assert.equal(log?.pretraining, { sequences: 30, settings: { lr: 7e-5, epochs: 1 } });
});

test("answers that do not fit their questions, and lists of other lengths, are refused", async () => {
  const cases: [unknown, RegExp][] = [
    [sampledLog([3, 2, 8, 7], [true, true, true, true]), /do not fit the questions/],
    [sampledLog([7, 3, 2, 8], [true]), /1 answers or verdicts for 4 questions/],
  ];
  for (const [log, message] of cases) {
    await writeLogs(folder, { "eval/base.json": {}, "cpt-200/base_200.json": log });
    let thrown: unknown;
    await readSampledLog(localFiles(folder), "cpt-200/base_200.json", order, 42).catch(
      (error: unknown) => (thrown = error),
    );
    assert.instance(thrown, UserError);
    assert.match((thrown as Error).message, message);
    assert.match((thrown as Error).message, "cpt-200/base_200.json");
  }
});

testWithShared(
  test,
  "data/seal-later",
  "the evaluation's 200 passages are the first of squad_val.json as the scripts shuffle it",
  async () => {
    const files = localFiles(sharedPath("data/seal-later"));
    const [base, whole] = [await readLog(files, "eval/base.json"), await readWholeOrder(files)];
    assert.ok(base && whole);
    const evaluation = orderOf(base);
    assert.is(whole.titles.length, 2067);
    assert.is(whole.questions.length, 10570);
    assert.equal(whole.titles.slice(0, 200), evaluation.titles);
    assert.equal(whole.questions.slice(0, 974), evaluation.questions);
  },
);

test.run();
