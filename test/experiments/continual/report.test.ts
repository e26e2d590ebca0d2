/** The forgetting matrix by hand, rehearsal schedules, the choice of an adapter, and refusals of the variant. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "../../../src/statistics/random";
import { leastSurprised } from "../../../src/experiments/continual/run";
import {
  continualReport,
  forgettingMatrix,
  forgettingSummary,
  meanMatrix,
  type ContinualRun,
} from "../../../src/experiments/continual/report";
import type { ContinualVariant } from "../../../src/experiments/continual/variant";
import type { GivenAnswer } from "../../../src/experiments/lessons/lessons";
import { rehearsalSchedule } from "../../../src/experiments/continual/rehearsal";
import { parseVariant } from "../../../src/experiments/variants";

const test = suite("continual self-edits");

/** "10?" is right, wrong, ungraded. */
const given = (marks: string): GivenAnswer[] =>
  [...marks].map((mark) => ({
    answer: mark === "1" ? "a bell" : "no idea at all",
    golds: ["bell"],
    verdict: mark === "1" ? "correct" : mark === "0" ? "wrong" : "ungraded",
  }));

function run(arm: string, seed: number, answers: string[][], more = {}): ContinualRun {
  return {
    seed,
    arm,
    status: "ok",
    passages: ["a", "b"],
    selfEdits: ["", ""],
    answers: answers.map((row) => row.map(given)),
    steps: 10,
    tokens: 100,
    seconds: { train: 1, answer: 1 },
    ...more,
  };
}

const variant = parseVariant({
  experiment: "continual",
  name: "by-hand",
  passages: 2,
  seeds: [1, 2],
  arms: [
    { name: "merging", method: "merge" },
    { name: "replay", method: "replay" },
  ],
}) as ContinualVariant;

const runs = [
  run("untouched", 1, [["0000", "1000"]]),
  run("merging", 1, [["1110"], ["1000", "1111"]]),
  run("replay", 1, [["1110"], ["1110", "1100"]]),
  run("untouched", 2, [["00?0", "0000"]]),
  run("merging", 2, [["1?11"], ["0000", "1100"]]),
  run("replay", 2, [["1111"], ["1100", "1100"]]),
];

test("a matrix has the untouched model first, null where nothing was asked; ungraded answers are left out", () => {
  assert.equal(forgettingMatrix(runs[3], runs[4]), [
    [0, 0],
    [1, null],
    [0, 0.5],
  ]);
});

test("the mean over sequences, and what was learned, kept and forgotten", () => {
  const matrix = meanMatrix([
    forgettingMatrix(runs[0], runs[1]),
    forgettingMatrix(runs[3], runs[4]),
  ]);
  assert.equal(matrix, [
    [0, 0.125],
    [0.875, null],
    [0.125, 0.75],
  ]);
  // Learned 0.875 and 0.75; kept 0.125 and 0.75; forgotten only of the first: 0.875 - 0.125.
  assert.equal(forgettingSummary(matrix), { learned: 0.8125, kept: 0.4375, forgotten: 0.75 });
});

test("rows and paired comparisons; a failed sequence is counted, and stays out of both", () => {
  const { rows, comparisons, figures } = continualReport(variant, runs, [], 0);
  // Merging at the end: 1 of 4 and 4 of 4, 0 of 4 and 2 of 4. Untouched: 1 of 8 and 0 of 7.
  assert.equal(
    rows.map(({ arm, round, n, accuracy, ungraded }) => ({ arm, round, n, accuracy, ungraded })),
    [
      { arm: "untouched", round: 0, n: 15, accuracy: 1 / 15, ungraded: 1 },
      { arm: "merging", round: 2, n: 16, accuracy: 7 / 16, ungraded: 0 },
      { arm: "replay", round: 2, n: 16, accuracy: 9 / 16, ungraded: 0 },
    ],
  );
  // 7 of merging's 16 answers have two words and are exact, 9 have four; the ungraded one of the untouched is left out.
  assert.equal(
    rows.map(({ exactMatch, answerWords, longAnswers }) => [exactMatch, answerWords, longAnswers]),
    [
      [1 / 15, (2 + 14 * 4) / 15, 0],
      [7 / 16, (7 * 2 + 9 * 4) / 16, 0],
      [9 / 16, (9 * 2 + 7 * 4) / 16, 0],
    ],
  );
  const means = comparisons?.map(({ difference, mean, n }) => `${difference}: ${mean} of ${n}`);
  assert.equal(means, [
    // 0.75 - 0.25, 0.5 - 1, 0.5 - 0, 0.5 - 0.5
    "replay - merging, after the last update: 0.125 of 4",
    // 0, -0.5, 0 (1 - 1, the ungraded one left out), 0
    "replay - merging, just after its own update: -0.125 of 4",
  ]);
  assert.equal(Object.keys(figures), [
    "forgetting",
    "forgetting-best",
    "kept-by-arm",
    "differences",
  ]);
  const broken = [
    ...runs.slice(0, 5),
    run("replay", 2, [["1111"]], { status: "diverged", reason: "b: loss NaN" }),
  ];
  const other = continualReport(variant, broken, [], 0);
  assert.equal(
    other.rows.map(({ n, diverged }) => [n, diverged]),
    [
      [15, 0],
      [16, 0],
      [8, 1],
    ],
  );
  assert.is(other.comparisons?.[0].n, 2);
  const none = continualReport(
    variant,
    runs.map((one) => ({ ...one, status: "unparsable" as const })),
    [],
    0,
  );
  assert.is(none.rows[1].n, 0);
  assert.is(none.rows[1].exactMatch, undefined);
  assert.is(none.rows[1].unparsable, 2);
  assert.equal(none.comparisons, []);
});

test("a rehearsal schedule is as long as training on the new one alone, its parts evenly used", () => {
  const own = ["x", "y", "z"];
  const earlier = ["a", "b"];
  const schedule = rehearsalSchedule(own, earlier, { epochs: 4, share: 0.5 }, createRandom(1));
  const count = (item: string): number => schedule.filter((one) => one === item).length;
  assert.is(schedule.length, 12);
  assert.equal([...own, ...earlier].map(count), [2, 2, 2, 3, 3]);
  assert.equal(rehearsalSchedule(own, [], { epochs: 2, share: 0.5 }, createRandom(1)).sort(), [
    "x",
    "x",
    "y",
    "y",
    "z",
    "z",
  ]);
});

test("a question goes to the adapter that finds it least surprising, the first of equals", () => {
  const losses = [
    [3, 1, 2, 9],
    [2, 1, 4, 0],
  ];
  assert.equal(leastSurprised(losses, 3), [1, 0, 0]);
});

test("an option that a method does not take, and two arms of one name, are refused", () => {
  const parse = (arms: object[]) => (): unknown =>
    parseVariant({ experiment: "continual", name: "x", arms });
  assert.equal(parseVariant(variant), variant, "a checked variant can be checked again");
  assert.throws(parse([{ name: "m", method: "merge", keep: 0.2 }]), /arms\.0\.keep.*takes rate/);
  assert.throws(parse([{ name: "m", method: "merge", rte: 0.2 }]), /did you mean "rate"/);
  assert.throws(
    parse([
      { name: "m", method: "merge" },
      { name: "m", method: "replay" },
    ]),
    /two arms have one name/,
  );
});

test.run();
