/** SQuAD as Parquet: local files and files of a hub's dataset, refused or read whole. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { resolveData } from "../../src/tasks/data-source";
import { readPlaces, readSquad, selectPassages } from "../../src/tasks/squad";
import { refusal } from "../model/refusal";
import { sharedPath, testWithShared } from "../shared";

const test = suite<{ folder: string; environment: NodeJS.ProcessEnv }>("parquet");
test.before.each((context) => {
  context.folder = mkdtempSync(path.join(tmpdir(), "seal parquet "));
  context.environment = { ...process.env };
  process.env.SEAL_CACHE = path.join(context.folder, "cache");
});
test.after.each((context) => {
  process.env = context.environment;
  rmSync(context.folder, { recursive: true });
});

const fixtures = path.join(__dirname, "../fixtures/squad");
const parquet = path.join(fixtures, "squad.parquet");
const root = path.join(__dirname, "../..");

test("a column that its schema does not have is refused before anything is read", async ({
  folder,
}) => {
  const bytes = readFileSync(parquet);
  const file = path.join(folder, "other.parquet");
  // The last one is in the footer, the path of a row group's column.
  bytes.write("xitle", bytes.lastIndexOf("title"));
  writeFileSync(file, bytes);
  assert.is(
    await refusal(readSquad(file)),
    `Cannot read ${file} as Parquet: its row groups do not have the columns of its schema`,
  );
});

test("rows of one passage are one passage; a question without an answer is left out", async () => {
  assert.equal(await readSquad(parquet), [
    {
      id: "Ummer/0",
      title: "Ummer",
      passage: "Ummer is a deep lake in Orrin.",
      questions: [
        { id: "u1", question: "What is Ummer?", answers: ["a deep lake", "a lake"] },
        { id: "u2", question: "Where is Ummer?", answers: ["Orrin"] },
      ],
    },
    {
      id: "Ummer/1",
      title: "Ummer",
      passage: "The Tarn flows into Ummer.",
      questions: [{ id: "u3", question: "What flows into Ummer?", answers: ["The Tarn"] }],
    },
    {
      id: "Sant/0",
      title: "Sant",
      passage: "The bell of Sant weighs two tons.",
      questions: [{ id: "s2", question: "How heavy is the bell of Sant?", answers: ["two tons"] }],
    },
  ]);
});

test("passages are chosen by title and position, in the order asked for", async () => {
  const passages = await readSquad(parquet);
  const ids = (places: { title: string; position: number }[], start = 0): string[] =>
    selectPassages(passages, { places, start }).map(({ id }) => id);
  const sant = { title: "Sant", position: 0 };
  const ummer = { title: "Ummer", position: 1 };
  assert.equal(ids([sant, ummer]), ["Sant/0", "Ummer/1"]);
  assert.equal(ids([sant, ummer], 1), ["Ummer/1"]);
  assert.throws(() => ids([{ title: "Sant", position: 1 }]), /"Sant" has 1 passages.*position 1/);
  assert.throws(() => ids([{ title: "Nemo", position: 0 }]), /no passage has the title "Nemo"/);
});

test("a file without answers, a cut file and another kind of file are refused by name", async ({
  folder,
}) => {
  const without = path.join(fixtures, "no-answers.parquet");
  assert.match(await refusal(readSquad(without)), /no-answers\.parquet has no column answers/);
  const cut = path.join(folder, "cut.parquet");
  writeFileSync(cut, readFileSync(parquet).subarray(0, 2000));
  assert.match(await refusal(readSquad(cut)), /Cannot read .*cut\.parquet as Parquet/);
  const text = path.join(folder, "text.parquet");
  writeFileSync(text, "not a table");
  assert.match(await refusal(readSquad(text)), /Cannot read .*text\.parquet as Parquet/);
});

test("a dataset's file comes from the hub once, checked, and is told with its commit", async () => {
  const bytes = readFileSync(parquet);
  const sha = "a".repeat(40);
  const oid = createHash("sha256").update(bytes).digest("hex");
  const siblings = [
    { rfilename: "plain_text/train.parquet", size: bytes.length, lfs: { sha256: oid } },
    { rfilename: "plain_text/bad.parquet", size: bytes.length, lfs: { sha256: "0".repeat(64) } },
  ];
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    if (request.url?.startsWith("/api/datasets/an/owner-set/revision/main"))
      response.end(JSON.stringify({ sha, siblings }));
    else if (request.url?.startsWith(`/datasets/an/owner-set/resolve/${sha}/plain_text/`))
      response.end(bytes);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  process.env.HF_ENDPOINT = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const source = "hub:an/owner-set/plain_text/train.parquet";
    const data = await resolveData(source);
    assert.is(data.source, `hub:an/owner-set@${sha}/plain_text/train.parquet`);
    assert.is((await readSquad(data.file)).length, 3);
    assert.is(asked.length, 2);
    assert.equal(await resolveData(source), data);
    assert.is(asked.length, 2, "the second time nothing is asked");
    const bad = refusal(resolveData("hub:an/owner-set/plain_text/bad.parquet"));
    assert.match(await bad, /SHA-256/);
    const none = refusal(resolveData("hub:an/owner-set/plain_text/none.parquet"));
    assert.match(await none, /has no file plain_text\/none\.parquet/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("a source that is none is refused with what it may be", async () => {
  assert.match(await refusal(resolveData("nowhere.json")), /no data file .*nowhere\.json/);
  for (const wrong of ["hub:squad", "hub:a/b/../c.json", "hub:a/b/c.bin"])
    assert.match(await refusal(resolveData(wrong)), /is no data source; it must be "articles"/);
});

testWithShared(
  test,
  "data/seal/squad_val.json",
  "SEAL's choice of 200 passages is there, with the first log's passages in its order",
  async () => {
    const places = await readPlaces(
      path.join(root, "experiments/knowledge/seal-evaluation-passages.json"),
    );
    const all = await readSquad(sharedPath("data/seal/squad_val.json"));
    const chosen = selectPassages(all, { places });
    const log = JSON.parse(readFileSync(sharedPath("data/seal/eval/base.json"), "utf8")) as {
      articles: { title: string; context: string }[];
    };
    assert.is(chosen.length, 200);
    assert.equal(
      chosen.map(({ title, passage }) => [title, passage]),
      log.articles.map(({ title, context }) => [title, context]),
    );
  },
);

test.run();
