/** What the tokenizers' steps take each character for, against Hugging Face's tokenizers (test/fixtures/tokenizer/unicode.py), on any Node. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileNormalizer } from "../../src/model/tokenization/normalizers";
import { compilePreTokenizer } from "../../src/model/tokenization/pre-tokenizers";
import { replacing } from "../../src/model/tokenization/spans";
import { wellFormed } from "../../src/model/tokenization/unicode";

const test = suite("tokenizer unicode");
const fixture = JSON.parse(
  readFileSync(path.join(__dirname, "../fixtures/tokenizer/unicode.json"), "utf8"),
) as { sets: Record<string, string>; forms: Record<string, string> };

const range = (first: number, end: number): number[] =>
  Array.from({ length: end - first }, (_, k) => first + k);
const points = [...range(0, 0xd800), ...range(0xe000, 0x40000), ...range(0xe0000, 0xe0200)];

function digest(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/** "897 1b4e 1c89-1c8a" */
function ranges(sorted: readonly number[]): string {
  const rows: [number, number][] = [];
  for (const point of sorted) {
    const last = rows.at(-1);
    if (last?.[1] === point - 1) last[1] = point;
    else rows.push([point, point]);
  }
  const hex = (point: number): string => point.toString(16);
  return rows.map(([a, b]) => (a === b ? hex(a) : `${hex(a)}-${hex(b)}`)).join(" ");
}

/** The characters that a pattern matches. */
function matched(pattern: string): number[] {
  const remove = replacing({ Regex: pattern }, "");
  const found: number[] = [];
  for (let start = 0; start < points.length; start += 4096) {
    const some = points.slice(start, start + 4096);
    const rest = new Set(remove(String.fromCodePoint(...some)));
    found.push(...some.filter((point) => !rest.has(String.fromCodePoint(point))));
  }
  return found;
}

const steps: Record<string, object> = {
  Digits: { individual_digits: true },
  Punctuation: {},
  WhitespaceSplit: {},
  Whitespace: {},
};

/** The characters that a pre-tokenizer cuts from the letters beside them, or, for Whitespace, does not. */
function cut(type: string): number[] {
  const step = compilePreTokenizer({ type, ...steps[type] });
  return points.filter((point) => {
    const pieces = step({ text: `a${String.fromCodePoint(point)}a`, head: 1 });
    return pieces.length > 1 !== (type === "Whitespace");
  });
}

for (const [name, expected] of Object.entries(fixture.sets))
  test(`the characters of ${name}`, () => {
    const found = name in steps ? cut(name) : matched(name);
    assert.ok(found.length > 20);
    assert.is(digest(ranges(found)), expected);
  });

for (const [form, expected] of Object.entries(fixture.forms))
  test(`${form} of every character between marks`, () => {
    const { normalize } = compileNormalizer({ type: form });
    const texts = points.map((point) => normalize(`a\u0301${String.fromCodePoint(point)}\u0323`));
    assert.is(digest(texts.join("\n")), expected);
  });

test("lone halves of surrogate pairs become U+FFFD, pairs stay", () => {
  assert.is(wellFormed("a\ud83d\ude42\ud83db\ude42"), "a🙂\ufffdb\ufffd");
});

test.run();
