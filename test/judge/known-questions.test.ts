import { suite } from "uvu";
import * as assert from "uvu/assert";
import { fitQuestion, fitQuestions } from "../../src/judge/fit-questions";
import {
  answerWords,
  knownLogOdds,
  questionKey,
  wordShare,
  type ReadAnswer,
} from "../../src/judge/known-questions";
import {
  judgeAnswer,
  judgeLocally,
  judgeRead,
  noQuestions,
  readAnswer,
  releasedQuestions,
} from "../../src/judge/lexical";

const test = suite("known questions");

const read = (words: readonly string[], comparison = 0): ReadAnswer => ({
  key: "q",
  words,
  comparison,
});

test("a question's key does not depend on SEAL's topic line, and on nothing else of it", () => {
  const key = questionKey("Who won?", "the Danes");
  assert.is(questionKey("Topic: War\nWho won?", "the Danes"), key);
  assert.is.not(questionKey("Who won?", "the Swedes"), key);
  assert.is.not(questionKey("Who lost?", "the Danes"), key);
});

test("an answer's words are stems that the question does not have, each once, before any rambling", () => {
  const words = answerWords("Who won the battle?", "The Danes won, Danes!\nQuestion: Who lost it?");
  assert.equal(words, answerWords("", "Danes"));
  assert.is(words.length, 1);
});

test("weights of one word each way, worked out by hand", () => {
  // With a word to each answer, 0.2 w = 1 - sigmoid(w): w = 1.178. The offset stays 0 by symmetry.
  const { offset, words } = fitQuestion([
    { read: read(["a"]), correct: 1 },
    { read: read(["b"]), correct: 0 },
  ]);
  assert.is(Math.abs(offset), 0);
  assert.equal(words, { a: 1.2, b: -1.2 });
});

test("an offset alone, worked out by hand: u = 1 - sigmoid(u)", () => {
  const { offset, words } = fitQuestion([{ read: read([]), correct: 1 }]);
  assert.equal([offset, words], [0.4, {}]);
});

test("words that weigh less than 0.3 are left out", () => {
  const rows = [1, 0].map((correct) => ({ read: read(["a", `b${correct}`]), correct }));
  assert.equal(Object.keys(fitQuestion(rows).words).sort(), ["b0", "b1"]);
});

test("equal answers count once, with the share of them that was called correct", () => {
  const twice = [true, true, true, false].map((correct) => ({ read: read(["a"]), correct }));
  assert.equal(fitQuestions(twice), {
    q: fitQuestion([{ read: read(["a"]), correct: 0.75 }]),
  });
});

test("log-odds: comparison, offset and words by their share of the answer, sharpened", () => {
  const known = { offset: 0.5, words: { a: 2, b: -1 } };
  assert.is(wordShare(4), 0.5);
  const odds = knownLogOdds(known, read(["a", "b", "c", "d"], 3));
  assert.ok(Math.abs(odds - 1.4 * (0.7 * 3 + 0.5 + 0.5 * (2 - 1))) < 1e-12);
});

test("what was ruled on other answers decides the next, where words alone cannot", () => {
  const [question, gold] = ["Who won?", "the Danes"];
  const said = (answer: string): ReadAnswer => readAnswer(question, gold, answer);
  const paraphrase = "The army of Canute.";
  assert.is(judgeRead(said(paraphrase), noQuestions).correct, false);
  const known = fitQuestions([
    { read: said("It was Canute and his army."), correct: true },
    { read: said("The men of Canute."), correct: true },
    { read: said("It was Harold."), correct: false },
  ]);
  const next = judgeRead(said(paraphrase), known);
  assert.equal([next.correct, next.known], [true, true]);
  assert.is(judgeRead(said("Harold won."), known).correct, false);
});

test("a blank answer to a known question is wrong; several golds: any known one suffices", () => {
  const [question, gold] = ["Who won?", "the Danes"];
  const known = fitQuestions([
    { read: readAnswer(question, gold, "It was Canute."), correct: true },
    { read: readAnswer(question, gold, "Men of Canute."), correct: true },
  ]);
  assert.is(judgeLocally({ question, gold, answer: " " }, known).correct, false);
  const several = { question, gold: ["nobody", gold], answer: "Canute." };
  assert.is(judgeLocally(several, known).correct, true);
  assert.is(judgeAnswer(several), "wrong");
});

test("the released questions are hashes and numbers, no text", () => {
  const questions = Object.entries(releasedQuestions);
  assert.is(questions.length, 1685);
  for (const [key, { offset, words }] of questions) {
    assert.match(key, /^[0-9a-z]{1,7}$/);
    assert.ok(Number.isFinite(offset));
    for (const [word, weight] of Object.entries(words)) {
      assert.ok(parseInt(word, 36) < 2 ** 20);
      assert.ok(Math.abs(weight) >= 0.3);
    }
  }
});

test.run();
