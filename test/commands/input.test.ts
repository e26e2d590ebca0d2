/** Training texts as people have them: further columns are named, nothing is trained on that is no text. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readSequences } from "../../src/commands/input";
import { UserError } from "../../src/messages/errors";
import { sharedPath, testWithShared } from "../shared";

const test = suite("training texts");
const folder = mkdtempSync(path.join(tmpdir(), "seal input "));
test.after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Buffer): string {
  const where = path.join(folder, name);
  writeFileSync(where, content);
  return where;
}

const lines = (...rows: object[]): string =>
  file("rows.jsonl", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));

/** What is read, and what is said meanwhile. */
async function read(where: string): Promise<{ texts: unknown[]; said: string }> {
  let said = "";
  const texts = await readSequences(where, (line) => (said += line));
  return { texts, said };
}

async function refusal(where: string): Promise<string> {
  const error: unknown = await readSequences(where).then(
    () => assert.unreachable(`${where} was read`),
    (thrown: unknown) => thrown,
  );
  assert.instance(error, UserError);
  assert.not.match((error as Error).message, "\n");
  return (error as UserError).message;
}

test("one text, or one a line", async () => {
  assert.equal((await read(file("a.txt", "\ufeffHello\r\nworld\n"))).texts, ["Hello\r\nworld\n"]);
  const pair = { prompt: "a", completion: " b" };
  assert.equal(await read(lines({ text: " x" }, pair)), { texts: [" x", pair], said: "" });
  assert.equal((await read(file("A.JSONL", '\ufeff{"text": "x"}\r\n'))).texts, ["x"]);
});

test("further columns are named, and not used", async () => {
  const { texts, said } = await read(
    lines({ text: "x", meta: { set: "a" } }, { id: 1, prompt: "a", completion: "b", meta: 2 }),
  );
  assert.equal(texts, ["x", { prompt: "a", completion: "b" }]);
  assert.match(
    said,
    /rows\.jsonl: not used: "meta", "id"; only "text", "prompt", "completion" is read\.$/,
  );
});

const refused: [name: string, rows: object[], message: RegExp][] = [
  [
    "misspelt",
    [{ promt: "a", completion: "b" }],
    /line 1: it has only "promt", "completion": a line has a "text"/,
  ],
  ["another form", [{ text: "x" }, { messages: [] }], /line 2: it has only "messages": a line has/],
  ["nothing", [{}], /line 1: it has nothing: /],
  ["two forms at once", [{ text: "x", prompt: "a" }], /line 1: it has "text", "prompt": /],
  ["an empty completion", [{ prompt: "a", completion: "" }], /line 1: "completion" is empty/],
  ["an empty text", [{ text: "" }], /line 1: "text" is empty/],
  ["null", [{ prompt: "a", completion: null }], /line 1: "completion" is not a text/],
  ["half a character", [{ text: "\ud83d" }], /line 1: "text" holds half of a character/],
  ["a list", [["text"]], /line 1: a line has a "text".*in an object/],
];
for (const [name, rows, message] of refused)
  test(`refused: ${name}`, async () => assert.match(await refusal(lines(...rows)), message));

test("refused: what is no text", async () => {
  assert.match(
    await refusal(file("a.json", '[{"text": "x"}]')),
    /a\.json is JSON, neither a text nor JSON lines/,
  );
  assert.match(await refusal(file("empty.txt", "\ufeff \n")), /empty\.txt is empty/);
  assert.match(await refusal(file("empty.jsonl", "\n")), /empty\.jsonl is empty/);
  const utf16 = Buffer.from("\ufeffHello", "utf16le");
  assert.match(await refusal(file("b.txt", utf16)), /b\.txt is not UTF-8 \(it looks like UTF-16\)/);
});

const encodings = (name: string): string => sharedPath("cases/text-encodings", name);
testWithShared(test, "cases/text-encodings", "the reported encodings", async () => {
  assert.equal(
    (await read(encodings("bom.txt"))).texts,
    (await read(encodings("nobom.txt"))).texts,
  );
  assert.equal((await read(encodings("bom.txt"))).texts, ["Hello world"]);
  assert.match(
    await refusal(encodings("utf16.txt")),
    /is not UTF-8 \(it looks like UTF-16\): save it as UTF-8/,
  );
  assert.match(await refusal(encodings("latin1.txt")), /is not UTF-8 \(it looks like Latin-1/);
});

testWithShared(test, "cases/jsonl-extra-keys", "the reported JSON lines", async () => {
  const extra = await read(sharedPath("cases/jsonl-extra-keys/extra.jsonl"));
  assert.equal(extra.texts, ["Hello world"]);
  assert.match(extra.said, 'not used: "meta"; only "text" is read');
  const marked = await read(sharedPath("cases/jsonl-extra-keys/bom.jsonl"));
  assert.equal(marked, { texts: ["Hello world"], said: "" });
});

test.run();
