import { suite } from "uvu";
import * as assert from "uvu/assert";
import { trainingSequences } from "../../src/selfedit/sequences";
import { readShared, testWithShared } from "../shared";

const sequences = suite("training sequences");

interface GoldenCase {
  readonly title: string;
  readonly context: string;
  readonly completionText: string;
  readonly splitNewlines: boolean;
  readonly sequences: string[];
}

testWithShared(
  sequences,
  "goldens/train_sequences.json",
  "every released completion gives the released code's sequences",
  () => {
    const cases = readShared<GoldenCase[]>("goldens/train_sequences.json");
    assert.ok(cases.length >= 300);
    for (const golden of cases) {
      const ours = trainingSequences(golden.completionText, {
        title: golden.title,
        passage: golden.context,
        splitLines: golden.splitNewlines,
      });
      assert.equal(ours, golden.sequences);
    }
  },
);

/** The sequences without the title (T) and without the passage (P), which is checked to be last. */
function texts(completion: string, splitLines: boolean): string[] {
  const all = trainingSequences(completion, { title: "T", passage: "P", splitLines });
  assert.is(all.at(-1), "T\nP");
  return all.slice(0, -1).map((sequence) => {
    assert.ok(sequence.startsWith("T\n"));
    return sequence.slice(2);
  });
}

// Expected values below were taken from the released Python function.
const lineCases: [name: string, completion: string, split: string[], whole: string[]][] = [
  ["lines are stripped and blank ones dropped", " a \n\n \t\n b\n", ["a", "b"], ["a \n\n \t\n b"]],
  ["--- separates sequences", "a\nb --- c\n---\n---\nd", ["a", "b", "c", "d"], ["a\nb", "c", "d"]],
  ["five dashes leave two", "a-----b", ["a", "--b"], ["a", "--b"]],
  [
    "an introduction before 1. is dropped",
    "Sure:\n\n1. a\n2. b",
    ["1. a", "2. b"],
    ["Sure:\n\n1. a\n2. b"],
  ],
  [
    "only one line of introduction is dropped",
    "Well.\nSure:\n1. a",
    ["Well.", "Sure:", "1. a"],
    ["Well.\nSure:\n1. a"],
  ],
  ["what stands before 1. counts, across ---", "1. a\n---\n1. b", ["1. b"], ["1. a", "1. b"]],
  ["a line that begins with 1) is no list", "Sure:\n1) a", ["Sure:", "1) a"], ["Sure:\n1) a"]],
  [
    "every line end of Python's splitlines",
    "a\r\nb\rc\x0bd\x0ce\x1cf\x1dg\x1eh\x85i\u2028j\u2029k",
    [..."abcdefghijk"],
    ["a\r\nb\rc\x0bd\x0ce\x1cf\x1dg\x1eh\x85i\u2028j\u2029k"],
  ],
  ["U+001F is white space but ends no line", "\x1fa\x1fb\x1f", ["a\x1fb"], ["a\x1fb"]],
  [
    "U+FEFF and U+200B are no white space",
    "\ufeffa\u200b\n\ufeff",
    ["\ufeffa\u200b", "\ufeff"],
    ["\ufeffa\u200b\n\ufeff"],
  ],
  [
    "no-break and ideographic spaces are stripped",
    "\xa0a\u3000\n\u2003b",
    ["a", "b"],
    ["a\u3000\n\u2003b"],
  ],
  ["a blank completion", " \n", [], [""]],
  ["separators only: the completion itself", " --- ", ["---"], ["---"]],
];

for (const [name, completion, split, whole] of lineCases) {
  sequences(name, () => {
    assert.equal(texts(completion, true), split);
    assert.equal(texts(completion, false), whole);
  });
}

sequences("question-answer pairs stay together", () => {
  const completion = "Question 1: a?\nAnswer: b\n\nQuestion 2: c?\nAnswer: d\n";
  assert.equal(texts(completion, true), [
    "Question 1: a?\nAnswer: b\n",
    "Question 2: c?\nAnswer: d",
  ]);
  assert.equal(texts(completion, false), [completion.trim()]);
});

sequences("a first pair without heading gets one", () => {
  assert.equal(texts(" a?\nAnswer: b\nQuestion 2: c?\nAnswer: d", true), [
    "Question 1: a?\nAnswer: b",
    "Question 2: c?\nAnswer: d",
  ]);
  assert.equal(texts("Questions follow\nQuestion 1: c?\nAnswer : d", true), [
    "Questions follow",
    "Question 1: c?\nAnswer : d",
  ]);
});

sequences("in question-answer text --- stays", () => {
  assert.equal(texts("Question 1: a?\nAnswer: b\n---\nQuestion 2: c?", true), [
    "Question 1: a?\nAnswer: b\n---",
    "Question 2: c?",
  ]);
});

sequences("numbered answers or lower case are no question-answer text", () => {
  assert.equal(texts("Question 1: a?\nAnswer 1: b", true), ["Question 1: a?", "Answer 1: b"]);
  assert.equal(texts("question 1: a?\nAnswer: b", true), ["question 1: a?", "Answer: b"]);
});

sequences("digits of any script and white space between count as a question's heading", () => {
  assert.equal(texts("a?\nAnswer: b\nQuestion\x85\u0663: c?", true), [
    "Question 1: a?\nAnswer: b",
    "Question\x85\u0663: c?",
  ]);
});

sequences("the title is used as it is and the passage is stripped", () => {
  assert.equal(
    trainingSequences("x {title} $&", {
      title: " $1 {y} ",
      passage: "\n P \x1f",
      splitLines: true,
    }),
    [" $1 {y} \nx {title} $&", " $1 {y} \nP"],
  );
});

sequences("a long run of white space takes no long time", () => {
  assert.equal(texts(`a${" ".repeat(200_000)}b`, true).length, 1);
});

sequences.run();
