/** Which template a folder has: files before tokenizer_config.json, "default" of several, and words where none is the default. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { renderChat } from "../../src/model/chat";
import { chatTemplateOf } from "../../src/model/chat-templates";

const test = suite<{ folder: string }>("chat templates of a folder");
test.before.each((context) => {
  context.folder = mkdtempSync(path.join(tmpdir(), "seal templates "));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

const named = (...names: string[]): object => ({
  chat_template: names.map((name) => ({ name, template: `${name} of the config` })),
});

test("tokenizer_config.json: one, several by name, none", async ({ folder }) => {
  assert.is(await chatTemplateOf(folder, { chat_template: "one" }), "one");
  assert.is(await chatTemplateOf(folder, named("tool_use", "default")), "default of the config");
  assert.is(await chatTemplateOf(folder, { chat_template: { default: "d", rag: "r" } }), "d");
  for (const none of [undefined, {}, { chat_template: null }, { chat_template: [] }])
    assert.is(await chatTemplateOf(folder, none), undefined);
  for (const chat_template of [5, [{ name: "default" }], ["x"], { default: 3 }])
    await chatTemplateOf(folder, { chat_template }).then(
      () => assert.unreachable(),
      (error: unknown) => {
        assert.instance(error, UserError);
        assert.match((error as Error).message, /chat_template is neither a text nor a list/);
      },
    );
});

test("files come first, named ones beside the default too", async ({ folder }) => {
  writeFileSync(path.join(folder, "chat_template.jinja"), "file");
  assert.is(await chatTemplateOf(folder, { chat_template: "one" }), "file");
  mkdirSync(path.join(folder, "additional_chat_templates"));
  writeFileSync(path.join(folder, "additional_chat_templates/tool_use.jinja"), "tools");
  writeFileSync(path.join(folder, "additional_chat_templates/notes.txt"), "no");
  assert.is(await chatTemplateOf(folder, named("default")), "file");
});

test("several without a default: said when a chat is rendered", async ({ folder }) => {
  const template = await chatTemplateOf(folder, named("tool_use", 'r"ag'));
  assert.throws(
    () => renderChat(template ?? "", [], { addGenerationPrompt: true }),
    (error: unknown) =>
      error instanceof UserError &&
      error.message.startsWith(
        'Chat template: the model has templates named r"ag, tool_use, but none named default: put the right one into ',
      ),
  );
});

test.run();
