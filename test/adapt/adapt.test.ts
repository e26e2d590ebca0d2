/** Adapting to a passage: how it is cut, what is learned by heart, the second passage after the first, and what is kept. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as tf from "@tensorflow/tfjs";
import { adaptToPassage } from "../../src/adapt/adapt";
import {
  readLessons,
  readMemory,
  topicsOf,
  writeMemory,
  writeMerged,
} from "../../src/adapt/memory";
import { readingPrompt, withoutName } from "../../src/adapt/reading";
import { knownByHeart, partsOf, recallAnswers, recite, sentencesOf } from "../../src/adapt/recital";
import { scoreRows } from "../../src/lora/score";
import { disposeModel, loadModel, type Model } from "../../src/model/load";
import { seal } from "../commands/run-cli";
import { writeByteModel } from "../model/byte-model";
import { temporaryFolder } from "../run/temporary";

const test = suite("adapt");
const folder = temporaryFolder(test, "adapt");

/** The tiny model with a larger embedding: with its own no token could ever have half of the probability. */
async function decidedModel(): Promise<Model> {
  const model = await loadModel(await writeByteModel(path.join(folder, "model")));
  const embedding = tf.tidy(() => tf.mul<tf.Tensor2D>(model.weights.embedding, 30));
  model.weights.embedding.dispose();
  return { ...model, weights: { ...model.weights, embedding, head: embedding } };
}

const mill = { title: "Orr", passage: "A mill." };
/** Enough for the tiny model to learn a few bytes by heart. */
const quick = { settings: { learningRate: 0.02, epochs: 120 }, answerTokens: 2, selfEdits: 0 };

test("sentences end at full stops before capitals, not inside numbers or names", () => {
  assert.equal(sentencesOf("Ask Dr. J. Vell or Mrs. Orr. He has it."), [
    "Ask Dr. J. Vell or Mrs. Orr.",
    "He has it.",
  ]);
  assert.equal(sentencesOf("It cost 3.5 crowns. Who\n paid?  Vell did. \nNobody knows."), [
    "It cost 3.5 crowns.",
    "Who",
    "paid?",
    "Vell did.",
    "Nobody knows.",
  ]);
});

test("a passage is cut between sentences into parts of about equal length", () => {
  assert.equal(partsOf("One short. Two short."), ["One short. Two short."]);
  const sentence = (letter: string): string => `${letter.repeat(98)}.`;
  const four = ["A", "B", "C", "D"].map(sentence);
  assert.equal(partsOf(four.join(" ")), [four.slice(0, 2).join(" "), four.slice(2).join(" ")]);
  const long = `${"L".repeat(900)}.`;
  assert.equal(partsOf(`${long} It ends.`), [long, "It ends."]);
});

test("a question is asked of a sentence as of the worked examples; the name that all share is left out", () => {
  const prompt = readingPrompt({ title: "Orr", sentence: "It is old." }, "How old is Orr?");
  assert.match(prompt, /^(?:.+\n.+\nQuestion: .+\nAnswer: .+\n\n){6}Orr\nIt is old\.\nQuestion: /);
  assert.match(prompt, /\nQuestion: How old is Orr\?\nAnswer:$/);
  assert.is(withoutName("Who built the Orr Mill?", "Orr Mill"), "Who built it?");
  assert.is(withoutName("Who built orr mill's roof?", "The Orr Mill"), "Who built it's roof?");
  assert.is(withoutName("Who mended Torr Mill?", "Orr Mill"), "Who mended Torr Mill?");
  assert.is(withoutName("see (b) c", "(b)"), "see it c");
});

test("a passage is learned until every token is likelier than not, and recited; nothing is left in memory", async () => {
  const model = await decidedModel();
  const before = tf.memory().numTensors;
  const stages: string[] = [];
  const options = { ...quick, questions: ["Who?"], onStage: (stage: string) => stages.push(stage) };
  const first = await adaptToPassage(model, mill, options);
  assert.is(first.unsure, 0);
  assert.is(stages.at(0), "asking");
  assert.is(stages.at(-1), "answering");
  assert.equal(first.lessons, [{ title: "Orr", part: 1, text: mill.passage }]);
  assert.equal(first.recitals, first.lessons);
  assert.is(first.answers.length, 1);
  const parts = first.recitals;
  assert.equal(await knownByHeart(model, parts), [false]);
  assert.equal(await knownByHeart(model, parts, first.adapter), [true]);
  assert.is(tf.memory().numTensors, before);
  disposeModel(model);
});

test("a second passage is learned without losing the first; both are kept, merged and recited", async () => {
  const model = await decidedModel();
  const first = await adaptToPassage(model, mill, quick);
  const keep = path.join(folder, "kept");
  assert.is(await readMemory(model, keep), undefined);
  await writeMemory(first, keep, model);
  const memory = await readMemory(model, keep);
  assert.equal(memory?.lessons, first.lessons);
  assert.equal(memory?.adapter.tensors, first.adapter.tensors);
  const lake = { title: "Um", passage: "A lake." };
  const second = await adaptToPassage(model, lake, {
    ...quick,
    initial: first.adapter,
    earlier: first.lessons,
  });
  assert.is(second.rehearsed, 1);
  assert.is(second.unsure, 0);
  const lessons = [...first.lessons, ...second.lessons];
  const topics = topicsOf(lessons);
  assert.equal(topics, [
    { title: "Orr", parts: 1 },
    { title: "Um", parts: 1 },
  ]);
  assert.equal(await recite(model, topics, second.adapter), lessons);
  const { answers } = await recallAnswers(model, topics, ["Who?"], { adapter: second.adapter });
  assert.is(answers.length, 1);

  const directory = path.join(folder, "merged");
  await writeMerged({ adapter: second.adapter, lessons }, directory, model);
  const merged = await loadModel(`file:${directory}`);
  assert.equal(await readLessons(directory), lessons);
  const row = [5, 80, 90, 100];
  const [expected] = scoreRows(model, [row], second.adapter);
  scoreRows(merged, [row])[0].forEach((loss, i) =>
    assert.ok(Math.abs(loss - expected[i]) < 1e-4, `${loss} for ${expected[i]}`),
  );
  assert.equal(await recite(merged, topics), lessons);
  disposeModel(merged);
  disposeModel(model);
});

test("the command: answers side by side, kept, continued, asked and merged; mistakes are named", async () => {
  const model = await writeByteModel(path.join(folder, "model"));
  const notes = path.join(folder, "my_notes.txt");
  writeFileSync(notes, mill.passage);
  const keep = path.join(folder, "kept by command");
  const merged = path.join(folder, "merged by command");
  const learn = ["--model", model, "--passage", notes, "--self-edits", "1", "--epochs", "1"];
  const first = seal("adapt", ...learn, "--keep", keep, "--ask", "Who built it?");
  assert.is(first.code, 0, first.stderr);
  assert.match(first.stdout, /Who built it\?\n {2}before: .*\n {2}after: {2}/);
  const again = seal(
    "adapt",
    ...learn,
    "--keep",
    keep,
    "--merge",
    merged,
    "--title",
    "B",
    "--json",
  );
  assert.is(again.code, 0, again.stderr);
  assert.is((JSON.parse(again.stdout) as { rehearsed: number }).rehearsed, 1);
  const kept = readFileSync(path.join(keep, "lessons.jsonl"), "utf8").trim().split("\n");
  const titles = kept.map((line) => (JSON.parse(line) as { title: string }).title);
  assert.equal([...new Set(titles)], ["my notes", "B"]);
  for (const memory of [
    ["--model", model, "--keep", keep],
    ["--model", `file:${merged}`],
  ]) {
    const asked = seal("adapt", ...memory, "--ask", "Who?", "--json");
    assert.is(asked.code, 0, asked.stderr);
    const { answers } = JSON.parse(asked.stdout) as { answers: { question: string }[] };
    assert.equal(
      answers.map(({ question }) => question),
      ["Who?"],
    );
  }
  writeFileSync(path.join(folder, "empty.txt"), " ");
  const mistakes: [string[], RegExp][] = [
    [["--passage", path.join(folder, "none.txt")], /Cannot read the passage/],
    [["--passage", path.join(folder, "empty.txt")], /is empty/],
    [["--passage", notes, "--kind", "poem"], /--kind must be one of/],
    [["--passage", notes, "--model", model, "--keep", folder], /holds files but no adapter/],
    [["--keep", keep], /Give --passage FILE/],
    [["--model", model, "--ask", "Who?"], /Nothing was learned in this model/],
    [["--model", model, "--keep", keep, "--title", "C", "--ask", "Who?"], /known are: my notes, B/],
  ];
  for (const [flags, message] of mistakes) {
    const result = seal("adapt", ...flags);
    assert.is(result.code, 2);
    assert.match(result.stderr, message);
  }
});

test.run();
