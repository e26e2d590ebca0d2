/** Folders that are no model: a message that says what is there and what to do. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { chooseFiles } from "../../src/model/folder";
import { resolveModel } from "../../src/model/sources";
import { temporaryFolder } from "./refusal";

const test = suite("folder");
const folder = temporaryFolder();
test.after(folder.remove);

const choose = (names: readonly string[]) => chooseFiles(names, "X", (file) => `file:X/${file}`);

function refusal(names: readonly string[]): string {
  try {
    choose(names);
  } catch (error) {
    assert.instance(error, UserError);
    return (error as UserError).message;
  }
  throw new Error(`${names.join(", ")} was accepted`);
}

test("models are chosen by their files' names", () => {
  const safetensors = ["config.json", "model.safetensors", "special_tokens_map.json"];
  const chat = ["additional_chat_templates/tool_use.jinja"];
  assert.equal(choose([...safetensors, ...chat, "pytorch_model.bin", "README.md"]), {
    kind: "huggingface",
    names: [...chat, ...safetensors],
  });
  assert.equal(choose(["README.md", "config.json", "m.gguf"]), { kind: "gguf", names: ["m.gguf"] });
  assert.equal(choose(["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"]).names.length, 2);
  assert.equal(choose(["a.gguf", ...safetensors]).kind, "huggingface");
});

test("anything else says what is there and what to do", () => {
  const cases: [string[], RegExp][] = [
    [[], /^X is empty/],
    [["README.md", "notes.txt"], /^X holds no config\.json .* but README\.md, notes\.txt\.$/],
    [["1", "2", "3", "4", "5"], /but 1, 2, 3, 4 and 1 more\.$/],
    [
      ["adapter_config.json", "adapter_model.safetensors"],
      /LoRA adapter, not a model: give it as --adapter/,
    ],
    [["config.json", "pytorch_model.bin"], /only as pytorch_model\.bin, .*save_pretrained/],
    [
      ["config.json", "pytorch_model-00001-of-00002.bin", "pytorch_model.bin.index.json"],
      /00001-of-00002\.bin/,
    ],
    [["consolidated.00.pth", "params.json"], /only as consolidated\.00\.pth/],
    [["config.json", "tf_model.h5"], /only as tf_model\.h5/],
    [["config.json", "tokenizer.json"], /a config\.json, but no weights/],
    [["model.safetensors"], /model\.safetensors, but no config\.json/],
    [["b.gguf", "a.gguf"], /2 GGUF models \(a\.gguf, b\.gguf\): name one, as file:X\/a\.gguf/],
    [["a.gguf", "m-00002-of-00002.gguf"], /2 GGUF models \(a\.gguf, m-00001-of-00002\.gguf\)/],
    [
      ["m-00002-of-00003.gguf"],
      /split into 3 files, and m-00001-of-00003\.gguf, m-00003-of-00003\.gguf is missing/,
    ],
  ];
  for (const [names, message] of cases) {
    const said = refusal(names);
    assert.match(said, message);
    assert.ok(said.split("\n").length <= 2 && said.length < 400);
  }
});

test("a folder above, and a file within, lead to the model", async () => {
  const checkpoint = path.join(folder.path, "run/checkpoint-5");
  mkdirSync(checkpoint, { recursive: true });
  for (const name of ["config.json", "model.safetensors", "notes.txt"])
    writeFileSync(path.join(checkpoint, name), "{}");
  const message = async (id: string): Promise<string> =>
    resolveModel(`file:${id}`).then(
      () => "accepted",
      (error: Error) => error.message,
    );
  const above = await message(folder.path);
  assert.ok(above.endsWith(`A folder in it does: file:${checkpoint}`), above);
  const within = await message(path.join(checkpoint, "model.safetensors"));
  assert.ok(within.endsWith(`name its folder, file:${checkpoint}.`), within);
});

test.run();
