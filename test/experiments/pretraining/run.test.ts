/** Continued pretraining on the small world, tiny: every arm and number of passages, what is trained on, equal steps. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { figureCurves } from "../../../src/plot/curves";
import {
  pretrainingReport,
  type PretrainingRollout,
} from "../../../src/experiments/pretraining/report";
import type { PretrainingVariant } from "../../../src/experiments/pretraining/variant";
import { runVariant, parseVariant, readVariant } from "../../../src/experiments/variants";
import { temporaryFolder } from "../../run/temporary";
import { resultLines } from "../tiny-loop";

const test = suite("continued pretraining");
const folder = temporaryFolder(test, "pretraining");

const settings = {
  experiment: "pretraining",
  name: "tiny",
  passages: [1, 3],
  seeds: [11],
  arms: [
    "untouched",
    "passages only",
    "passages only, matched steps",
    "untrained self-edits",
    "oracle",
  ],
  sampling: { count: 2, maximumTokens: 40 },
  innerLoop: { rank: 2, epochs: 1, batchSize: 4, accumulation: 2, targets: ["q_proj", "v_proj"] },
  answers: { maximumTokens: 2 },
  concurrency: 5,
};

test("every cell is there, asked about all its passages; steps are as planned", async () => {
  const { record, directory } = await runVariant(parseVariant(settings), {
    output: folder,
    quiet: true,
  });
  assert.is(record.rows.length, 10);
  record.rows.forEach(({ arm, n }) => assert.is(n, arm.endsWith("3 passages") ? 18 : 6, arm));
  const rollouts = resultLines<PretrainingRollout>(directory);
  const find = (arm: string, passages: number): PretrainingRollout | undefined =>
    rollouts.find((one) => one.arm === arm && one.passages === passages);
  // Six statements and the passage, of three people: 21 sequences, in steps of 4 x 2.
  assert.is(find("oracle", 3)?.sequences, 21);
  assert.is(find("oracle", 3)?.steps, 3);
  assert.is(find("passages only", 3)?.sequences, 3);
  assert.is(find("untouched", 3)?.steps, 0);
  assert.is(
    find("passages only, matched steps", 3)?.steps,
    find("untrained self-edits", 3)?.steps,
    "as many steps as the self-edits take",
  );
});

const outerLoop = {
  passages: 2,
  rounds: 2,
  rewardSeeds: 1,
  sampling: { count: 3, maximumTokens: 60 },
  innerLoop: { rank: 2, epochs: 2, learningRate: 0.005, targets: ["q_proj"] },
  fineTuning: { rank: 2, epochs: 1, learningRate: 0.002, targets: ["q_proj"] },
  concurrency: 6,
};

test("after ReST-EM: arms of their own, at the same questions; the other arms are as without", async () => {
  const arms = ["untrained self-edits", "SEAL", "random selection"];
  const variant = parseVariant({ ...settings, name: "rounds", arms, outerLoop });
  const { record, directory } = await runVariant(variant, { output: folder, quiet: true });
  assert.equal(
    record.rows.map(({ arm, round, n }) => [arm, round, n]),
    [
      ["untrained self-edits, 1 passage", 0, 6],
      ["untrained self-edits, 3 passages", 0, 18],
      ["SEAL, round 2, 1 passage", 2, 6],
      ["SEAL, round 2, 3 passages", 2, 18],
      ["random selection, round 2, 1 passage", 2, 6],
      ["random selection, round 2, 3 passages", 2, 18],
    ],
  );
  const lines = (name: string, file: string): Record<string, unknown>[] =>
    readFileSync(path.join(name, file), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const untrained = (name: string): unknown[] =>
    lines(name, "rollouts.jsonl")
      .filter(({ arm }) => arm === "untrained self-edits")
      .map(({ passages, completions, sequences }) => ({ passages, completions, sequences }));
  assert.equal(untrained(directory), untrained(path.join(folder, "pretraining--tiny")));
  const rounds = lines(directory, "metrics.jsonl").filter(({ round }) => round !== undefined);
  assert.equal(
    rounds.map(({ arm, round, decodedAnswers }) => [arm, round, decodedAnswers === 0]),
    [
      ["SEAL", 1, false],
      ["SEAL", 2, false],
      ["random selection", 1, true],
      ["random selection", 2, true],
    ],
  );
  rounds
    .filter(({ arm }) => arm === "SEAL")
    .forEach(({ kept, adapters, meanReward, meanKeptReward }) => {
      assert.ok((kept as number) <= 2 && (adapters as number) <= 6);
      assert.ok((meanKeptReward as number) >= (meanReward as number), "the best are kept");
    });
});

test("nobody is both learned on and asked about, and rounds need their settings", async () => {
  const arms = ["SEAL"];
  assert.throws(() => parseVariant({ ...settings, arms }), /need "outerLoop"/);
  const data = { source: "biographies" };
  const variant = parseVariant({
    ...settings,
    ...{ name: "both", arms, outerLoop: { ...outerLoop, data } },
  });
  let refusal = "";
  await runVariant(variant, { output: folder, quiet: true }).catch(
    (error: Error) => (refusal = error.message),
  );
  assert.match(refusal, /would be both learned on and asked about/);
});

test("accuracy, intervals' cells and paired differences by hand; a diverged run is counted and stays out", () => {
  const variant = parseVariant({
    ...settings,
    passages: [2],
    seeds: [1, 2],
    arms: ["passages only", "untrained self-edits"],
  }) as PretrainingVariant;
  const run = (arm: string, seed: number, marks: string[]): PretrainingRollout => ({
    ...{ seed, arm: arm as PretrainingRollout["arm"], passages: 2, status: "ok", unparsable: 1 },
    ...{ sequences: 1, steps: 1, tokens: 1, seconds: { train: 0, answer: 0 } },
    answers: marks.map((own, p) => ({
      passage: `p${p}`,
      answers: [...own].map((mark) => ({
        answer: mark === "1" ? "the bell" : "word ".repeat(21),
        golds: ["bell", "a bell"],
        verdict: mark === "1" ? ("correct" as const) : ("wrong" as const),
      })),
    })),
  });
  const runs = [
    run("passages only", 1, ["00", "01"]),
    run("passages only", 2, ["00", "00"]),
    run("untrained self-edits", 1, ["11", "01"]),
    { ...run("untrained self-edits", 2, []), status: "diverged" as const },
  ];
  const { rows, comparisons } = pretrainingReport(variant, runs, {
    inputs: [],
    generate: 0,
    rounds: [],
  });
  assert.equal(
    rows.map(({ arm, n, accuracy, unparsable, diverged }) => [
      arm,
      n,
      accuracy,
      unparsable,
      diverged,
    ]),
    [
      ["passages only, 2 passages", 8, 0.125, 2, 0],
      ["untrained self-edits, 2 passages", 4, 0.75, 2, 1],
    ],
  );
  // A right answer is two words and exact, a wrong one twenty-one.
  assert.equal(
    rows.map(({ exactMatch, f1, answerWords, longAnswers }) => [
      ...[exactMatch, f1, answerWords, longAnswers],
    ]),
    [
      [0.125, 0.125, (2 + 7 * 21) / 8, 0.875],
      [0.75, 0.75, (3 * 2 + 21) / 4, 0.25],
    ],
  );
  // Seed 1: 1 - 0 and 0.5 - 0.5; seed 2 has no pair.
  assert.equal(
    comparisons?.map(({ difference, mean, n }) => [difference, mean, n]),
    [["untrained self-edits - passages only, 2 passages", 0.5, 2]],
  );
});

test("curves: x at equal distances, intervals as lengths, the last value at the edge", () => {
  const figure = figureCurves(
    [
      {
        label: "a",
        points: [
          { x: 5, value: 10, interval: [8, 13] },
          { x: 50, value: 20, interval: [15, 30] },
        ],
      },
    ],
    { title: "t", xTitle: "x", yTitle: "y", format: (value) => `${value}%` },
  );
  const [line] = figure.data as {
    x: number[];
    error_y: { array: number[]; arrayminus: number[] };
  }[];
  assert.equal(line.x, [0, 1]);
  assert.equal(line.error_y.array, [3, 10]);
  assert.equal(line.error_y.arrayminus, [2, 5]);
  const { annotations, xaxis } = figure.layout as {
    annotations: { text: string }[];
    xaxis: { ticktext: string[] };
  };
  assert.equal(
    annotations.map(({ text }) => text),
    ["a 20%"],
  );
  assert.equal(xaxis.ticktext, ["5", "50"]);
});

test("the paper's preset: an effective batch of 8, 3 epochs, 1e-3 and 1e-4 for passages only", async () => {
  const file = path.join(__dirname, "../../../experiments/pretraining/paper.json");
  const { innerLoop, passages, passagesOnlyRate } = (await readVariant(file)) as PretrainingVariant;
  assert.equal(passages, [200]);
  assert.is(innerLoop.batchSize * innerLoop.accumulation, 8);
  assert.equal([innerLoop.epochs, innerLoop.learningRate, passagesOnlyRate], [3, 1e-3, 1e-4]);
  assert.throws(() => parseVariant({ ...settings, passages: [3, 1] }), /must rise/);
});

test.run();
