/** Length and variety of what is written, by arm and round, by hand. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { writingRows } from "../../src/run/writing";

const test = suite("writing");

test("a row for each arm and round that writes", () => {
  const rows = writingRows([
    { arm: "untouched", round: 0 },
    { arm: "untrained", round: 0, completion: "the cat sat" },
    { arm: "best of K", round: 1, completion: "the cat sat" },
    { arm: "best of K", round: 1, completion: "the cat ran off" },
    { arm: "best of K", round: 2, completion: "" },
  ]);
  assert.equal(
    rows.map(({ arm, round, n, meanLength, distinctBigrams, distinctTrigrams }) => ({
      ...{ arm, round, n, meanLength, distinctBigrams, distinctTrigrams },
    })),
    [
      // Bigrams: the-cat, cat-sat. Trigram: the-cat-sat.
      { arm: "untrained", round: 0, n: 1, meanLength: 11, distinctBigrams: 1, distinctTrigrams: 1 },
      // the-cat twice of 2 + 3 bigrams; all of 1 + 2 trigrams differ.
      {
        arm: "best of K",
        round: 1,
        n: 2,
        meanLength: 13,
        distinctBigrams: 0.8,
        distinctTrigrams: 1,
      },
      // Nothing to count is a gap, no zero.
      {
        arm: "best of K",
        round: 2,
        n: 1,
        meanLength: 0,
        distinctBigrams: null,
        distinctTrigrams: null,
      },
    ],
  );
  assert.is(rows[2].compression, null);
  assert.ok((rows[1].compression ?? 0) > 0);
});

test.run();
