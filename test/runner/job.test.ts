/** The test runner counts what passed, and takes a crash, a hang or an empty file for a failure. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { countTests, runJob, summaryLine, type Ending, type Outcome } from "./job";

const job = suite("test runner");
const ended = (output: string, code = 0): Ending => ({
  output,
  code,
  signal: null,
  timedOut: false,
});
const summary = (total: number, passed: number, skipped: number): string =>
  `\n  Total:     ${total}\n  Passed:    ${passed}\n  Skipped:   ${skipped}\n`;
const tests = (text: string, limit?: number): Promise<Outcome> =>
  runJob({ name: "x", kind: "tests", args: ["-e", text], environment: {} }, __dirname, limit);

job("counts come from the summary", () => {
  const { passed, failed, skipped, problem } = countTests(ended(summary(5, 3, 2), 1), 1);
  assert.equal(
    { passed, failed, skipped, problem },
    { passed: 3, failed: 2, skipped: 2, problem: undefined },
  );
});

job("no summary, no tests, or a bad end after passing is a failure", () => {
  assert.is(countTests(ended("nothing"), 1).failed, 1);
  assert.is(countTests(ended(summary(0, 0, 0)), 1).failed, 1);
  assert.is(countTests(ended(summary(2, 2, 0), 3), 1).failed, 1);
  assert.is(countTests(ended(summary(0, 0, 2)), 1).failed, 0);
});

job("a crash and a hang are failures that say so", async () => {
  const crash = await tests("process.kill(process.pid, 'SIGSEGV'); setTimeout(() => {}, 9e3)");
  assert.is(crash.failed, 1);
  assert.match(crash.problem ?? "", /SIGSEGV/);
  const hang = await tests("setTimeout(() => {}, 9e3)", 0.5);
  assert.is(hang.failed, 1);
  assert.match(hang.problem ?? "", /more than 0.5 s/);
});

job("skipped tests are listed by the lines they print", async () => {
  const text = `console.log("skipped: one (why)" + ${JSON.stringify(summary(1, 1, 2))})`;
  const { skippedNames } = await tests(text);
  assert.equal(skippedNames, ["x: one (why)", "x: a test that does not say why"]);
});

job("the last line", () => {
  const outcome = { passed: 2, failed: 1 } as Outcome;
  assert.is(summaryLine([outcome, outcome], 0), "4 passed, 2 failed");
  assert.is(summaryLine([outcome], 3), "2 passed, 1 failed, 3 skipped");
});

job.run();
