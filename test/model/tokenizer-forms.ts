/** The forms of tokenizers that are compared with the reference, their models and texts (test/fixtures/tokenizer/forms.py). */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import * as assert from "uvu/assert";
import type { Tokenizer } from "../../src/model/types";

/** What the reference makes of the texts, as hashes of two bytes each in base64; `decoded` is of tokens alone and at random. */
export interface Answers {
  readonly ids: string;
  readonly texts: string;
  readonly decoded: string;
  /** How many tokens there are. */
  readonly size: number;
}

/** A form and what the reference makes of it; `name` lists, for a GGUF, the pre-tokenizers that mean the same. */
export interface Form extends Answers {
  readonly kind: "tokenizer.json" | "GGUF";
  readonly name: string;
  readonly model: string;
  readonly change: object;
  readonly json: object;
  readonly config: object;
  /** special_tokens_map.json. */
  readonly map: object | null;
}

interface Model {
  readonly vocab: Record<string, number>;
  readonly merges: [string, string][];
}

/** A file of test/fixtures/tokenizer. */
export function tokenizerFixture(name: string): Buffer {
  return readFileSync(path.join(__dirname, "../fixtures/tokenizer", name));
}

/** Everything in forms.json.gz. */
export const { texts, models, forms } = JSON.parse(
  gunzipSync(tokenizerFixture("forms.json.gz")).toString("utf8"),
) as { texts: string[]; models: Record<string, Model>; forms: Form[] };

/** The tokens of the vocabulary over bytes, by id; the first two are `<|im_start|>` and `<|im_end|>`. */
export const byteTokens: readonly string[] = Object.entries(models.bytes.vocab)
  .sort(([, a], [, b]) => a - b)
  .map(([token]) => token);

/** The metadata of a GGUF file with the vocabulary over bytes, whose first two tokens are control tokens. */
export function ggufMetadata(
  preTokenizer: string,
  more: Record<string, unknown> = {},
): Map<string, unknown> {
  return new Map<string, unknown>([
    ["tokenizer.ggml.model", "gpt2"],
    ["tokenizer.ggml.pre", preTokenizer],
    ["tokenizer.ggml.tokens", byteTokens],
    ["tokenizer.ggml.token_type", byteTokens.map((_, id) => (id < 2 ? 3 : 1))],
    ["tokenizer.ggml.merges", models.bytes.merges.map((pair) => pair.join(" "))],
    ...Object.entries(more),
  ]);
}

/** Counts the texts whose ids or decoded texts are not the reference's, says so, and asserts that there are none. */
export function assertSameAsReference(tokenizer: Tokenizer, answers: Answers, what: string): void {
  const decode = (ids: readonly number[], skipSpecial = false): string =>
    tokenizer.decode(ids, { skipSpecial });
  const encoded = texts.map((text) => ({
    ids: tokenizer.encode(text),
    special: tokenizer.encode(text, { addSpecial: true }),
  }));
  const ids = differing(
    encoded.map(({ ids, special }) => short(`${ids.join(" ")}|${special.join(" ")}`)),
    answers.ids,
  );
  const decodedTexts = differing(
    encoded.map(({ ids, special }) => {
      const half = ids.slice(0, Math.floor(ids.length / 2));
      return short([decode(ids), decode(special, true), decode(half)].join("\0"));
    }),
    answers.texts,
  );
  console.log(
    `${what}: ${texts.length} texts, ids differ: ${ids}, decoded texts differ: ${decodedTexts}`,
  );
  assert.equal([ids, decodedTexts], [0, 0], what);
  const singles = Array.from({ length: answers.size }, (_, id) => decode([id]));
  const others = [...otherIds(answers.size + 3)].flatMap((some) => [
    decode(some),
    decode(some, true),
  ]);
  const hashes = [singles, others].map((parts) => short(parts.join("\0")).toString("hex"));
  assert.is(hashes.join(""), answers.decoded, `${what}: tokens decoded one by one, and at random`);
}

function short(text: string): Buffer {
  return createHash("sha256").update(text, "utf8").digest().subarray(0, 2);
}

function differing(hashes: readonly Buffer[], expected: string): number {
  const reference = Buffer.from(expected, "base64");
  assert.is(reference.length, 2 * hashes.length);
  return hashes.filter((hash, k) => !hash.equals(reference.subarray(2 * k, 2 * k + 2))).length;
}

/** Sequences of ids that no text has. */
function* otherIds(size: number): Generator<number[]> {
  let state = 1;
  const next = (): number => (state = (state * 75) % 65537);
  for (let k = 0; k < 200; k++) yield Array.from({ length: 1 + (next() % 9) }, () => next() % size);
}
