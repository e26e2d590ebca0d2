import { readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { answerMeasures, measureAnswer, squadNormal } from "../../src/judge/measures";

const test = suite("measures without a judge");

interface Golden {
  readonly answer: string;
  readonly golds: readonly string[];
  readonly exactMatch: boolean;
  readonly f1: number;
}

const goldens = JSON.parse(
  readFileSync(path.join(__dirname, "../fixtures/judge/squad.json"), "utf8"),
) as Golden[];

test("exact match and F1 equal SQuAD's evaluation script", () => {
  assert.is(goldens.length, 83);
  for (const { answer, golds, exactMatch, f1 } of goldens) {
    const own = measureAnswer({ answer, golds });
    const told = JSON.stringify({ answer, golds });
    assert.is(own.exactMatch, exactMatch, told);
    // The script's numbers are of single precision.
    assert.ok(Math.abs(own.f1 - f1) < 1e-6, `${told}: ${own.f1}, not ${f1}`);
  }
});

test("the normalisation: articles are whole words of any alphabet, punctuation is ASCII's", () => {
  assert.is(squadNormal("The  Red, house!"), "red house");
  assert.is(squadNormal("an aña, the theme: «a»"), "aña theme « »");
  assert.is(squadNormal("U.S.A.'s"), "usas");
});

test("one answer by hand: best over the golds, words as they stand", () => {
  // "red house" of "it was red house": precision 2/4, recall 2/2.
  const own = measureAnswer({ answer: "It was a Red, House!", golds: ["big", "the red house"] });
  assert.equal(own, { exactMatch: false, f1: (2 * 2) / (4 + 2), answerWords: 5 });
  assert.equal(measureAnswer({ answer: " \n", golds: ["red"] }), {
    exactMatch: false,
    f1: 0,
    answerWords: 0,
  });
  // Each word of the gold counts once.
  assert.is(measureAnswer({ answer: "red red", golds: ["red blue"] }).f1, 0.5);
});

test("means by hand: twenty words are not long, twenty-one are", () => {
  const words = (count: number): string => Array.from({ length: count }, () => "word").join(" ");
  const golds = ["word"];
  const measures = answerMeasures([
    { answer: "Word.", golds },
    { answer: words(20), golds },
    { answer: words(21), golds },
    { answer: "", golds },
  ]);
  assert.ok(measures);
  const { f1, ...rest } = measures;
  assert.equal(rest, { exactMatch: 0.25, answerWords: 42 / 4, longAnswers: 0.25 });
  assert.ok(Math.abs(f1 - (1 + 2 / 21 + 2 / 22 + 0) / 4) < 1e-12);
  assert.is(answerMeasures([]), undefined);
});

test.run();
