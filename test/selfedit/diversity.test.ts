import { suite } from "uvu";
import * as assert from "uvu/assert";
import { diversityOf } from "../../src/selfedit/diversity";
import { createRandom } from "../../src/statistics/random";

const diversity = suite("length and diversity of texts");

diversity("n-grams are counted over all texts together, and none spans two texts", () => {
  // Bigrams: the cat, cat sat | the cat, cat ran: 3 of 4 differ. Trigrams: the cat sat | the cat ran.
  const found = diversityOf(["the cat sat", "the cat ran"]);
  assert.is(found.meanLength, 11);
  assert.is(found.distinctBigrams, 3 / 4);
  assert.is(found.distinctTrigrams, 1);
});

diversity("punctuation, case and line ends make no new n-gram", () => {
  // Bigrams: one two, two one, one two: 2 of 3. Trigrams: one two one, two one two.
  const found = diversityOf(["One, two.\nONE two!"]);
  assert.is(found.distinctBigrams, 2 / 3);
  assert.is(found.distinctTrigrams, 1);
});

diversity("letters of any script are words, and characters are not bytes", () => {
  // "é" and "ß" are two bytes each in UTF-8; bigrams: été été, été straße: 2 of 2.
  const found = diversityOf(["été été straße"]);
  assert.is(found.meanLength, 14);
  assert.is(found.distinctBigrams, 1);
});

diversity("compression counts the texts joined by line ends", () => {
  // "a\na\n...a": 1999 bytes of one repeated pair. zlib of it: 2 bytes of head, 4 of check sum, little between.
  const repeated = diversityOf(Array.from({ length: 1000 }, () => "a")).compression;
  assert.ok(repeated > 6 / 1999 && repeated < 40 / 1999, String(repeated));
  // Random letters a to z carry log2(26) = 4.70 of 8 bits; Huffman's code needs at most 0.1 bits more.
  const random = createRandom(1);
  const letters = Array.from({ length: 20_000 }, () =>
    String.fromCharCode(97 + Math.floor(random.next() * 26)),
  ).join("");
  const { compression } = diversityOf([letters]);
  assert.ok(compression > 4.7 / 8 && compression < 5 / 8, String(compression));
});

diversity(
  "a text repeated halves the share of its distinct n-grams and does not double its size",
  () => {
    const text = "seven brave sailors crossed the wide northern sea before winter came";
    const once = diversityOf([text]);
    const twice = diversityOf([text, text]);
    assert.is(once.distinctTrigrams, 1);
    assert.is(twice.distinctTrigrams, 1 / 2);
    assert.is(twice.meanLength, once.meanLength);
    assert.ok(twice.compression < 0.6 * once.compression);
  },
);

diversity("where there is nothing to count there is no number", () => {
  assert.ok(Object.values(diversityOf([])).every(Number.isNaN));
  assert.ok(Number.isNaN(diversityOf(["one two"]).distinctTrigrams));
  assert.is(diversityOf(["one two"]).distinctBigrams, 1);
});

diversity.run();
