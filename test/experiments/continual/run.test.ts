/** Continual self-edits on the small world, tiny: every method runs, at the cost of plain merging, and asks what it should. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { loadModel } from "../../../src/model/load";
import type { ContinualRun } from "../../../src/experiments/continual/report";
import { continueSequences } from "../../../src/experiments/continual/rehearsal";
import { runVariant, parseVariant } from "../../../src/experiments/variants";
import { temporaryFolder } from "../../run/temporary";
import { resultLines } from "../tiny-loop";

const test = suite("continual self-edits, run");
const folder = temporaryFolder(test, "continual");

const methods = ["merge", "replay", "distil", "trim", "sum", "mean", "ties", "dare", "choose"];
const settings = {
  experiment: "continual",
  name: "tiny",
  passages: 2,
  seeds: [11],
  author: "oracle",
  innerLoop: { rank: 2, epochs: 2, batchSize: 7, targets: ["q_proj", "v_proj"] },
  answers: { maximumTokens: 2 },
  arms: methods.map((method) => ({ name: method, method })),
};

test("every method learns both passages in the same number of steps and is asked about each so far", async () => {
  const { record, directory } = await runVariant(parseVariant(settings), {
    output: folder,
    quiet: true,
  });
  assert.equal(
    record.rows.map(({ arm, n, round }) => `${arm} ${n} ${round}`),
    ["untouched 12 0", ...methods.map((method) => `${method} 12 2`)],
  );
  const runs = resultLines<ContinualRun>(directory);
  for (const { arm, answers, steps } of runs.filter((run) => run.arm !== "untouched")) {
    assert.equal(
      answers.map((row) => row.map((passage) => passage.length)),
      [[6], [6, 6]],
      arm,
    );
    // Two passages, two epochs, a batch for all seven sequences.
    assert.is(steps, 4, arm);
  }
  // After the first update, whatever comes of the first adapter alone is the same where the whole change is merged.
  const first = (arm: string): unknown => runs.find((run) => run.arm === arm)?.answers[0];
  ["replay", "distil", "sum", "mean", "choose"].forEach((arm) =>
    assert.equal(first(arm), first("merge"), arm),
  );
});

test("continued sequences keep their first halves and are learned from there", async () => {
  const model = await loadModel("tiny:biographies");
  const sequences = [{ ids: [10, 11, 12, 13, 14] }, { ids: [20, 21] }];
  const written = await continueSequences(model, sequences, "seed");
  assert.equal(
    written.map(({ ids, lossFrom }) => [ids.slice(0, lossFrom), lossFrom]),
    [
      [[10, 11, 12], 3],
      [[20], 1],
    ],
  );
  written.forEach(({ ids }, i) => {
    assert.ok(ids.length > (written[i].lossFrom ?? 0), "something is learned");
    assert.ok(ids.length <= sequences[i].ids.length, "and no more than there was");
  });
  assert.equal(await continueSequences(model, sequences, "seed"), written);
});

test.run();
