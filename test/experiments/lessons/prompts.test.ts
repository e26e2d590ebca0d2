/** Prompts of one's own and the release's: as a chat or raw, with what is refused; a base model's run with raw ones. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openPrompts } from "../../../src/experiments/lessons/prompts";
import { parseVariant, runVariant } from "../../../src/experiments/variants";
import { releasedPrompt, type ReleasedPrompt } from "../../../src/tasks/seal-prompts";
import { localFiles } from "../../../src/tasks/seal-files";
import { writeByteModel } from "../../model/byte-model";
import { sharedPath, testWithShared } from "../../shared";

const test = suite("prompts of an experiment");
const folder = mkdtempSync(path.join(os.tmpdir(), "seal prompts "));
test.after(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, text: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

const article = { title: "Varen", passage: "It holds {title} and {question}." };

test("a file of one's own, as the turn of a chat or as the model's whole input", async () => {
  const file = fileOf("own.txt", "Passage:\n{title}\n{context}\n\nImplications:\n");
  const whole = `Passage:\nVaren\n${article.passage}\n\nImplications:\n`;
  const chat = await openPrompts({ prompt: { file } });
  assert.equal(chat.selfEdit(article), [{ role: "user", content: whole }]);
  const raw = await openPrompts({ prompt: { file, raw: true } });
  assert.is(raw.selfEdit(article), whole, "placeholders inside a passage stay as they are");
});

test("questions of one's own; in context the passage stands before them", async () => {
  const file = fileOf("ask.txt", "{title}\nQ: {question}\nA:");
  const prompt = { kind: "implications" } as const;
  const raw = await openPrompts({ prompt, answerPrompt: { file, raw: true } });
  assert.is(raw.question(article, "Why?"), "Varen\nQ: Why?\nA:");
  assert.is(raw.question(article, "Why?", true), `${article.passage}\n\nVaren\nQ: Why?\nA:`);
  const chat = await openPrompts({ prompt, answerPrompt: { file } });
  assert.equal(chat.question(article, "Why?"), [{ role: "user", content: "Varen\nQ: Why?\nA:" }]);
  const here = await openPrompts({ prompt });
  assert.match(JSON.stringify(here.question(article, "Why?")), /Topic: Varen\\nWhy\?/);
  assert.not.match(JSON.stringify(here.question(article, "Why?")), /It holds/);
  assert.match(JSON.stringify(here.question(article, "Why?", true)), /It holds/);
});

test("files without their placeholder are refused, and answer prompts with a passage", async () => {
  const prompt = { kind: "implications" } as const;
  const refused = async (
    settings: Parameters<typeof openPrompts>[0],
    why: RegExp,
  ): Promise<void> => {
    await openPrompts(settings).then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, why),
    );
  };
  const file = fileOf("none.txt", "Say something.");
  await refused({ prompt: { file } }, /none\.txt has no \{passage\}/);
  await refused({ prompt, answerPrompt: { file } }, /none\.txt has no \{question\}/);
  const both = fileOf("both.txt", "{passage} {question}");
  await refused({ prompt, answerPrompt: { file: both } }, /both\.txt has \{passage\}/);
  await refused({ prompt: { file: path.join(folder, "gone.txt") } }, /gone\.txt/);
});

test("a base model, which has no chat template, runs with raw prompts throughout", async () => {
  const variant = parseVariant({
    experiment: "knowledge",
    name: "raw",
    model: await writeByteModel(path.join(folder, "model")),
    data: { source: "articles", split: "eval", count: 1 },
    arms: ["untouched", "untrained self-edits", "passage in context"],
    prompt: { file: fileOf("raw.txt", "{passage}\nThat means:"), raw: true },
    answerPrompt: { file: fileOf("raw-ask.txt", "{question}\n"), raw: true },
    sampling: { count: 1, maximumTokens: 4 },
    innerLoop: { rank: 1, epochs: 1 },
    answers: { maximumTokens: 1 },
  });
  const { record } = await runVariant(variant, { output: folder, quiet: true });
  assert.is(record.rows.length, 3);
});

test("a prompt of the release that is not there is named, with the files that would have it", async () => {
  const log = {
    overall: { baseline_mean_accuracy: 0, adapter_mean_accuracy: 0 },
    articles: ["one", "two"].map((title) => ({
      title,
      context: `About ${title}.`,
      prompt: `Read.\n${title}\nAbout ${title}.\nSo:\n`,
      completions: [{ text: "x", stats: { adapter_mean: 0, adapter_std: 0 }, questions: [] }],
    })),
  };
  const files = (own: object): Parameters<typeof releasedPrompt>[1] => ({
    source: "here",
    find: () => Promise.resolve(undefined),
    read: (name) => Promise.resolve(name === "eval/base.json" ? JSON.stringify(own) : undefined),
  });
  assert.equal(await releasedPrompt("implications", files(log)), {
    ...{ text: "Read.\n{title}\n{passage}\nSo:\n", source: "eval/base.json", raw: true },
  });
  const refused = (kind: ReleasedPrompt, own: object, why: RegExp): Promise<void> =>
    releasedPrompt(kind, files(own)).then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, why),
    );
  await refused("rewrite", log, /"rewrite" needs eval-prompts\/base_prompt-rewrite\.json/);
  const [first, second] = log.articles;
  const mixed = { ...log, articles: [first, { ...second, prompt: "Another." }] };
  await refused("implications", mixed, /not one wording/);
});

const logs: Record<string, [kind: ReleasedPrompt, log: string][]> = {
  "data/seal": [
    ["implications", "eval/base.json"],
    ["implications-long", "eval-prompts/base_prompt-long.json"],
    ["rewrite", "eval-prompts/base_prompt-rewrite.json"],
  ],
  "data/seal-later": [
    ["implications", "eval/base.json"],
    ["rewrite", "eval-prompts/base_prompt-rewrite.json"],
    ["chain-of-thought", "eval-prompts/base_prompt-cot.json"],
    ["none", "eval-prompts/base_prompt-none.json"],
  ],
};

for (const [data, released] of Object.entries(logs))
  testWithShared(
    test,
    data,
    `${data}: the prompts of released self-edits, byte for byte`,
    async () => {
      const before = process.env.SEAL_DATA;
      process.env.SEAL_DATA = sharedPath(data);
      try {
        for (const [kind, name] of released) {
          const { selfEdit } = await openPrompts({ prompt: { released: kind } });
          const file = (await localFiles(sharedPath(data)).find(name)) ?? "";
          const { articles } = JSON.parse(readFileSync(file, "utf8")) as {
            articles: { title: string; context: string; prompt: string }[];
          };
          assert.ok(articles.length >= 20);
          for (const { title, context, prompt } of articles)
            assert.is(selfEdit({ title, passage: context }), prompt);
        }
      } finally {
        if (before === undefined) delete process.env.SEAL_DATA;
        else process.env.SEAL_DATA = before;
      }
    },
  );

test.run();
