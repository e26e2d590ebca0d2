/** Adapting to a passage: the questions that it answers itself, what is learned, and the second passage after the first. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { adaptToPassage, lessonsOf } from "../../src/adapt/adapt";
import { gapQuestions, sentencesOf } from "../../src/adapt/gaps";
import { readMemory, writeMemory } from "../../src/adapt/memory";
import { disposeModel, loadModel } from "../../src/model/load";
import { createRandom } from "../../src/random";
import { seal } from "../commands/run-cli";
import { writeByteModel } from "../model/byte-model";

const test = suite("adapt");
const folder = mkdtempSync(path.join(os.tmpdir(), "seal adapt "));
test.after(() => rmSync(folder, { recursive: true }));

const mill = {
  title: "Orr Mill",
  passage:
    "Orr Mill was built in 1790 by Anna Dell. It has two wheels, each 4 metres wide. A fire on 3 May 1832 destroyed its roof.",
};

test("every name, number, date and ending is asked for, in the clause's own words first", () => {
  const pairs = gapQuestions(mill, { forms: 1, random: createRandom(1) });
  assert.equal(
    pairs.map(({ question, answer }) => `${question} ${answer}`),
    [
      "Orr Mill was built in which year by Anna Dell? 1790",
      "Orr Mill was built in 1790 by who or what? Anna Dell",
      "Orr Mill has how many wheels? two wheels",
      "each how many metres wide? 4 metres",
      "A fire on what date destroyed its roof? 3 May 1832",
      "A fire on 3 May 1832 destroyed its what? roof",
    ],
  );
});

test("other forms begin with a question word, never hold the answer, and are the same for a seed", () => {
  const pairs = gapQuestions(mill, { forms: 4, random: createRandom(1) });
  assert.ok(pairs.length > 10);
  assert.ok(
    pairs.some(({ question }) =>
      /^(Who|What|Which|Where) Orr Mill was built in 1790 by\?$/.test(question),
    ),
  );
  pairs.forEach(({ question, answer }) => assert.not.match(question, answer));
  assert.equal(gapQuestions(mill, { forms: 4, random: createRandom(1) }), pairs);
  assert.equal(gapQuestions(mill, { forms: 0, random: createRandom(1) }), []);
});

test("sentences end at full stops before capitals, not inside numbers or names", () => {
  assert.equal(sentencesOf("It cost 3.5 crowns. Dr Vell paid. \nWhy? Nobody knows."), [
    "It cost 3.5 crowns.",
    "Dr Vell paid.",
    "Why?",
    "Nobody knows.",
  ]);
});

test("of a self-edit's pairs those stay whose answer stands in the passage and not in the question", () => {
  const selfEdit =
    "Question 1: Who built Orr Mill?\nAnswer: Anna Dell\n\nQuestion 2: Is it Orr Mill?\nAnswer: Orr Mill\n\nQuestion 3: Who burned it?\nAnswer: a goat";
  assert.equal(lessonsOf(mill, [selfEdit], 0, 0), [
    { title: "Orr Mill", question: "Who built Orr Mill?", answer: "Anna Dell" },
    { title: "Orr Mill", text: mill.passage },
  ]);
  assert.equal(lessonsOf(mill, ["1. The mill is old.\n2. It burned."], 0, 0), [
    { title: "Orr Mill", text: "1. The mill is old." },
    { title: "Orr Mill", text: "2. It burned." },
    { title: "Orr Mill", text: mill.passage },
  ]);
});

test("a passage is learned, kept, and rehearsed while the next is learned", async () => {
  const model = await loadModel(await writeByteModel(path.join(folder, "model")));
  const options = {
    questions: ["Who?"],
    gapForms: 1,
    selfEditTokens: 4,
    answerTokens: 2,
    settings: { epochs: 1, learningRate: 0.01, batchSize: 8 },
  };
  const stages: string[] = [];
  const first = await adaptToPassage(model, mill, { ...options, onStage: (s) => stages.push(s) });
  assert.equal(stages, ["writing", "training", "answering"]);
  assert.is(first.answers.length, 1);
  assert.is(first.rehearsed, 0);
  assert.equal(first.lessons.at(-1), { title: "Orr Mill", text: mill.passage });
  const keep = path.join(folder, "kept");
  assert.is(await readMemory(model, keep), undefined);
  await writeMemory(first, keep, model);
  const memory = await readMemory(model, keep);
  assert.equal(memory?.lessons, first.lessons);
  assert.equal(memory?.adapter.tensors, first.adapter.tensors);
  const lake = { title: mill.title, passage: "Ummer is 70 metres deep. It lies in Orrin." };
  const second = await adaptToPassage(model, lake, {
    ...options,
    initial: first.adapter,
    earlier: first.lessons,
  });
  assert.is(second.rehearsed, Math.min(second.lessons.length, first.lessons.length));
  assert.is(second.answers[0].before, first.answers[0].after, "it starts where the first ended");
  disposeModel(model);
});

test("the command: answers side by side, files kept and continued; mistakes are named", async () => {
  const model = await writeByteModel(path.join(folder, "model"));
  const notes = path.join(folder, "my notes.txt");
  writeFileSync(notes, mill.passage);
  const keep = path.join(folder, "kept by command");
  const common = [
    "--model",
    model,
    "--passage",
    notes,
    "--epochs",
    "1",
    "--gaps",
    "1",
    "--keep",
    keep,
  ];
  const first = seal("adapt", ...common, "--ask", "Who built it?");
  assert.is(first.code, 0, first.stderr);
  assert.match(first.stdout, /Who built it\?\n {2}before: .*\n {2}after: /);
  const lessons = (): number =>
    readFileSync(path.join(keep, "lessons.jsonl"), "utf8").trim().split("\n").length;
  const count = lessons();
  const again = seal("adapt", ...common, "--json");
  assert.is(again.code, 0, again.stderr);
  assert.is(lessons(), 2 * count);
  assert.is((JSON.parse(again.stdout) as { rehearsed: number }).rehearsed, count);
  writeFileSync(path.join(folder, "empty.txt"), " ");
  const mistakes: [string[], RegExp][] = [
    [["--passage", path.join(folder, "none.txt")], /Cannot read the passage/],
    [["--passage", path.join(folder, "empty.txt")], /is empty/],
    [["--passage", notes, "--kind", "poem"], /--kind must be one of/],
    [["--passage", notes, "--model", model, "--keep", folder], /holds files but no adapter/],
  ];
  for (const [flags, message] of mistakes) {
    const result = seal("adapt", ...flags);
    assert.is(result.code, 2);
    assert.match(result.stderr, message);
  }
});

test.run();
