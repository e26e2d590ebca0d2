import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  judgeLabelled,
  judgeTricks,
  readDisputed,
  readLabelled,
  settleDisputes,
  type LabelledAnswer,
} from "../../src/replay/labelled";
import type { GradedAnswer, ReleasedLog } from "../../src/replay/released";
import { readArticles } from "../../src/tasks/squad";

const test = suite("labelled answers");

const answer = (
  text: string,
  verdict: LabelledAnswer["verdict"],
  more: Partial<LabelledAnswer> = {},
): LabelledAnswer => ({
  question: "Who painted the ceiling?",
  gold: ["Michelangelo"],
  answer: text,
  arm: "one",
  verdict,
  clear: true,
  ...more,
});

test("agreement of all, of the clear ones, of each source, and of the simple rule, by hand", () => {
  const rows = judgeLabelled([
    answer("The ceiling was painted by Michelangelo.", "correct", { article: "a" }),
    answer("The ceiling was painted by Raphael.", "wrong", { article: "b" }),
    answer("The ceiling was painted by Bramante.", "correct", { article: "b", clear: false }),
    answer("Raphael.", "wrong", { article: "c", arm: "two" }),
  ]);
  assert.equal(
    rows.map(({ name, n, agreement, bias }) => [name, n, agreement, bias]),
    [
      ["all", 4, 0.75, -0.25],
      ["clear to the reader", 3, 1, 0],
      ["of these, one", 2, 1, 0],
      ["of these, two", 1, 1, 0],
      ["clear, by the rule that the answer must contain the gold", 3, 1, 0],
    ],
  );
  const [all, clear] = rows;
  // By chance 1/4 x 2/4 + 3/4 x 2/4 = 1/2.
  assert.is(all.kappa, 0.5);
  assert.ok(all.agreement95[0] >= 0.5 && all.agreement95[1] === 1);
  // Agreeing everywhere is not certainty: Wilson's interval of 3 of 3.
  assert.ok(Math.abs(clear.agreement95[0] - 0.4385) < 1e-4);
});

test("the committed set: outside SEAL's logs, the golds those of the articles, and what the judge makes of it", async () => {
  const answers = await readLabelled("labelled-answers");
  const golds = new Map(
    (await readArticles()).flatMap(({ questions }) =>
      questions.map((one) => [one.question, one.answers] as const),
    ),
  );
  for (const one of answers) assert.equal(one.gold, golds.get(one.question), one.question);
  const [all, clear] = judgeLabelled(answers);
  assert.equal([all.n, clear.n], [229, 222]);
  assert.is(all.agreement, 226 / 229);
  assert.is(clear.agreement, 220 / 222);
  assert.ok(clear.agreement95[0] > 0.96 && clear.agreement95[0] < clear.agreement);
});

/** What stands here as wrong is wrong: the judge's errors, listed so that a change of the judge shows what it changes. */
const ERRORS = [
  "negation",
  "reversal without a negation",
  "another unit",
  "the same length in another unit",
  "a gold named in passing",
  "paraphrase without a shared word",
  "recital that holds the gold and says another",
  "two answers given",
  "hedge that does not answer",
  "another day of the month",
  "a fraction in words",
  "initials",
  "exchanged roles",
  "yes, in other words",
];

test("24 tricks: the judge is right about ten", async () => {
  const tricks = judgeTricks(await readLabelled("tricks"));
  assert.is(tricks.length, 24);
  assert.equal(
    tricks.filter(({ right, local }) => right !== local).map(({ trick }) => trick),
    ERRORS,
  );
});

const graded = (question: number, correct: boolean): GradedAnswer => ({
  article: 0,
  question,
  completion: 0,
  repeat: 0,
  text: "Who?",
  gold: "Ann",
  answer: "It was Ann.",
  correct,
});

test("disputes: only those that are there and still disputed; the reader's side by hand", async () => {
  const log = {
    name: "eval/iter2",
    adapter: [graded(0, false), graded(1, false), graded(2, true)],
  } as unknown as ReleasedLog;
  const places = [0, 1, 2, 3].map((question) => ({
    log: "eval/iter2",
    passage: 0,
    question,
    verdict: question === 0 ? ("correct" as const) : ("wrong" as const),
  }));
  const judge = (): { probability: number; correct: boolean } => ({
    probability: 1,
    correct: true,
  });
  const settled = settleDisputes(places, [log], judge);
  assert.equal([settled?.n, settled?.withGpt], [2, 0.5]);
  assert.is(settleDisputes(places, [], judge), undefined);
  const committed = await readDisputed();
  assert.is(committed.length, 100);
  assert.is(committed.filter(({ verdict }) => verdict === "correct").length, 44);
});

test.run();
