import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { readSquad, selectPassages } from "../../src/tasks/squad";
import { readShared, sharedPath, testWithShared } from "../shared";

const squad = suite("squad");

let folder = "";
squad.before(() => {
  folder = mkdtempSync(path.join(tmpdir(), "squad-"));
});
squad.after(() => {
  rmSync(folder, { recursive: true });
});

function write(content: unknown): string {
  const file = path.join(folder, "passages.json");
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

async function refusal(content: unknown, split?: "train" | "eval"): Promise<string> {
  const error: unknown = await readSquad(write(content), { split }).then(
    () => assert.unreachable("should have been refused"),
    (thrown: unknown) => thrown,
  );
  assert.instance(error, UserError);
  return (error as UserError).message;
}

const answer = (text: string) => ({ text, answer_start: 0 });

const official = {
  version: "1.1",
  data: [
    {
      title: "Ummer",
      paragraphs: [
        {
          context: "Ummer is a lake.",
          qas: [
            {
              id: "q1",
              question: "What is Ummer?",
              answers: [answer("a lake"), answer("lake"), answer("a lake")],
            },
            { question: "Which lake?", answers: [answer("Ummer")] },
          ],
        },
        { context: "It is deep.", qas: [] },
      ],
    },
    {
      title: "Ummer",
      paragraphs: [
        { context: "Ummer again.", qas: [{ question: "Who?", answers: [answer("Ummer")] }] },
      ],
    },
  ],
};

squad("official form: repeats of an answer fall away, ids follow title and position", async () => {
  assert.equal(await readSquad(write(official)), [
    {
      id: "Ummer/0",
      title: "Ummer",
      passage: "Ummer is a lake.",
      questions: [
        { id: "q1", question: "What is Ummer?", answers: ["a lake", "lake"] },
        { id: "Ummer/0/1", question: "Which lake?", answers: ["Ummer"] },
      ],
    },
    { id: "Ummer/1", title: "Ummer", passage: "It is deep.", questions: [] },
    {
      id: "Ummer/2",
      title: "Ummer",
      passage: "Ummer again.",
      questions: [{ id: "Ummer/2/0", question: "Who?", answers: ["Ummer"] }],
    },
  ]);
});

squad("version 2: questions without an answer are left out", async () => {
  const qas = [
    { id: "a", question: "Can it be known?", is_impossible: true, answers: [] },
    { id: "b", question: "What is it?", is_impossible: false, answers: [answer("x")] },
  ];
  const [passage] = await readSquad(
    write({ data: [{ title: "t", paragraphs: [{ context: "x", qas }] }] }),
  );
  assert.equal(
    passage.questions.map((question) => question.id),
    ["b"],
  );
});

squad("list form", async () => {
  const list = [
    {
      title: "A",
      context: "c1",
      questions: [{ question: "q?", answer: "a" }],
      completions: ["extra"],
    },
    { title: "A", context: "c2", questions: [] },
  ];
  assert.equal(await readSquad(write(list)), [
    {
      id: "A/0",
      title: "A",
      passage: "c1",
      questions: [{ id: "A/0/0", question: "q?", answers: ["a"] }],
    },
    { id: "A/1", title: "A", passage: "c2", questions: [] },
  ]);
});

squad("split keeps the articles marked so; ids do not depend on it", async () => {
  const list = [
    { title: "A", split: "train", context: "c1", questions: [] },
    { title: "A", split: "eval", context: "c2", questions: [] },
  ];
  const file = write(list);
  assert.equal(
    (await readSquad(file, { split: "eval" })).map(({ id, passage }) => [id, passage]),
    [["A/1", "c2"]],
  );
  assert.is((await readSquad(file)).length, 2);
  assert.match(await refusal([list[0]], "eval"), /no article has "split": "eval"/);
});

squad("mistakes name file and place", async () => {
  assert.match(await refusal("{"), /passages\.json is not JSON/);
  assert.match(await refusal({ data: 3 }), /passages\.json: data: /);
  assert.match(
    await refusal([{ title: "A", context: " ", questions: [] }]),
    /\[0\]\.context: is blank/,
  );
  assert.match(
    await refusal([{ title: "A", context: "c", questions: [{ question: "q?" }] }]),
    /\[0\]\.questions\[0\]\.answer: /,
  );
  const noAnswer = {
    data: [{ title: "t", paragraphs: [{ context: "x", qas: [{ question: "q?", answers: [] }] }] }],
  };
  assert.match(
    await refusal(noAnswer),
    /data\[0\]\.paragraphs\[0\]\.qas\[0\]\.answers: has no answer/,
  );
  assert.match(
    await refusal([{ title: "A", context: "c".repeat(200_001), questions: [] }]),
    /\[0\]\.context: /,
  );
  const twice = { id: "same", title: "A", context: "c", questions: [] };
  assert.match(await refusal([twice, twice]), /the id "same" occurs twice/);
});

squad("a missing file is the user's mistake", async () => {
  const error: unknown = await readSquad(path.join(folder, "nowhere.json")).catch(
    (thrown: unknown) => thrown,
  );
  assert.instance(error, UserError);
  assert.match((error as UserError).message, /nowhere\.json/);
});

squad("passages are chosen by title and position", () => {
  const passages = ["A", "B", "A", "C"].map((title, index) => ({
    id: `${index}`,
    title,
    passage: "p",
    questions: [],
  }));
  const ids = (selection: Parameters<typeof selectPassages>[1]) =>
    selectPassages(passages, selection).map(({ id }) => id);
  assert.equal(ids({}), ["0", "1", "2", "3"]);
  assert.equal(ids({ start: 1, count: 2 }), ["1", "2"]);
  assert.equal(ids({ start: 3 }), ["3"]);
  assert.equal(ids({ titles: ["C", "A"] }), ["0", "2", "3"]);
  assert.equal(ids({ titles: ["A"], start: 1, count: 1 }), ["2"]);
  const wrong: [Parameters<typeof selectPassages>[1], RegExp][] = [
    [{ start: 2, count: 3 }, /3 passages from position 2 on: there are 4/],
    [{ start: 5 }, /there are 4/],
    [{ start: -1 }, /position -1/],
    [{ count: 1.5 }, /1\.5 passages/],
    [{ titles: ["D"] }, /"D"/],
  ];
  for (const [selection, pattern] of wrong) {
    assert.throws(
      () => ids(selection),
      (error: unknown) => error instanceof UserError && pattern.test(error.message),
    );
  }
});

testWithShared(
  squad,
  "data/seal/squad_val.json",
  "SEAL's released passages are read whole",
  async () => {
    const released = readShared<
      { title: string; context: string; questions: { question: string; answer: string }[] }[]
    >("data/seal/squad_val.json");
    const passages = await readSquad(sharedPath("data/seal/squad_val.json"));
    assert.equal(
      passages.map(({ title, passage, questions }) => [
        title,
        passage,
        questions.map((q) => [q.question, q.answers]),
      ]),
      released.map(({ title, context, questions }) => [
        title,
        context,
        questions.map((q) => [q.question, [q.answer]]),
      ]),
    );
  },
);

squad.run();
