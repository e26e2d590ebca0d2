import { suite } from "uvu";
import * as assert from "uvu/assert";
import { divideByKind, graderRepeats, type DividedKind } from "../../src/replay/divided";
import type { GradedAnswer } from "../../src/replay/released";

const test = suite("what divides GPT-4.1 and the judge");

const row = (answer: string, correct: boolean, gold = "Ann Lee"): GradedAnswer => ({
  article: 0,
  question: 0,
  completion: 0,
  repeat: 0,
  text: "Topic: Towers\nWho built the tower?",
  gold,
  answer,
  correct,
});

const counts = (kinds: readonly DividedKind[]): (readonly [number, number, number])[] =>
  kinds.map(({ n, onlyGpt, onlyLocal }) => [n, onlyGpt, onlyLocal]);

test("each answer is in one part, and in every mark that fits; both directions are counted", () => {
  const long = `Ann Lee built it${" and so on".repeat(6)}.`;
  const { parts, marks } = divideByKind([
    { row: row(long, false), local: true },
    { row: row("Ann Lee built it.", true), local: true },
    { row: row("Ann Lee has never seen it.", false), local: true },
    { row: row("Lee, whose name was Ann", true), local: true },
    { row: row("Her sister Mary Lee did.", false), local: true },
    { row: row("A woman of the village.", true), local: false },
    { row: row("They built 14 towers with Bob.", false, "13 towers"), local: true },
  ]);
  assert.equal(counts(parts), [
    [1, 0, 1],
    [2, 0, 1],
    [1, 0, 0],
    [2, 0, 2],
    [1, 1, 0],
  ]);
  assert.equal(
    parts.reduce((sum, { n }) => sum + n, 0),
    7,
  );
  assert.equal(counts(marks), [
    [1, 0, 1],
    [0, 0, 0],
    [1, 0, 1],
    [1, 0, 1],
    [1, 0, 0],
  ]);
});

test("a gold beside another name is named in passing; the question's own words are no other names", () => {
  const { marks } = divideByKind([
    { row: row("Bob built it for Ann Lee in 1846.", false), local: true },
    { row: row("The Tower was built by Ann Lee.", true), local: true },
  ]);
  assert.equal(counts(marks)[1], [1, 0, 1]);
});

test("the grader against itself, by hand", () => {
  const repeats = graderRepeats([
    ...[true, true, false].map((correct) => row("Ann", correct)),
    ...[false, false].map((correct) => row("Bob", correct)),
    row("Cid", true),
    ...[false, true].map((correct) => row(" ", correct)),
  ]);
  // Of Ann's three pairs one is equal, Bob's is; Cid was graded once, blanks are not graded.
  assert.equal(repeats, { answers: 2, divided: 1, agreement: (1 / 3 + 1) / 2 });
  assert.is(graderRepeats([row("Cid", true)]), undefined);
});

test.run();
