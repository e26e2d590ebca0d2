/** Passages in the forms and with the oddities that people's files have: read right, or refused with file, place and a way out. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { readSquad } from "../../src/tasks/squad";
import { sharedPath, testWithShared } from "../shared";

const test = suite("forms of SQuAD");
const folder = mkdtempSync(path.join(tmpdir(), "seal squad "));
test.after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: unknown): string {
  const where = path.join(folder, name);
  writeFileSync(
    where,
    typeof content === "string" || Buffer.isBuffer(content) ? content : JSON.stringify(content),
  );
  return where;
}

/** Id and answers of every question. */
async function questions(where: string): Promise<[string, readonly string[]][]> {
  const passages = await readSquad(where);
  return passages.flatMap((passage) =>
    passage.questions.map(({ id, answers }): [string, readonly string[]] => [id, answers]),
  );
}

async function refusal(where: string): Promise<string> {
  const error: unknown = await readSquad(where).then(
    () => assert.unreachable(`${where} was read`),
    (thrown: unknown) => thrown,
  );
  assert.instance(error, UserError);
  assert.ok((error as Error).message.split("\n").length <= 2);
  return (error as UserError).message;
}

const answers = [{ text: "a lake", answer_start: 9 }];
const question = { id: "q1", question: "What is Ummer?", answers };
const articles = (...qas: object[]): object[] => [
  { title: "Ummer", paragraphs: [{ context: "Ummer is a lake.", qas }] },
];
const row = (changes: object = {}): object => ({
  id: "q1",
  title: "Ummer",
  context: "Ummer is a lake.",
  question: "What is Ummer?",
  answers: { text: ["a lake"], answer_start: [9] },
  ...changes,
});
const right: [string, readonly string[]][] = [["q1", ["a lake"]]];
const text = (value: unknown): string => JSON.stringify(value);

const forms: [name: string, file: string, content: unknown][] = [
  ["version and data", "a.json", { version: "1.1", data: articles(question) }],
  [
    "with a byte-order mark and CRLF",
    "a.json",
    `\ufeff${JSON.stringify({ data: articles(question) }, null, 1).replaceAll("\n", "\r\n")}`,
  ],
  ["articles alone", "a.json", articles(question)],
  ["an article a line", "a.jsonl", articles(question).map(text).join("\n")],
  ["rows", "a.json", [row()]],
  ["rows in data", "a.json", { data: [row()] }],
  ["a row a line", "a.jsonl", `\ufeff${text(row())}\r\n`],
  ["rows with answers as a list of them", "a.json", [row({ answers })]],
  [
    "a list",
    "a.json",
    [
      {
        title: "Ummer",
        context: "Ummer is a lake.",
        questions: [{ id: "q1", question: "What?", answer: "a lake" }],
      },
    ],
  ],
];
for (const [name, where, content] of forms)
  test(`read: ${name}`, async () => {
    const [passage, ...others] = await readSquad(file(where, content));
    assert.equal([passage.title, passage.passage, others], ["Ummer", "Ummer is a lake.", []]);
    assert.equal(await questions(file(where, content)), right);
  });

test("rows of one passage are one passage, and one without an answer is left out", async () => {
  const rows = [
    row(),
    row({ id: "q2", answers: { text: [], answer_start: [] } }),
    row({ id: "q3", is_impossible: true, answers: { text: [""], answer_start: [-1] } }),
    row({ id: "q4", context: "It is deep.", is_impossible: false }),
  ];
  const passages = await readSquad(file("rows.json", rows));
  assert.equal(
    passages.map(({ id, questions: own }) => [id, own.map((one) => one.id)]),
    [
      ["Ummer/0", ["q1"]],
      ["Ummer/1", ["q4"]],
    ],
  );
});

test("an impossible question is left out, whatever its other keys hold", async () => {
  const impossible = [
    { answers: [{ text: "", answer_start: -1 }] },
    { answers: [{ text: null }] },
    { answers: null, plausible_answers: answers },
    {},
  ].map((more, i) => ({ id: `i${i}`, question: "Who?", is_impossible: true, ...more }));
  const where = file("v2.json", {
    data: articles(...impossible, { ...question, is_impossible: null }),
  });
  assert.equal(await questions(where), right);
});

test("ids may be numbers", async () => {
  assert.equal(await questions(file("n.json", { data: articles({ ...question, id: 7 }) })), [
    ["7", ["a lake"]],
  ]);
});

const inQuestion = (changes: object): object => ({
  data: articles(question, { question: "Who?", answers, ...changes }),
});
const refused: [name: string, content: unknown, message: RegExp][] = [
  [
    "a blank answer",
    inQuestion({ answers: [{ text: "" }] }),
    /qas\[1\]\.answers\[0\]\.text: is blank/,
  ],
  [
    "no answers",
    inQuestion({ answers: [] }),
    /qas\[1\]\.answers: has no answer: give one, or mark the question with "is_impossible": true/,
  ],
  ["answers missing", inQuestion({ answers: undefined }), /qas\[1\]\.answers: is missing/],
  ["a blank question", inQuestion({ question: "" }), /qas\[1\]\.question: is blank/],
  [
    "a mark that is a text",
    inQuestion({ is_impossible: "false" }),
    /qas\[1\]\.is_impossible: .*expected boolean/,
  ],
  [
    "an id twice",
    inQuestion({ id: "q1" }),
    /the id "q1" occurs twice; ids must differ: change one, or leave all ids out/,
  ],
  ["no title", { data: [{ paragraphs: [] }] }, /data\[0\]\.title: is missing\nExpected SQuAD/],
  [
    "half a character",
    [row({ context: "A \ud83d." })],
    /\[0\]\.context: holds half of a character/,
  ],
  [
    "NaN",
    '{"data": [{"title": "T", "paragraphs": [{"context": "c", "qas": [{"answer_start": NaN}]}]}]}',
    /is not JSON: .*N/,
  ],
  [
    "a row without a title",
    [row(), row({ title: undefined })],
    /\[1\]\.title: is missing\nExpected/,
  ],
  [
    "a blank answer in a row",
    [row({ answers: { text: [""], answer_start: [0] } })],
    /\[0\]\.answers\.text\[0\]: is blank/,
  ],
  ["columns", { id: ["q1"], title: ["Ummer"] }, /odd\.json: data: is not a list\nExpected/],
  [
    "UTF-16",
    Buffer.from(`\ufeff${text([row()])}`, "utf16le"),
    /is not UTF-8 \(it looks like UTF-16\): save it as UTF-8/,
  ],
];
for (const [name, content, message] of refused)
  test(`refused: ${name}`, async () =>
    assert.match(await refusal(file("odd.json", content)), message));

test("a line is named by its number", async () => {
  const lines = [text(row()), "", text(row({ answers: 3 }))].join("\n");
  assert.match(await refusal(file("odd.jsonl", lines)), /odd\.jsonl, line 3: answers: /);
});

const sky: [string, readonly string[]][] = [["1", ["blue"]]];
const reported: [name: string, expected: typeof sky | RegExp][] = [
  ...[
    "plain",
    "bom",
    "crlf",
    "v2",
    "impossible-empty-text",
    "int-id",
    "hf-rows",
    "hf-rows-data",
  ].map((name): [string, typeof sky] => [`${name}.json`, sky]),
  ["hf-rows.jsonl", sky],
  ["blank-answer.json", /qas\[1\]\.answers\[0\]\.text: is blank/],
  ["blank-question.json", /qas\[1\]\.question: is blank/],
  ["blank-title.json", /data\[0\]\.title: is blank/],
  ["no-title.json", /data\[0\]\.title: is missing/],
  ["dup-id.json", /the id "1" occurs twice/],
  ["empty-answers-false.json", /mark the question with "is_impossible": true/],
  ["empty-answers-noflag.json", /mark the question with "is_impossible": true/],
  ["lone.json", /half of a character/],
  ["nan.json", /is not JSON/],
  ["string-flag.json", /is_impossible: /],
  ["utf16.json", /is not UTF-8 \(it looks like UTF-16\)/],
];
for (const [name, expected] of reported)
  testWithShared(test, `cases/squad-files/${name}`, `reported: ${name}`, async () => {
    const where = sharedPath("cases/squad-files", name);
    if (expected instanceof RegExp) assert.match(await refusal(where), expected);
    else assert.equal(await questions(where), expected);
  });

test.run();
