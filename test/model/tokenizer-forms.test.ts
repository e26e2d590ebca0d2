/**
 * Every form of tokenizer.json and of GGUF vocabularies that is supported, against Hugging Face's tokenizers (Rust): ids and decoded
 * texts of hundreds of texts, by hashes (test/fixtures/tokenizer/forms.py makes them and says of what).
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { tokenizerFromGguf, tokenizerFromJson } from "../../src/model/tokenizer";
import type { Tokenizer } from "../../src/model/types";

const test = suite("tokenizer forms");

interface Model {
  readonly vocab: Record<string, number>;
  readonly merges: [string, string][];
}
interface Form {
  readonly kind: "tokenizer.json" | "GGUF";
  /** For a GGUF, the names of the pre-tokenizer that mean the same. */
  readonly name: string;
  readonly model: string;
  readonly change: object;
  readonly json: object;
  readonly config: object;
  readonly ids: string;
  readonly texts: string;
  readonly decoded: string;
  readonly size: number;
}
const fixture = JSON.parse(
  gunzipSync(readFileSync(path.join(__dirname, "../fixtures/tokenizer/forms.json.gz"))).toString(
    "utf8",
  ),
) as { texts: string[]; models: Record<string, Model>; forms: Form[] };

function short(text: string): Buffer {
  return createHash("sha256").update(text, "utf8").digest().subarray(0, 2);
}

/** How many of the texts have other hashes than the reference's. */
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

function compare(tokenizer: Tokenizer, form: Form, what: string): void {
  const encode: Tokenizer["encode"] = (...of) => tokenizer.encode(...of);
  const decode: Tokenizer["decode"] = (...of) => tokenizer.decode(...of);
  const encoded = fixture.texts.map((text) => ({
    ids: encode(text),
    special: encode(text, { addSpecial: true }),
  }));
  const ids = differing(
    encoded.map(({ ids, special }) => short(`${ids.join(" ")}|${special.join(" ")}`)),
    form.ids,
  );
  const texts = differing(
    encoded.map(({ ids, special }) =>
      short(
        [
          decode(ids),
          decode(special, { skipSpecial: true }),
          decode(ids.slice(0, Math.floor(ids.length / 2))),
        ].join("\0"),
      ),
    ),
    form.texts,
  );
  console.log(
    `${what}: ${encoded.length} texts, ids differ: ${ids}, decoded texts differ: ${texts}`,
  );
  assert.equal([ids, texts], [0, 0], what);
  const singles = Array.from({ length: form.size }, (_, id) => decode([id]));
  const others = [...otherIds(form.size + 3)].flatMap((some) => [
    decode(some),
    decode(some, { skipSpecial: true }),
  ]);
  const hashes = [singles, others].map((parts) => short(parts.join("\0")).toString("hex"));
  assert.is(hashes.join(""), form.decoded, `${what}: tokens decoded one by one, and at random`);
}

/** The metadata of a GGUF file with the form's vocabulary, whose first two tokens are control tokens. */
function metadata({ model }: Form, preTokenizer: string): Map<string, unknown> {
  const { vocab, merges } = fixture.models[model];
  const tokens = Object.keys(vocab).sort((a, b) => vocab[a] - vocab[b]);
  return new Map<string, unknown>([
    ["tokenizer.ggml.model", "gpt2"],
    ["tokenizer.ggml.pre", preTokenizer],
    ["tokenizer.ggml.tokens", tokens],
    ["tokenizer.ggml.token_type", tokens.map((_, id) => (id < 2 ? 3 : 1))],
    ["tokenizer.ggml.merges", merges.map((pair) => pair.join(" "))],
    ["tokenizer.ggml.bos_token_id", 0],
  ]);
}

test("the fixture has what it should", () => {
  assert.ok(fixture.texts.length >= 400);
  assert.is(fixture.forms.filter(({ kind }) => kind === "GGUF").length, 7);
  assert.ok(fixture.forms.length > 100);
});

for (const form of fixture.forms)
  if (form.kind === "tokenizer.json")
    test(form.name, () => {
      const model = { ...fixture.models[form.model], ...form.change };
      const tokenizer = tokenizerFromJson({ ...form.json, model }, form.config, form.name);
      compare(tokenizer, form, `tokenizer.json, ${form.name}`);
    });
  else
    for (const [index, name] of form.name.split(" ").entries())
      test(`GGUF, ${name}`, () => {
        const { tokenizer } = tokenizerFromGguf(metadata(form, name));
        if (index === 0) compare(tokenizer, form, `GGUF, ${form.name}`);
        else {
          const ids = fixture.texts.map((text) => tokenizer.encode(text, { addSpecial: true }));
          const first = tokenizerFromGguf(metadata(form, form.name.split(" ")[0])).tokenizer;
          const wanted = fixture.texts.map((text) => first.encode(text, { addSpecial: true }));
          assert.equal(ids, wanted);
        }
      });

test.run();
