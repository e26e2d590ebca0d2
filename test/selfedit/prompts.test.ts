import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import {
  answerPrompt,
  openBookPrompt,
  promptFromFile,
  readPromptFile,
  selfEditKinds,
  selfEditPrompt,
  type SelfEditKind,
} from "../../src/selfedit/prompts";

const prompts = suite("prompts");
const article = { title: "Lake Ummer", passage: "The lake {title} is $& deep." };

let folder = "";
prompts.before(() => {
  folder = mkdtempSync(path.join(tmpdir(), "prompts-"));
});
prompts.after(() => {
  rmSync(folder, { recursive: true });
});

const isUserError = (pattern: RegExp) => (error: unknown) =>
  error instanceof UserError && pattern.test(error.message);

async function refusal(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.unreachable("should have been refused"),
    (error: unknown) => error,
  );
}

prompts("five kinds, all different, each one user turn that ends with title and passage", () => {
  assert.is(selfEditKinds.length, 5);
  const contents = selfEditKinds.map((kind) => {
    const messages = selfEditPrompt(kind, article);
    assert.is(messages.length, 1);
    assert.is(messages[0].role, "user");
    assert.ok(messages[0].content.endsWith(`Title: Lake Ummer\nPassage: ${article.passage}`));
    return messages[0].content;
  });
  assert.is(new Set(contents).size, 5);
});

prompts("the self-QA prompt asks for the form that the training sequences are cut by", () => {
  assert.match(selfEditPrompt("self-qa", article)[0].content, /Question 1: .*\nAnswer: /);
});

prompts("an unknown kind is the user's mistake", () => {
  assert.throws(
    () => selfEditPrompt("haiku" as SelfEditKind, article),
    isUserError(/"haiku".*implications-long/),
  );
});

prompts("a prompt file is filled in once, every occurrence, literally", async () => {
  const file = path.join(folder, "own.txt");
  writeFileSync(file, "{title}: {passage} ({context}) {title} {other}\n");
  assert.equal(promptFromFile(await readPromptFile(file), article), [
    {
      role: "user",
      content: `Lake Ummer: ${article.passage} (${article.passage}) Lake Ummer {other}\n`,
    },
  ]);
});

prompts("a prompt without the passage is refused", async () => {
  const file = path.join(folder, "none.txt");
  writeFileSync(file, "{title} only");
  assert.ok(isUserError(/none\.txt has no \{passage\}/)(await refusal(readPromptFile(file))));
  assert.throws(
    () => promptFromFile({ text: "x", source: "variant" }, article),
    isUserError(/variant/),
  );
});

prompts("a missing and an overlong prompt file are refused", async () => {
  const file = path.join(folder, "long.txt");
  writeFileSync(file, "{passage}".padEnd(70_000));
  assert.ok(isUserError(/70000 bytes/)(await refusal(readPromptFile(file))));
  assert.ok(
    isUserError(/Cannot read/)(await refusal(readPromptFile(path.join(folder, "nowhere")))),
  );
});

prompts("questions: alone, and with the passage before them", () => {
  const [alone] = answerPrompt("How deep is it?");
  const [open] = openBookPrompt("It is 3 m deep.", "How deep is it?");
  assert.ok(alone.content.endsWith("Question: How deep is it?"));
  assert.is(open.content, `Passage: It is 3 m deep.\n\n${alone.content}`);
});

prompts.run();
