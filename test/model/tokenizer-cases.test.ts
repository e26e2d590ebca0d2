/** Tokenizers of public bug reports, where the shared material is there: ids and texts by Hugging Face's tokenizers 0.23.3. */
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openGgufContainer } from "../../src/model/gguf/container";
import { tokenizerFromGguf, tokenizerFromJson } from "../../src/model/tokenizer";
import type { Tokenizer } from "../../src/model/types";
import { readShared, sharedPath, testWithShared } from "../shared";

const test = suite("tokenizer cases");

function ofFolder(...folder: string[]): Tokenizer {
  return tokenizerFromJson(readShared(...folder, "tokenizer.json"), {}, folder.join("/"));
}

async function ofGguf(...file: string[]): Promise<Tokenizer> {
  const container = await openGgufContainer(sharedPath(...file));
  try {
    return tokenizerFromGguf(container.metadata).tokenizer;
  } finally {
    await container.close();
  }
}

function textOf(folder: string): string {
  return readFileSync(sharedPath("cases", folder, "t.txt"), "utf8");
}

testWithShared(test, "cases/_models/unigram", "Unigram with byte_fallback", () => {
  const tokenizer = ofFolder("cases", "_models", "unigram");
  const text = textOf("unigram-byte-fallback");
  const ids = [
    259, 334, 350, 264, 346, 13, 334, 350, 264, 417, 275, 294, 259, 276, 197, 192, 259, 305, 451,
    260, 262, 259, 407, 197, 181, 259, 259, 259, 197, 192,
  ];
  assert.equal(tokenizer.encode(text), ids);
  assert.is(tokenizer.decode(ids), text);
});

testWithShared(test, "cases/_models/smollm", "Digits that are not ASCII", () => {
  const ids = [
    45, 409, 410, 200, 45, 409, 561, 80, 27, 222, 19, 666, 294, 86, 551, 13, 222, 89, 664, 331, 666,
  ];
  assert.equal(ofFolder("cases", "_models", "smollm").encode(textOf("digits-unicode")), ids);
});

testWithShared(test, "cases/single-word", "added tokens that are single words", () => {
  const tokenizer = ofFolder("cases", "single-word");
  assert.equal(tokenizer.encode("xfoo y"), [89, 71, 554, 689]);
  assert.equal(tokenizer.encode("x foo y"), [89, 222, 701, 689]);
  assert.equal(tokenizer.encode("<tool>a <tool> a"), [29, 85, 80, 388, 31, 66, 222, 700, 261]);
});

testWithShared(test, "cases/added-token-space", "added tokens that are normalized", () => {
  const tokenizer = ofFolder("cases", "added-token-space");
  assert.equal(tokenizer.encode("a foo b"), [349, 703, 384]);
  assert.is(tokenizer.decode([349, 703, 384]), "a foo b");
  assert.equal(tokenizer.encode("<tool><tool>"), [702, 63, 337, 332, 482, 65]);
});

const withoutBos = [
  45, 411, 412, 200, 45, 411, 572, 80, 27, 222, 19, 691, 294, 86, 562, 13, 222, 89, 689, 258, 222,
  691,
];

testWithShared(test, "cases/gguf-no-pre", "GGUF without a pre-tokenizer's name", async () => {
  const tokenizer = await ofGguf("cases", "gguf-no-pre", "nopre.gguf");
  assert.equal(tokenizer.encode(textOf("gguf-no-pre"), { addSpecial: true }), withoutBos);
});

testWithShared(test, "cases/gguf-pre-alias", "GGUF with other names of known ones", async () => {
  const text = textOf("gguf-pre-alias");
  const qwen = await ofGguf("cases", "gguf-pre-alias", "pre-deepseek-r1-qwen.gguf");
  assert.equal(qwen.encode(text, { addSpecial: true }), withoutBos);
  const falcon = await ofGguf("cases", "gguf-pre-alias", "pre-falcon3.gguf");
  assert.equal(falcon.encode(text, { addSpecial: true }), [0, ...withoutBos]);
});

test.run();
