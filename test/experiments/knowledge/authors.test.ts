/** Self-edits by others: an endpoint, a file of lines, a log in SEAL's form; and a run that trains on them. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { authorSchema, selfEditsBy } from "../../../src/experiments/knowledge/authors";
import { runVariant, parseVariant } from "../../../src/experiments/variants";
import { readSquad, type Passage } from "../../../src/tasks/squad";
import { writeByteModel } from "../../model/byte-model";
import { refusal } from "../../model/refusal";
import { startServer } from "../../openai/server";
import { temporaryFolder } from "../../run/temporary";
import { resultLines } from "../tiny-loop";

const test = suite("authors");
const folder = temporaryFolder(test, "authors");

const squad = path.join(__dirname, "../../fixtures/squad/squad.parquet");
const sampling = { count: 2, temperature: 1, topP: 1, maximumTokens: 8 };
const prompt = ({ title }: Passage) => [{ role: "user" as const, content: `About ${title}` }];

function file(name: string, content: string): string {
  const where = path.join(folder, name);
  writeFileSync(where, content);
  return where;
}

const lines = file(
  "edits.jsonl",
  [
    { passage: "Ummer is a deep lake in Orrin.", completion: "Ummer is deep." },
    { id: "Ummer/1", completion: "The Tarn is a river." },
    { id: "Sant/0", completion: "first" },
    { id: "Sant/0", completion: "second" },
    { id: "Sant/0", completion: "third" },
  ]
    .map((line) => JSON.stringify(line))
    .join("\n"),
);

const fromFile = (where: string) =>
  authorSchema.parse({ kind: "file", name: "a file", path: where });

test("lines name a passage by its text or its id; at most K are taken", async () => {
  const passages = await readSquad(squad);
  const texts = await selfEditsBy(fromFile(lines), { passages, sampling, prompt });
  assert.equal(texts, [
    [{ status: "ok", text: "Ummer is deep." }],
    [{ status: "ok", text: "The Tarn is a river." }],
    [
      { status: "ok", text: "first" },
      { status: "ok", text: "second" },
    ],
  ]);
});

test("a log in SEAL's form is read by its contexts", async () => {
  const passages = (await readSquad(squad)).slice(2);
  const articles = [
    { context: "The bell of Sant weighs two tons.", completions: [{ text: "It is heavy." }] },
  ];
  const log = fromFile(file("log.json", JSON.stringify({ overall: {}, articles })));
  assert.equal(await selfEditsBy(log, { passages, sampling, prompt }), [
    [{ status: "ok", text: "It is heavy." }],
  ]);
});

test("a missing passage, a bad line and a missing file are named", async () => {
  const passages = await readSquad(squad);
  const ask = (where: string) =>
    refusal(selfEditsBy(fromFile(where), { passages, sampling, prompt }));
  const one = file("one.jsonl", JSON.stringify({ id: "Ummer/0", completion: "x" }));
  assert.match(await ask(one), /one\.jsonl has no completion for the passage "Ummer\/1"/);
  const bad = file("bad.jsonl", '{"id": "Ummer/0"}');
  assert.match(await ask(bad), /bad\.jsonl, line 1: expected/);
  assert.match(await ask(path.join(folder, "none.jsonl")), /Cannot read the completions/);
});

test("further columns do not matter, a byte-order mark and thoughts go, an empty completion has failed", async () => {
  const passages = (await readSquad(squad)).slice(2);
  const rows = [
    { id: "other/0", passage: passages[0].passage, completion: "by its text", title: "Sant" },
    { id: "Sant/0", completion: "<think>Hm.</think>\nby its id", meta: { n: 1 } },
    { id: "Sant/0", completion: " " },
  ];
  const text = rows.map((row) => JSON.stringify(row)).join("\r\n");
  const marked = fromFile(file("marked.jsonl", `\ufeff${text}\r\n`));
  const read = await selfEditsBy(marked, {
    passages,
    sampling: { ...sampling, count: 3 },
    prompt,
  });
  assert.equal(read, [[{ status: "ok", text: "by its text" }]]);
  const byId = await selfEditsBy(marked, {
    passages: [{ ...passages[0], passage: "another text" }],
    sampling,
    prompt,
  });
  assert.equal(byId, [
    [
      { status: "ok", text: "by its id" },
      { status: "failed", reason: "the completion is empty" },
    ],
  ]);
});

test("one client for all batches: its limit on spending holds for the run, a notice comes once", async () => {
  const server = await startServer((_, { body }) =>
    body.temperature === undefined
      ? { kind: "reply", text: "x" }
      : { kind: "status", status: 400, error: { message: "temperature is not supported" } },
  );
  const passages = await readSquad(squad);
  const author = authorSchema.parse({
    kind: "endpoint",
    name: "a paid one",
    baseUrl: server.baseUrl,
    model: "gpt-4.1",
    keyVariable: "NO_KEY",
    // Each reply costs 0.00028 by the server's count of tokens.
    spendingLimit: 0.0011,
    maximumTokens: 20,
  });
  const told: string[] = [];
  const log = (line: string): void => void told.push(line);
  const ask = (one: Passage) => selfEditsBy(author, { passages: [one], sampling, prompt, log });
  assert.equal(await ask(passages[0]), [
    [
      { status: "ok", text: "x" },
      { status: "ok", text: "x" },
    ],
  ]);
  await ask(passages[1]);
  assert.match(await refusal(ask(passages[2])), /of the spending limit is left/);
  assert.is(told.length, 1);
  assert.match(told[0], /^a paid one: the endpoint takes no temperature of 1/);
  assert.is(server.received.at(-1)?.body.max_tokens, 20);
  await server.close();
});

test("a run trains on a file's and an endpoint's self-edits; a call that failed is no wrong answer", async () => {
  const server = await startServer((call) =>
    call === 0
      ? { kind: "reply", text: "<think>\nA bell?\n</think>\nSant has a bell." }
      : { kind: "reply", text: "<think>\nWhat", finish: "length" },
  );
  try {
    const variant = parseVariant({
      experiment: "knowledge",
      name: "authors",
      model: await writeByteModel(path.join(folder, "model")),
      data: { source: squad, titles: ["Sant"] },
      arms: ["untouched"],
      authors: [
        { kind: "file", name: "a file", path: lines },
        {
          kind: "endpoint",
          name: "an endpoint",
          baseUrl: server.baseUrl,
          model: "any",
          keyVariable: "NO_KEY",
        },
      ],
      sampling: { count: 2, maximumTokens: 8 },
      innerLoop: { rank: 1, epochs: 1 },
      answers: { maximumTokens: 2 },
    });
    const { record, directory } = await runVariant(variant, { output: folder, quiet: true });
    assert.equal(
      record.rows.map(({ arm, n }) => [arm, n]),
      [
        ["untouched", 1],
        ["self-edits by a file", 2],
        ["self-edits by an endpoint", 1],
      ],
    );
    assert.ok(record.inputs.some(({ source }) => source === "self-edits by a file"));
    const rollouts = resultLines<{ status: string; reason?: string; sequences: number }>(directory);
    assert.equal(
      rollouts.map(({ status, sequences }) => [status, sequences]),
      [
        ["ok", 0],
        ["ok", 2],
        ["ok", 2],
        ["ok", 2],
        ["failed", 0],
      ],
    );
    assert.is(rollouts[4].reason, "the reply was cut at 8 tokens while it was thinking");
  } finally {
    await server.close();
  }
});

test.run();
