import { suite } from "uvu";
import * as assert from "uvu/assert";
import { lengthRecords, predictorRecord, rubricRecords } from "../../src/replay/predictors";
import type { ReleasedCompletion, ReleasedLog } from "../../src/replay/released";
import { createRandom } from "../../src/statistics/random";

const test = suite("what foretells the reward");

const pairs = (...own: [value: number, reward: number][]) =>
  own.map(([value, reward]) => ({ value, reward }));

test("correlation of deviations within passages, and the gain of the largest, by hand", () => {
  // Deviations: passage 1 value -1, 1, reward -0.1, 0.1; passage 2 value -2, 0, 2, reward 0.2, -0.1, -0.1.
  const passages = [pairs([1, 0.4], [3, 0.6]), pairs([10, 0.3], [12, 0], [14, 0])];
  const { correlation, gain } = predictorRecord("x", "y", passages, "test");
  // Sums: value x reward 0.2 - 0.6 = -0.4; value² 2 + 8; reward² 0.02 + 0.06.
  assert.ok(Math.abs(correlation.value - -0.4 / Math.sqrt(10 * 0.08)) < 1e-12);
  // Gains: 0.6 - 0.5, and 0 - 0.1.
  assert.ok(Math.abs(gain.value) < 1e-12);
});

test("candidates that tie count as drawn at random; nothing varies, nothing correlates", () => {
  const { correlation, gain } = predictorRecord(
    "x",
    "y",
    [pairs([2, 0.9], [2, 0.3], [1, 0])],
    "test",
  );
  assert.ok(Math.abs(gain.value - (0.6 - 0.4)) < 1e-12);
  assert.ok(correlation.value > 0);
  assert.is(predictorRecord("x", "y", [pairs([1, 0.5], [1, 0.7])], "test").correlation.value, 0);
});

test("a planted correlation is found inside its interval, differences between passages left aside", () => {
  const random = createRandom("planted");
  const passages = Array.from({ length: 300 }, () => {
    const easy = 5 * random.normal();
    return Array.from({ length: 5 }, () => {
      const value = random.normal();
      return { value: value - 3 * easy, reward: easy + 0.5 * value + random.normal() };
    });
  });
  // Correlation of value and 0.5 value + noise: 0.5 / sqrt(1.25) = 0.447.
  const { correlation } = predictorRecord("x", "y", passages, "test");
  assert.ok(correlation.low < 0.447 && 0.447 < correlation.high, JSON.stringify(correlation));
  assert.ok(correlation.high - correlation.low < 0.12);
});

const logOf = (name: string, completions: readonly (readonly ReleasedCompletion[])[]) =>
  ({
    ...{ name, titles: [], released: { adapter: 0 }, baseline: [], adapter: [] },
    completions,
  }) as ReleasedLog;
const written = (text: string, mean: number, mark?: number): ReleasedCompletion => ({
  ...{ text, mean, std: 0 },
  ...(mark !== undefined && { rubric: { length: mark, quality: 1, final: mark + 1 } }),
});

test("length: each log with a choice, all together, and without the prompt that asks for nothing", () => {
  const logs = [
    logOf("train/rank_iter0", [[written("long text", 0.8), written("short", 0.4)]]),
    logOf("train-prompts/rank_iter0_prompt-none", [[written("alone", 1)]]),
    logOf("train-prompts/rank_iter1_prompt-none", [[written("", 0), written("text", 0.2)]]),
    logOf("train-3B/rank_iter0", [[written("long text", 0.3), written("short", 0.5)]]),
  ];
  assert.equal(
    lengthRecords(logs, "test").map(({ on, passages, gain }) => [
      on,
      passages,
      gain.value.toFixed(3),
    ]),
    [
      ["train/rank_iter0", 1, "0.200"],
      ["train-prompts/rank_iter1_prompt-none", 1, "0.100"],
      ["train-3B/rank_iter0", 1, "-0.100"],
      ["all 3 logs", 3, "0.067"],
      ["the 2 with an instruction", 2, "0.050"],
    ],
  );
});

test("a rubric is set beside the log of the same candidates, the sum first; else there is nothing", () => {
  const marks = logOf("proxy", [[written("a", 0, 2), written("b", 0, 5)]]);
  const same = logOf("train/rank_iter0", [[written("a", 0.1), written("b", 0.7)]]);
  const other = logOf("train/rank_iter1", [[written("a", 0.1), written("c", 0.7)]]);
  assert.equal(
    rubricRecords(marks, [other, same], "test").map(({ predictor, on, gain }) => [
      predictor,
      on,
      gain.value.toFixed(3),
    ]),
    [
      ["rubric", "train/rank_iter0", "0.300"],
      ["rubric: length", "train/rank_iter0", "0.300"],
      ["rubric: quality", "train/rank_iter0", "0.000"],
    ],
  );
  assert.equal(rubricRecords(marks, [other], "test"), []);
});

test.run();
