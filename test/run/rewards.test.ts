/** The outer loop on the small world with each reward, tiny: what is measured, and that the default is unchanged. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { BiographyRollout } from "../../src/run/biographies-report";
import { runVariant } from "../../src/run/runner";
import { parseVariant } from "../../src/run/variant";

const test = suite("rewards of the outer loop");
const folder = mkdtempSync(path.join(os.tmpdir(), "seal rewards "));
test.after(() => rmSync(folder, { recursive: true }));

const settings = {
  experiment: "biographies",
  seeds: [11],
  people: { train: 2, heldOut: 1 },
  rounds: 1,
  sampling: { count: 2, topP: 0.95, maximumTokens: 30 },
  innerLoop: { rank: 2, epochs: 1, learningRate: 0.005, targets: ["q_proj", "v_proj"] },
  fineTuning: { rank: 2, epochs: 1, learningRate: 0.002 },
  concurrency: 6,
};

test("the answer loss: a reward is the geometric mean probability of the right answers", async () => {
  const variant = parseVariant({ ...settings, name: "loss", reward: "answer loss" });
  const { directory } = await runVariant(variant, { output: folder, quiet: true });
  const scored = readFileSync(path.join(directory, "rollouts.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as BiographyRollout)
    .filter(({ part, status }) => part === "train" && status === "ok");
  assert.ok(scored.length > 0);
  for (const { reward, answerLosses = [] } of scored) {
    assert.is(answerLosses.length, 6);
    const mean = answerLosses.reduce((sum, loss) => sum + loss, 0) / 6;
    assert.ok(Math.abs((reward ?? 0) - Math.exp(-mean)) < 1e-9);
    assert.ok(mean > 0);
  }
});

test("without the setting the variant is as it was, and unknown rewards are refused", () => {
  assert.not("reward" in parseVariant({ ...settings, name: "plain" }));
  assert.throws(() => parseVariant({ ...settings, name: "x", reward: "luck" }), /reward/);
});

test.run();
