/** Losses of right answers on the small world's model: those of scoreRows at the answer's tokens. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { answerLosses, scoreRows } from "../../src/lora/score";
import { promptTokens } from "../../src/lora/generate";
import { loadModel, textOf } from "../../src/model/load";
import { createRandom } from "../../src/statistics/random";
import { questionPrompt, questionsAbout, writePassage } from "../../src/tasks/biographies/texts";
import { createWorld, newPeople } from "../../src/tasks/biographies/world";

const test = suite("answer losses");

test("the mean over the answer's tokens alone; what the prompt says makes the right answer likelier", async () => {
  const model = await loadModel("tiny:biographies");
  const [person] = newPeople(createWorld(0), "answer losses", 1);
  const [{ text, answer: gold }] = questionsAbout(person);
  const passage = writePassage(person, createRandom("passage")).text;
  const question = questionPrompt(text);
  const open = questionPrompt(text, passage);
  const other = gold === "Athens" ? "Oslo" : "Athens";
  const [closed, read, wrong] = await answerLosses(
    model,
    [question, open, open],
    [gold, gold, other],
  );
  assert.ok(read < closed && read < wrong, `${read} ${closed} ${wrong}`);
  const ids = [...promptTokens(model, question), ...textOf(model).tokenizer.encode(`${gold} .`)];
  const [losses] = scoreRows(model, [ids]);
  const [two] = await answerLosses(model, [question], [`${gold} .`]);
  assert.ok(Math.abs(two - (losses[losses.length - 2] + losses[losses.length - 1]) / 2) < 1e-6);
  assert.ok(Math.abs(closed - losses[losses.length - 2]) < 1e-4);
});

test.run();
