/** Users' texts: UTF-8 alone, no byte-order mark, and a place for everything that is no JSON. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import {
  isJsonLines,
  parseJsonLines,
  readJson,
  readText,
  readTextIfThere,
} from "../../src/files/text";

const test = suite("text files");
const folder = mkdtempSync(path.join(tmpdir(), "seal text "));
test.after(() => rmSync(folder, { recursive: true }));

function file(content: Buffer | string): string {
  const where = path.join(folder, "text");
  writeFileSync(where, content);
  return where;
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => assert.unreachable("it was read"),
    (thrown: unknown) => thrown,
  );
  assert.instance(error, UserError);
  return (error as UserError).message;
}

const utf16 = (text: string, order: "le" | "be"): Buffer => {
  const bytes = Buffer.from(text, "utf16le");
  return order === "le" ? bytes : bytes.swap16();
};

test("UTF-8 is read as it is, with its line ends", async () => {
  for (const text of ["", "Hello", "Grüße, 世界 \u{1f600}\r\n", "a\ufeffb", "\u0001\t"])
    assert.is(await readText(file(text)), text);
});

test("a byte-order mark goes, and so do two", async () => {
  assert.is(await readText(file("\ufeffHello")), "Hello");
  assert.is(await readText(file("\ufeff\ufeffHello")), "Hello");
  assert.is(await readText(file("\ufeff")), "");
  assert.equal(await readJson(file('\ufeff{"a": 1}')), { a: 1 });
});

const others: [name: string, bytes: Buffer, message: RegExp][] = [
  ["UTF-16", utf16("\ufeffHello", "le"), /text is not UTF-8 \(it looks like UTF-16\): save it as/],
  ["UTF-16, the other order", utf16("\ufeffHello", "be"), /looks like UTF-16\)/],
  ["UTF-16 without a mark", utf16("Hello", "le"), /looks like UTF-16, or no text/],
  ["UTF-16 of few NULs, which is UTF-8 too", utf16("Привет мир", "le"), /looks like UTF-16, or no/],
  ["UTF-32", Buffer.from([0xff, 0xfe, 0, 0, 0x48, 0, 0, 0]), /looks like UTF-32\)/],
  ["Latin-1", Buffer.from("Grüße", "latin1"), /looks like Latin-1 or the like\)/],
  ["a character cut in half", Buffer.from("世界").subarray(0, 4), /is not UTF-8/],
  ["a half of a pair, as some write it", Buffer.from([0xed, 0xa0, 0xbd]), /is not UTF-8/],
  ["compressed", Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]), /no text at all/],
];
for (const [name, bytes, message] of others)
  test(`refused: ${name}`, async () => {
    assert.match(await refusal(readText(file(bytes))), message);
    assert.match(await refusal(readJson(file(bytes), { name: "the text" })), message);
  });

test("what cannot be read is named, and why", async () => {
  const missing = path.join(folder, "none");
  assert.match(await refusal(readText(missing)), /^Cannot read .*none: there is no such file\.$/);
  assert.match(
    await refusal(readText(folder, { name: "the prompt" })),
    /the prompt: it is a folder/,
  );
  assert.match(await refusal(readText(file("12345"), { limit: 4 })), /has 5 bytes; at most 4/);
  assert.is(await readTextIfThere(missing), undefined);
  assert.is(await readTextIfThere(file("x")), "x");
});

test("JSON lines: blank ones are none, each may have a mark and any line end", () => {
  const lines = parseJsonLines('\ufeff{"a": 1}\r\n\n \n\ufeff[2]\r\n', "f.jsonl");
  assert.equal(lines, [
    { where: "f.jsonl, line 1", value: { a: 1 } },
    { where: "f.jsonl, line 4", value: [2] },
  ]);
  assert.throws(() => parseJsonLines('1\n{"a":\n', "f.jsonl"), /^f\.jsonl, line 2 is not JSON: /);
  assert.throws(() => parseJsonLines("NaN", "f"), /^f, line 1 is not JSON: [^\n]*$/);
  assert.equal(["a.jsonl", "a.JSONL", "a.ndjson", "a.json", "jsonl"].map(isJsonLines), [
    true,
    true,
    true,
    false,
    false,
  ]);
});

test("what is wrong with JSON is told in one line", async () => {
  const message = await refusal(readJson(file('{\n "a": 1,\n "b": \n}')));
  assert.match(message, /text is not JSON: /);
  assert.not.match(message, "\n");
});

test.run();
