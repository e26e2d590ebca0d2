/** Tokenizers: what decoding does, what is refused and why, what a GGUF file says; ids in general are in tokenizer-forms.test.ts. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createTextStream } from "../../src/commands/output";
import { UserError } from "../../src/messages/errors";
import { compilePreTokenizer } from "../../src/model/tokenization/pre-tokenizers";
import {
  tokenizerFilesFromGguf,
  tokenizerFromGguf,
  tokenizerFromJson,
} from "../../src/model/tokenizer";
import { byteTokens, ggufMetadata, texts } from "./tokenizer-forms";

const test = suite("tokenizer");

function refusal(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    assert.instance(error, UserError);
    return (error as UserError).message;
  }
  throw new Error("nothing was refused");
}

test("decoding: special tokens kept or skipped, bytes joined, unknown ids and nothing", () => {
  const { tokenizer } = tokenizerFromGguf(ggufMetadata("smollm"));
  const ids = tokenizer.encode("<|im_start|>Größe 🙂 is , fine .<|im_end|>");
  assert.is(tokenizer.decode(ids), "<|im_start|>Größe 🙂 is , fine .<|im_end|>");
  assert.is(tokenizer.decode(ids, { skipSpecial: true }), "Größe 🙂 is , fine .");
  assert.is(tokenizer.decode([]), "");
  assert.is(tokenizer.decode([999_999]), "");
  assert.is(tokenizer.idOf("<|im_end|>"), ids.at(-1));
  assert.is(tokenizer.idOf("no such token"), undefined);
  assert.is(tokenizer.vocabularySize, byteTokens.length);
});

test("BOS comes first only where it is asked for and configured", () => {
  const ids = { "tokenizer.ggml.bos_token_id": 0n, "tokenizer.ggml.eos_token_id": 1 };
  const llama = tokenizerFromGguf(ggufMetadata("llama-bpe", ids));
  assert.is(llama.bosToken, byteTokens[0]);
  const plain = llama.tokenizer.encode("the ferry");
  assert.equal(llama.tokenizer.encode("the ferry", { addSpecial: true }), [0, ...plain]);
  const smollm = tokenizerFromGguf(ggufMetadata("smollm", ids)).tokenizer;
  assert.equal(smollm.encode("a", { addSpecial: true }), smollm.encode("a"));
  const both = {
    ...ids,
    "tokenizer.ggml.add_bos_token": true,
    "tokenizer.ggml.add_eos_token": true,
  };
  const framed = tokenizerFromGguf(ggufMetadata("smollm", both)).tokenizer;
  assert.equal(framed.encode("a", { addSpecial: true }), [0, ...framed.encode("a"), 1]);
});

test("broken tokenizers are refused in one line", () => {
  const tiny = { type: "BPE", vocab: { a: 0 }, merges: [] };
  const cases: [unknown, RegExp][] = [
    [null, /^here: broken tokenizer/],
    [{}, /^here: broken tokenizer at model/],
    [{ model: {} }, /the model has no type/],
    [{ model: { ...tiny, vocab: { a: 1e12 } } }, /the model, vocab: .*no sensible id/],
    [{ model: tiny, added_tokens: [{ id: 1 }] }, /^here: broken tokenizer at added_tokens\.0/],
    [{ model: tiny, pre_tokenizer: {} }, /^here: broken tokenizer at pre_tokenizer/],
  ];
  for (const [json, message] of cases)
    assert.match(
      refusal(() => tokenizerFromJson(json, {}, "here")),
      message,
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
  const changes: [Record<string, unknown>, RegExp][] = [
    [{ "tokenizer.ggml.pre": "tekken" }, /"tekken" is not known here\. Use/],
    [{ "tokenizer.ggml.pre": "__proto__" }, /"__proto__" is not known here/],
    [{ "tokenizer.ggml.bos_token_id": 1e6 }, /bos_token_id is 1000000, but there are \d+ tokens/],
    [{ "tokenizer.ggml.token_type": [1] }, /tokens but 1 token types/],
    [{ "tokenizer.ggml.tokens": ["x".repeat(10_000)] }, /tokenizer\.ggml\.tokens\.0/],
  ];
  for (const [change, message] of changes)
    assert.match(
      refusal(() => tokenizerFromGguf(ggufMetadata("smollm", change))),
      message,
    );
});

test("what is not computed as the reference does is refused by name", () => {
  const vocab = { a: 0, b: 1, ab: 2, "<s>": 3 };
  const model = { type: "BPE", vocab, merges: ["a b"] };
  const pattern = (text: string): object => ({
    pre_tokenizer: {
      type: "Split",
      pattern: { Regex: text },
      behavior: "Isolated",
      invert: false,
    },
  });
  const token = (content: string, more: object = {}): object => ({ content, id: 4, ...more });
  const cases: [object, RegExp][] = [
    [
      { normalizer: { type: "BertNormalizer" } },
      /the normalizer "BertNormalizer" is not supported/,
    ],
    [{ normalizer: { type: "StripAccents" } }, /the normalizer "StripAccents"/],
    [
      { normalizer: { type: "Sequence", normalizers: [{ type: "constructor" }] } },
      /the normalizer "constructor"/,
    ],
    [
      { normalizer: { type: "Precompiled", precompiled_charsmap: "AAAA" } },
      /precompiled_charsmap is damaged/,
    ],
    [{ pre_tokenizer: { type: "BertPreTokenizer" } }, /the pre-tokenizer "BertPreTokenizer"/],
    [{ pre_tokenizer: { type: "UnicodeScripts" } }, /the pre-tokenizer "UnicodeScripts"/],
    [
      { pre_tokenizer: { type: "Metaspace", replacement: "__" } },
      /the pre-tokenizer, replacement: expected one character/,
    ],
    [
      { pre_tokenizer: { type: "Metaspace", replacement: "_", add_prefix_space: false } },
      /add_prefix_space false does not go with that prepend_scheme/,
    ],
    [{ decoder: { type: "WordPiece" } }, /the decoder "WordPiece"/],
    [{ decoder: { type: "CTC" } }, /the decoder "CTC"/],
    [{ post_processor: { type: "Other" } }, /the post-processor "Other"/],
    [
      {
        post_processor: {
          type: "TemplateProcessing",
          single: [{ SpecialToken: { id: "<s>", type_id: 0 } }],
          special_tokens: {},
        },
      },
      /the post-processor has no ids for "<s>"/,
    ],
    [pattern("(?>a|ab)c"), /the group \(\?>/],
    [pattern("(?<name>a)"), /the group \(\?<n/],
    [pattern("(?i)a"), /the group \(\?i/],
    [pattern("(?m:a.)"), /the group \(\?m/],
    [pattern("(?:ab)++"), /the group \).*\+\+/],
    [pattern("(?i:straße)"), /only plain letters can be matched in either case/],
    [pattern("(?i:ss)"), /only plain letters/],
    [pattern("a\\Kb"), /\\K is not supported/],
    [pattern("(a)\\1"), /\\1 is not supported/],
    [pattern("[]a]"), /an empty character class/],
    [pattern("["), /a character class without end/],
    [pattern("\\p{NoSuchThing}"), /the pattern/],
    [{ model: { ...model, type: "WordLevel" } }, /the model "WordLevel" is not supported/],
    [{ model: { ...model, dropout: 0.1 } }, /dropout: random merges are not supported/],
    [
      { model: { ...model, end_of_word_suffix: "</w>" } },
      /the model, end_of_word_suffix: is not supported/,
    ],
    [
      { model: { ...model, continuing_subword_prefix: "##" } },
      /continuing_subword_prefix: is not supported/,
    ],
    [{ model: { ...model, merges: ["a c"] } }, /the merge "a c" is not of tokens/],
    [{ model: { ...model, merges: ["a b c"] } }, /the merge "a b c"/],
    [{ model: { type: "Unigram", vocab: [["a", 0]], unk_id: 1 } }, /unk_id is 1, but there are 1/],
    [{ added_tokens: [token("<t>", { id: 7 })] }, /"<t>" is said to have id 7, but .* it is 4/],
    [
      {
        normalizer: { type: "NFC" },
        added_tokens: [token("é", { id: 4 }), token("e\u0301", { id: 5 })],
      },
      /the added tokens "é" and "e\u0301" are the same when normalized/,
    ],
    [
      {
        normalizer: { type: "Strip", strip_left: true, strip_right: true },
        added_tokens: [token(" ")],
      },
      /the added token " " is nothing when normalized/,
    ],
  ];
  for (const [change, message] of cases)
    assert.match(
      refusal(() => tokenizerFromJson({ model, ...change }, {}, "here")),
      message,
    );
  const unknown = tokenizerFromJson({ model: { ...model, unk_token: "<unk>" } }, {}, "here");
  assert.equal(unknown.encode("ab"), [2]);
  assert.match(
    refusal(() => unknown.encode("abc")),
    /^here: the vocabulary has no token for a part of the text/,
  );
});

test("patterns: possessive and in either case, as Oniguruma has them", () => {
  const pieces = (pattern: string, text: string): string[] => {
    const cut = compilePreTokenizer({
      type: "Split",
      pattern: { Regex: pattern },
      behavior: "Isolated",
      invert: false,
    });
    return cut({ text, head: 1 }).map((piece) => piece.text);
  };
  // A greedy x? would give its x back.
  assert.equal(pieces("x?+x", "xaxx"), ["xa", "xx"]);
  assert.equal(pieces("[ab]++b|c", "aabc"), ["aab", "c"]);
  assert.equal(pieces("a*+b", "aab"), ["aab"]);
  // Long s and the Kelvin sign are letters s and k.
  assert.equal(pieces("(?i:'s|k)", "x'ſo'SK'sk"), ["x", "'ſ", "o", "'S", "K", "'s", "k"]);
  assert.equal(pieces("(?i:[sm])", "aſMb"), ["a", "ſ", "M", "b"]);
  assert.equal(pieces("^", "a\nb\n"), ["a\n", "b\n"]);
  // No match within a surrogate pair.
  assert.equal(pieces("(?!b)", "🙂🙂"), ["🙂", "🙂"]);
});

test("decoding: a character that is cut off", () => {
  const bytes = Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
  );
  const fallback = tokenizerFromJson(
    {
      decoder: { type: "Sequence", decoders: [{ type: "ByteFallback" }, { type: "Fuse" }] },
      model: {
        type: "BPE",
        byte_fallback: true,
        vocab: Object.fromEntries([...bytes, "a"].map((token, id) => [token, id])),
        merges: [],
      },
    },
    {},
    "test",
  );
  assert.equal(fallback.encode("€a"), [0xe2, 0x82, 0xac, 256]);
  assert.is(fallback.decode([0xe2, 0x82, 0xac, 256]), "€a");
  // One U+FFFD for each byte of a run that is no UTF-8, good ones among them too.
  assert.is(fallback.decode([0xe2, 0x82]), "\ufffd\ufffd");
  assert.is(fallback.decode([0x41, 0xe2, 256]), "\ufffd\ufffda");
  // A mark for the order of bytes is a character like others.
  assert.is(fallback.decode([0xef, 0xbb, 0xbf, 256]), "\ufeffa");

  const { tokenizer } = tokenizerFromGguf(ggufMetadata("gpt-2"));
  const parts = tokenizer.encode("\u{10fffd}");
  assert.is(parts.length, 4);
  assert.equal(
    [1, 2, 3, 4].map((count) => tokenizer.decode(parts.slice(0, count))),
    ["\ufffd", "\ufffd", "\ufffd", "\u{10fffd}"],
  );
});

test("a growing text is written without the characters that are not whole yet", () => {
  let written = "";
  const stream = createTextStream((text) => (written += text));
  const shown = ["Ein", "Ein \ufffd", "Ein \ufffd\ufffd", "Ein €", "Ein € \ufffd"].map((text) => {
    stream.show(text);
    return written;
  });
  assert.equal(shown, ["Ein", "Ein ", "Ein ", "Ein €", "Ein € "]);
  stream.end("Ein € \ufffd");
  assert.is(written, "Ein € \ufffd\n");
});

test("GGUF without a pre-tokenizer's name: llama.cpp's default, and a warning", () => {
  const named = ggufMetadata("default");
  const unnamed = new Map([...named].filter(([key]) => key !== "tokenizer.ggml.pre"));
  const [said, tokenizer] = stderrOf(() => tokenizerFromGguf(unnamed).tokenizer);
  assert.match(said, /^warning: .*tokenizer\.ggml\.pre is missing.*\n$/);
  const [silence, other] = stderrOf(() => tokenizerFromGguf(named).tokenizer);
  assert.is(silence, "");
  for (const text of texts) assert.equal(tokenizer.encode(text), other.encode(text));
  const [again] = stderrOf(() =>
    tokenizerFromGguf(ggufMetadata("default", { "tokenizer.ggml.pre": "" })),
  );
  assert.is(again, said);
});

/** What is written to stderr meanwhile, and the result. */
function stderrOf<T>(body: () => T): [string, T] {
  const write = process.stderr.write.bind(process.stderr);
  let said = "";
  process.stderr.write = (text: string | Uint8Array) => {
    said += String(text);
    return true;
  };
  try {
    const result = body();
    return [said, result];
  } finally {
    process.stderr.write = write;
  }
}

test("the files that are written for a GGUF's tokenizer mean the same", () => {
  const withBos = ggufMetadata("llama-bpe", {
    "tokenizer.ggml.bos_token_id": 0,
    "tokenizer.ggml.eos_token_id": 1,
    "tokenizer.ggml.add_eos_token": true,
  });
  const { tokenizer, tokenizerConfig } = tokenizerFilesFromGguf(withBos);
  const read = tokenizerFromJson(JSON.parse(JSON.stringify(tokenizer)), tokenizerConfig, "test");
  const direct = tokenizerFromGguf(withBos).tokenizer;
  for (const text of texts) {
    const ids = direct.encode(text, { addSpecial: true });
    assert.equal([ids[0], ids.at(-1)], [0, 1]);
    assert.equal(read.encode(text, { addSpecial: true }), ids);
    assert.is(read.decode(ids, { skipSpecial: true }), direct.decode(ids, { skipSpecial: true }));
  }
  // What the reference needs of a template: the ids of its tokens, and a form for two texts.
  const template = (tokenizer as { post_processor: { special_tokens: unknown; pair: unknown[] } })
    .post_processor;
  const [bos, eos] = byteTokens;
  assert.equal(template.special_tokens, {
    [bos]: { id: bos, ids: [0], tokens: [bos] },
    [eos]: { id: eos, ids: [1], tokens: [eos] },
  });
  assert.is(template.pair.length, 6);
});

test.run();
