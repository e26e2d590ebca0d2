import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { ReleasedLog } from "../../src/replay/released";
import { writtenSummary } from "../../src/replay/written";

const test = suite("length and variety of the self-edits");

const logOf = (name: string, ...texts: string[]): [string, ReleasedLog] => [
  name,
  {
    ...{ name, titles: [], released: { adapter: 0 }, baseline: [], adapter: [] },
    completions: texts.map((text) => [{ text, mean: 0, std: 0 }]),
  },
];

test("lengths as written; variety at the length of the shortest, by hand", () => {
  const { records, changes } = writtenSummary(
    new Map([
      logOf("eval/base", "one two three four", "a b c d e f"),
      // Cut to 18 and 11 characters: "one one one one on" (trigrams: 2 of 3), "a b c a b c" (3 of 4).
      logOf("eval/iter2", "one one one one one one", "a b c a b c a b c"),
      logOf("eval-prompts/base_prompt-long", "xy", "xy"),
    ]),
    "test",
  );
  assert.equal(
    records.map(({ prompt, author, length, equalLength }) => [
      prompt,
      author,
      length.value,
      equalLength.trigrams?.value.toFixed(4),
    ]),
    [
      ["implications", "untrained self-edits", (18 + 11) / 2, "1.0000"],
      ["implications", "round 2", (23 + 17) / 2, ((2 / 3 + 3 / 4) / 2).toFixed(4)],
      ["long", "untrained self-edits", 2, undefined],
    ],
  );
  // All texts as they are: six words of which all trigrams but one repeat, and nine with three trigrams of seven.
  assert.is(records[1].together.distinctTrigrams, (1 + 3) / (4 + 7));
  assert.is(changes.length, 1);
  assert.is(changes[0].prompt, "implications");
  assert.is(changes[0].length.value, 5.5);
  assert.is(changes[0].trigrams?.value.toFixed(4), ((2 / 3 + 3 / 4) / 2 - 1).toFixed(4));
});

test.run();
