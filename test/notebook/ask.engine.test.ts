/** Questions put to a model and judged: the small world's model about someone it has not heard of, then with an adapter. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startEngine } from "../../src/engine";
import { trainAdapters } from "../../src/lora/train";
import { TARGET_NAMES } from "../../src/model/adapters";
import { disposeModel, loadModel } from "../../src/model/load";
import { askAbout, judgeAnswers } from "../../src/notebook/ask";
import { createRandom } from "../../src/statistics/random";
import { oracleSelfEdit, selfEditLines } from "../../src/tasks/biographies/selfedits";
import { createWorld, newPeople } from "../../src/tasks/biographies/world";

const test = suite("asking in notebooks");
test.before(async () => {
  await startEngine();
});

test("six questions about a person, with the fact as gold; an adapter on the facts makes more of them right", async () => {
  const model = await loadModel("tiny:biographies");
  const [person] = newPeople(createWorld(0), "asking", 1);
  const settings = { rank: 8, alpha: 16, targets: [...TARGET_NAMES], learningRate: 5e-3, seed: 1 };
  const sequences = selfEditLines(oracleSelfEdit(person, createRandom("facts")));
  const [{ adapter }] = await trainAdapters(model, [{ sequences, settings }]);
  const [before, after] = [await askAbout(model, person), await askAbout(model, person, adapter)];
  const right = (answers: typeof before): number =>
    answers.filter(({ verdict }) => verdict === "correct").length;
  assert.equal(before.map(({ gold }) => gold).sort(), Object.values<string>(person.facts).sort());
  assert.ok(right(after) > right(before), `${right(before)} before, ${right(after)} after`);
  for (const { gold, answer, verdict } of [...before, ...after])
    assert.is(verdict === "correct", answer.trim().split(" ")[0] === gold);
  disposeModel(model);
});

test("given answers beside their questions; any of the right ones suffices", () => {
  const questions = [
    { question: "What is the old school now?", answers: ["a bakery", "bakery"] },
    { question: "Who founded the village?", answers: ["Edda Korrin"] },
  ];
  const shown = judgeAnswers(questions, ["A bakery.", "Nobody knows."]);
  assert.equal(
    shown.map(({ gold, verdict }) => [gold, verdict]),
    [
      ["a bakery", "correct"],
      ["Edda Korrin", "wrong"],
    ],
  );
});

test.run();
