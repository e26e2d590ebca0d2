/** Situations from public bug reports about model folders and chat templates, with transformers' and llama.cpp's own numbers. */
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { chatText, promptTokens } from "../../src/lora/generate";
import { scoreRowsLater } from "../../src/lora/score";
import { tokenSequence } from "../../src/lora/train";
import { UserError } from "../../src/messages/errors";
import { renderChat } from "../../src/model/chat";
import { disposeModel, loadModel, textOf, type Model } from "../../src/model/load";
import { resolveModel } from "../../src/model/sources";
import type { ChatMessage } from "../../src/model/types";
import { readShared, sharedPath, testWithShared } from "../shared";

const test = suite("public reports: models and chats");
const where = (name: string): string => `file:${sharedPath("cases", name)}`;

async function withModel(name: string, use: (model: Model) => Promise<void> | void): Promise<void> {
  const model = await loadModel(where(name));
  try {
    await use(model);
  } finally {
    disposeModel(model);
  }
}

/** Nats a token of rows of ids. */
async function meanLoss(model: Model, rows: readonly (readonly number[])[]): Promise<number> {
  const scored = (
    await scoreRowsLater(
      model,
      rows.map((row) => [...row]),
    )
  ).flatMap((nll) => [...nll]);
  return scored.reduce((sum, value) => sum + value, 0) / scored.length;
}

const close = (got: number, expected: number): void =>
  assert.ok(Math.abs(got - expected) < 2e-4, `${got} instead of ${expected}`);

const user: ChatMessage[] = [{ role: "user", content: "Hi" }];

testWithShared(
  test,
  "cases/tied-head-differs",
  "a different head beside a tied config is kept",
  () =>
    withModel("tied-head-differs/model", async (model) => {
      const ids = readShared<number[][]>("cases/tied-head-differs/ids.json");
      close(await meanLoss(model, ids), 7.6257);
      assert.is(model.config.tiedHead, false);
    }),
);

testWithShared(
  test,
  "cases/_models/llama3",
  "a completion ends with the tokenizer's end token",
  () =>
    withModel("_models/llama3", (model) => {
      assert.is(tokenSequence(model, { prompt: "Q: x\nA:", completion: " y" }).ids.at(-1), 1);
      assert.equal(model.config.eosTokenIds, [5, 6, 1]);
    }),
);

for (const name of ["hermes", "crlf"])
  testWithShared(test, `cases/_models/${name}`, `chat template: ${name}`, () =>
    withModel(`_models/${name}`, (model) => {
      const text = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n";
      assert.is(chatText(model, user), text);
      assert.is(promptTokens(model, user).length, 15);
    }),
  );

testWithShared(test, "cases/_models/stm", "tokens that only special_tokens_map.json names", () =>
  withModel("_models/stm", (model) => {
    assert.is(textOf(model).bosToken, "<|begin_of_text|>");
    assert.is(textOf(model).eosToken, "<|eot_id|>");
    assert.is(promptTokens(model, user).length, 17);
  }),
);

/** A case's template with its messages, as the files have them. */
function renderCase(name: string): string {
  const template = readFileSync(sharedPath("cases", name, "t.jinja"), "utf8");
  const messages = readShared<ChatMessage[]>("cases", name, "m.json");
  return renderChat(template, messages, {
    addGenerationPrompt: true,
    bosToken: "<s>",
    eosToken: "</s>",
  });
}

for (const [name, text] of [
  ["chat-strip-chars", "[q][    code\n]"],
  ["chat-tools-none", "hi"],
  ["chat-method-message", "hi"],
])
  testWithShared(test, `cases/${name}`, `chat template: ${name}`, () => {
    assert.is(renderCase(name), text);
  });

testWithShared(
  test,
  "cases/gguf-linear-rope",
  "a factor without a type is linear rope scaling",
  async () => {
    const text = readFileSync(sharedPath("cases/gguf-linear-rope/t.txt"), "utf8");
    for (const [name, expected] of [
      ["factor-only", 8.2016],
      ["llama", 8.6357],
    ] as const)
      await withModel(`gguf-linear-rope/${name}.gguf`, async (model) =>
        close(await meanLoss(model, [tokenSequence(model, text).ids]), expected),
      );
  },
);

testWithShared(test, "cases/gguf-split", "a split GGUF scores as the whole", async () => {
  const text = readFileSync(sharedPath("cases/gguf-split/t.txt"), "utf8");
  const losses: number[] = [];
  for (const name of [
    "gguf-split",
    "gguf-split/m-00002-of-00002.gguf",
    "gguf-linear-rope/llama.gguf",
  ])
    await withModel(name, async (model) => {
      losses.push(await meanLoss(model, [tokenSequence(model, text).ids]));
    });
  assert.is(losses[0], losses[2]);
  assert.is(losses[1], losses[2]);
});

testWithShared(test, "cases/peft-dir-as-model", "an adapter's folder as a model", async () => {
  const failed = await resolveModel(where("peft-dir-as-model/adapter")).then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.instance(failed, UserError);
  assert.match((failed as UserError).message, /LoRA adapter, not a model: give it as --adapter/);
});

test.run();
