import { suite } from "uvu";
import * as assert from "uvu/assert";
import { agreementOf, calibrationOf } from "../../src/judge/agreement";
import { judgeAnswer, judgeProbability } from "../../src/judge/lexical";
import { containsGold, recallsGold } from "../../src/judge/rules";
import { accuracy } from "../../src/judge/verdict";

const test = suite("local judge");

const RIGHT: readonly (readonly [question: string, gold: string, answer: string])[] = [
  ["Who painted the ceiling?", "Michelangelo", "The ceiling was painted by Michelangelo."],
  ["How many people live there?", "12,000", "About 12000 people live there."],
  ["How many wheels does it have?", "four", "It has 4 wheels."],
  ["When was the bridge opened?", "May 3, 1921", "The bridge was opened on 3 May 1921."],
  ["What share of the land is forest?", "35%", "35 percent of the land is forest."],
  ["What grows in the valley?", "apple trees", "Apple trees grow in the valley."],
  [
    "Which party governed the town?",
    "Conservatives",
    "The town was governed by the Conservative party.",
  ],
  ["Where was she born?", "the city of Zürich", "She was born in Zurich."],
  ["What was the ship carrying?", "coal and timber", "The ship was carrying timber and coal."],
];

const WRONG: typeof RIGHT = [
  ["Who painted the ceiling?", "Michelangelo", "The ceiling was painted by Raphael."],
  ["When was the bridge opened?", "1921", "The bridge was opened in 1934."],
  ["How many wheels does it have?", "four", "It has six wheels."],
  ["Where was she born?", "Zurich", "She was born in Geneva, in Switzerland."],
  ["How many people live there?", "12,000", "About 120,000 people live there."],
  ["What was the ship carrying?", "coal", "I am not sure what the ship was carrying."],
];

for (const [question, gold, answer] of RIGHT) {
  test(`correct: "${answer}" for "${gold}"`, () =>
    assert.is(judgeAnswer({ question, gold, answer }), "correct"));
}
for (const [question, gold, answer] of WRONG) {
  test(`wrong: "${answer}" for "${gold}"`, () =>
    assert.is(judgeAnswer({ question, gold, answer }), "wrong"));
}

test("a blank answer is wrong, as in SEAL's code", () => {
  for (const answer of ["", "  \n"]) {
    assert.is(judgeAnswer({ question: "Who?", gold: "Ann", answer }), "wrong");
    assert.is(judgeProbability({ question: "Who?", gold: "Ann", answer }), 0);
  }
});

test("one of several golds suffices", () => {
  const input = { question: "Who painted the ceiling?", answer: "Michelangelo painted it." };
  assert.is(judgeAnswer({ ...input, gold: ["Raphael", "Michelangelo"] }), "correct");
  assert.is(judgeAnswer({ ...input, gold: ["Raphael", "Bramante"] }), "wrong");
});

test("accuracy counts the ungraded beside, not as wrong", () => {
  const verdicts = ["correct", "ungraded", "wrong", "correct", "correct"] as const;
  assert.equal(accuracy(verdicts), { accuracy: 0.75, correct: 3, wrong: 1, ungraded: 1 });
  assert.ok(Number.isNaN(accuracy(["ungraded"]).accuracy));
});

test("the simple rules", () => {
  const input = { question: "Q?", gold: "the red house", answer: "It was a Red, House!" };
  assert.is(containsGold(input), true);
  assert.is(containsGold({ ...input, gold: ["blue", "house"] }), true);
  assert.is(containsGold({ ...input, gold: "red hous" }), false, "whole words");
  assert.is(recallsGold({ ...input, gold: "a big red brick house" }), false, "2 of 4 words");
  assert.is(recallsGold({ ...input, gold: "it was a red brick house" }), true, "4 of 5 words");
});

test("agreement, kappa and bias by hand", () => {
  const predicted = [true, true, true, false, false, false, false, false, false, true];
  const reference = [true, true, false, true, false, false, false, false, false, false];
  const { n, agreement, kappa, bias } = agreementOf(predicted, reference);
  // 7 of 10 agree; by chance 0.4 * 0.3 + 0.6 * 0.7 = 0.54.
  assert.is(n, 10);
  assert.is(agreement, 0.7);
  assert.ok(Math.abs(kappa - 0.16 / 0.46) < 1e-12);
  assert.ok(Math.abs(bias - 0.1) < 1e-12);
});

test("calibration by hand", () => {
  const { error, bins } = calibrationOf([0.1, 0.3, 0.8, 1], [false, true, true, true], 2);
  assert.equal(
    bins.map((bin) => bin.n),
    [2, 2],
  );
  assert.equal([bins[0].predicted, bins[0].observed, bins[1].observed], [0.2, 0.5, 1]);
  assert.ok(Math.abs(error - (2 * 0.3 + 2 * 0.1) / 4) < 1e-12);
});

test.run();
