import { readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { articlesPath, readArticles } from "../../src/tasks/squad";

interface EmbeddedQuestion {
  readonly id: string;
  readonly question: string;
  readonly kind: string;
  readonly answers: readonly { readonly text: string; readonly answer_start: number }[];
}
interface EmbeddedArticle {
  readonly title: string;
  readonly split: string;
  readonly paragraphs: readonly {
    readonly id: string;
    readonly context: string;
    readonly qas: readonly EmbeddedQuestion[];
  }[];
}

const articles = suite("embedded articles");
const { data } = JSON.parse(readFileSync(articlesPath, "utf8")) as { data: EmbeddedArticle[] };
const paragraphs = data.flatMap((article) => article.paragraphs);
const questions = paragraphs.flatMap((paragraph) => paragraph.qas);

function assertDistinct(values: readonly string[]): void {
  assert.equal(
    values.filter((value, index) => values.indexOf(value) !== index),
    [],
  );
}

articles("20 articles to train on, at least 24 to evaluate on, one paragraph each", () => {
  assert.is(data.filter(({ split }) => split === "train").length, 20);
  assert.ok(data.filter(({ split }) => split === "eval").length >= 24);
  assert.ok(data.every(({ split }) => split === "train" || split === "eval"));
  assert.ok(data.every((article) => article.paragraphs.length === 1));
});

articles("titles, passages, ids and questions differ from each other", () => {
  assertDistinct(data.map(({ title }) => title));
  assertDistinct(paragraphs.map(({ context }) => context));
  assertDistinct([...paragraphs, ...questions].map(({ id }) => id));
  assertDistinct(questions.map(({ question }) => question));
});

articles("passages have 80 to 160 words and 5 to 7 questions", () => {
  for (const { id, context, qas } of paragraphs) {
    const words = context.split(/\s+/).length;
    assert.ok(words >= 80 && words <= 160, `${id}: ${words} words`);
    assert.ok(qas.length >= 5 && qas.length <= 7, `${id}: ${qas.length} questions`);
  }
});

articles("every answer stands in its passage, where answer_start says, as whole words", () => {
  for (const { context, qas } of paragraphs) {
    for (const { id, answers } of qas) {
      assert.ok(answers.length >= 1, id);
      assertDistinct(answers.map(({ text }) => text));
      for (const { text, answer_start: start } of answers) {
        assert.is(context.slice(start, start + text.length), text, id);
        const around = context.charAt(start - 1) + context.charAt(start + text.length);
        assert.not.match(around, /[\p{L}\p{N}]/u, id);
      }
    }
  }
});

articles("no question holds its answer", () => {
  const words = (text: string) =>
    ` ${text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, " ")
      .trim()} `;
  for (const { id, question, answers } of questions) {
    for (const { text } of answers)
      assert.not(words(question).includes(words(text)), `${id}: ${text}`);
  }
});

articles("answers are short", () => {
  for (const { id, answers } of questions) {
    for (const { text } of answers) assert.ok(text.split(" ").length <= 10, `${id}: ${text}`);
  }
});

articles(
  "about half of the questions are direct, each article has reworded ones, both splits combined ones",
  () => {
    const share = (kind: string) =>
      questions.filter((question) => question.kind === kind).length / questions.length;
    assert.ok(share("direct") > 0.4 && share("direct") < 0.6);
    assert.ok(share("combined") > 0.1);
    assert.ok(Math.abs(share("direct") + share("reworded") + share("combined") - 1) < 1e-9);
    for (const { id, qas } of paragraphs) {
      for (const kind of ["direct", "reworded"])
        assert.ok(
          qas.some((question) => question.kind === kind),
          `${id}: ${kind}`,
        );
    }
    for (const split of ["train", "eval"]) {
      const own = data
        .filter((article) => article.split === split)
        .flatMap(({ paragraphs: [only] }) => only.qas);
      assert.ok(own.filter(({ kind }) => kind === "combined").length >= 15, split);
    }
  },
);

articles("the reader gives the same articles, by split", async () => {
  const all = await readArticles();
  const [train, evaluation] = [await readArticles("train"), await readArticles("eval")];
  assert.equal(
    all.map(({ id }) => id),
    paragraphs.map(({ id }) => id),
  );
  assert.is(train.length + evaluation.length, all.length);
  assert.equal(
    train.filter(({ id }) => evaluation.some((other) => other.id === id)),
    [],
  );
  assert.equal(
    all.flatMap((passage) => passage.questions).map(({ id, kind, answers }) => [id, kind, answers]),
    questions.map(({ id, kind, answers }) => [id, kind, answers.map(({ text }) => text)]),
  );
});

articles("the card gives the counts", () => {
  const card = readFileSync(path.join(path.dirname(articlesPath), "articles.md"), "utf8");
  const count = (split: string, kind?: string) =>
    data
      .filter((article) => article.split === split)
      .flatMap(({ paragraphs: [only] }) => only.qas)
      .filter((question) => kind === undefined || question.kind === kind).length;
  for (const split of ["train", "eval"]) {
    const size = data.filter((article) => article.split === split).length;
    const cells = [
      size,
      count(split),
      ...["direct", "reworded", "combined"].map((kind) => count(split, kind)),
    ];
    assert.match(card.replace(/ +/g, " "), `| ${split} | ${cells.join(" | ")} |`);
  }
});

articles.run();
