/** The small world: people, texts, self-edits, vocabulary and pretraining documents. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { tokenizerFromJson } from "../../src/model/tokenizer";
import { createRandom } from "../../src/statistics/random";
import {
  knownDocument,
  lessonDocument,
  openBookDocument,
} from "../../experiments/small-models/biographies/documents";
import {
  biographySequences,
  describeSelfEdit,
  oracleSelfEdit,
  selfEditLines,
  selfEditStyles,
  writeSelfEdit,
} from "../../src/tasks/biographies/selfedits";
import {
  biographySelfEditPrompt,
  judgeValue,
  questionPrompt,
  questionsAbout,
  writePassage,
} from "../../src/tasks/biographies/texts";
import { tokenizerFile, vocabulary } from "../../experiments/small-models/biographies/vocabulary";
import { createWorld, newPeople, worldSizes, type Person } from "../../src/tasks/biographies/world";
import { attributes, attributeValues } from "../../src/tasks/biographies/words";

const biographies = suite("biographies");
const world = createWorld(0);

const anna: Person = {
  name: "Anna Berg",
  gender: "female",
  facts: {
    birthplace: "Vienna",
    degree: "law",
    occupation: "pilot",
    instrument: "harp",
    animal: "goat",
    language: "Thai",
  },
};

biographies("the groups of names are disjoint and a seed gives the same world", () => {
  const names = [...world.known, ...world.openBookNames, ...world.newNames].map((p) => p.name);
  assert.is(new Set(names).size, 1600);
  assert.is(names.length, 1600);
  assert.equal(createWorld(0), world);
  assert.not.equal(createWorld(1).known, world.known);
});

biographies("new people are the same for a seed, and a larger count only adds", () => {
  const few = newPeople(world, 7, 10);
  assert.equal(newPeople(world, 7, 80).slice(0, 10), few);
  const known = new Set(world.known.map((person) => person.name));
  assert.not(newPeople(world, 7, worldSizes.newNames).some((person) => known.has(person.name)));
  assert.not.equal(newPeople(world, 8, 10), few);
});

biographies("attributes have twenty values each and share none", () => {
  const values = attributes.flatMap((attribute) => attributeValues[attribute]);
  assert.is(values.length, 120);
  assert.is(new Set(values).size, 120);
});

biographies("a passage names the person once and each fact beside two of its kind", () => {
  const random = createRandom(1);
  for (const person of newPeople(world, 1, 50)) {
    const { text, others } = writePassage(person, random);
    assert.is(text.split(person.name).length, 2, text);
    const words = text.split(" ");
    for (const attribute of attributes) {
      const mentioned = words.filter((word) => attributeValues[attribute].includes(word));
      const expected = [person.facts[attribute], ...others[attribute]];
      assert.equal(mentioned.sort(), expected.sort());
    }
  }
});

biographies("questions, prompts and judge", () => {
  const [first] = questionsAbout(anna);
  assert.is(first.text, "Where is the birthplace of Anna Berg ?");
  assert.is(
    questionPrompt(first.text),
    "<question> Where is the birthplace of Anna Berg ? <answer>",
  );
  assert.is(questionPrompt("A ?", "P ."), "<passage> P . <question> A ? <answer>");
  assert.is(biographySelfEditPrompt("P ."), "<passage> P . <implications>");
  assert.is(judgeValue("Vienna", " Vienna <eos>"), "correct");
  assert.is(judgeValue("Vienna", "Rome Vienna"), "wrong");
  assert.is(judgeValue("Vienna", ""), "wrong");
});

biographies(
  "a completion is cut into sentences, an unfinished one is dropped, the passage is last",
  () => {
    const completion = "Anna Berg speaks Thai . . She keeps a goat . Anna Berg was";
    assert.equal(selfEditLines(completion), ["Anna Berg speaks Thai .", "She keeps a goat ."]);
    assert.equal(biographySequences("no stop", "The passage ."), ["The passage ."]);
    assert.equal(biographySequences(completion, "P .").at(-1), "P .");
  },
);

biographies("self-edits are described as what they are", () => {
  const style = (text: string): string => describeSelfEdit(text, anna).style;
  assert.equal(describeSelfEdit("Anna Berg speaks Thai . The pet of Anna Berg is a goat .", anna), {
    style: "statements",
    facts: 2,
    wrongStatements: 0,
    wrongNames: 0,
    length: 14,
  });
  assert.is(style("Her pet is a goat . She speaks Thai ."), "pronouns");
  assert.is(style("Anna Berg had a long life ."), "vague");
  assert.is(style("Anna Berg speaks Thai . Anna Berg keeps a dog ."), "wrong");
  assert.is(style("Anna Rossi speaks Thai ."), "other");
  assert.is(describeSelfEdit("Anna Rossi speaks Thai .", anna).wrongNames, 1);
  assert.is(style("Anna Berg speaks goat ."), "other");
  assert.is(style(""), "other");
});

biographies("sampled self-edits have the style that they were asked for", () => {
  const random = createRandom(2);
  for (const person of newPeople(world, 2, 30)) {
    const passage = writePassage(person, random);
    for (const style of selfEditStyles) {
      if (style === "other") continue;
      const content = describeSelfEdit(writeSelfEdit(person, passage, random, style), person);
      assert.is(content.style, style);
      assert.is(content.facts > 0, style === "statements");
    }
    assert.is(describeSelfEdit(oracleSelfEdit(person, random), person).facts, 6);
  }
});

biographies("the tokenizer knows every word of every document, and joins with spaces", () => {
  const tokenizer = tokenizerFromJson(tokenizerFile(), {}, "biographies");
  assert.is(tokenizer.vocabularySize, vocabulary().length);
  const unknown = tokenizer.idOf("<unk>");
  const random = createRandom(3);
  const documents = Array.from({ length: 30 }, () => [
    openBookDocument(world, "selfedit", random),
    lessonDocument(world, "questions", random, true),
    knownDocument(world, "passage", random),
    knownDocument(world, "question", random),
  ]).flat();
  for (const { words, learned } of documents) {
    const ids = tokenizer.encode(words.join(" "));
    assert.is(ids.length, words.length);
    assert.not(ids.includes(unknown!));
    assert.is(tokenizer.decode(ids, { skipSpecial: false }), words.join(" "));
    assert.is(learned.length, words.length);
    assert.ok(learned.some((weight) => weight > 0));
  }
  assert.is(tokenizer.encode("Zanzibar")[0], unknown);
});

biographies("the loss of a closed-book document is on what it teaches", () => {
  const random = createRandom(4);
  const learnedOf = (kind: "statement" | "question"): string => {
    const { words, learned } = knownDocument(world, kind, random);
    return words.filter((_, i) => learned[i] > 0).join(" ");
  };
  assert.match(learnedOf("statement"), /^\S+ \.$/);
  assert.match(learnedOf("question"), /^\S+ <eos>$/);
});

biographies.run();
