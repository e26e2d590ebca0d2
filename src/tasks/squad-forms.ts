/** The forms in which passages with questions are kept: SQuAD's articles, a question a row (the hub's), SEAL's list. Reading files is squad.ts's. */
import { z } from "zod";

const questionKinds = ["direct", "reworded", "combined"] as const;

/** How far a question is from its passage's wording: nearly the same, other words, or two facts put together. */
export type QuestionKind = (typeof questionKinds)[number];

/** What the articles of the embedded data set are for. */
export type Split = "train" | "eval";

/** A passage as every form gives it: ids may be missing, the split too. */
export interface RawPassage {
  id?: string;
  title: string;
  split?: Split;
  passage: string;
  questions: { id?: string; question: string; answers: string[]; kind?: QuestionKind }[];
}

/** Data that are of none of the forms: where, and what is wrong there. */
export interface FormProblem {
  readonly place: readonly PropertyKey[];
  readonly message: string;
}

const text = (limit: number) =>
  z
    .string()
    .max(limit)
    .regex(/\S/, "is blank")
    .regex(/^\P{Cs}*$/u, "holds half of a character (a lone surrogate)");
/** An article's title. */
export const title = text(1000);
const context = text(200_000);
const questionText = text(10_000);
const answerText = text(10_000);
/** Some number their questions. */
const identifier = z.preprocess(
  (id) => (Number.isSafeInteger(id) ? String(id) : (id ?? undefined)),
  text(500).optional(),
);
const impossible = z.boolean().nullish();
const unanswered = 'has no answer: give one, or mark the question with "is_impossible": true';

/** What is marked as impossible (SQuAD 2) is null, whatever stands in its other keys; they are often blank. */
const unlessImpossible = <T extends z.ZodType>(schema: T) =>
  z.preprocess(
    (item) => ((item as { is_impossible?: unknown } | null)?.is_impossible === true ? null : item),
    schema.nullable(),
  );

const squadQuestion = z.object({
  id: identifier,
  question: questionText,
  kind: z.enum(questionKinds).optional(),
  is_impossible: impossible,
  answers: z
    .array(z.object({ text: answerText }))
    .max(1000)
    .min(1, unanswered),
});
const articleSchema = z.object({
  title,
  split: z.enum(["train", "eval"]).optional(),
  paragraphs: z
    .array(
      z.object({
        id: identifier,
        context,
        qas: z.array(unlessImpossible(squadQuestion)).max(10_000),
      }),
    )
    .max(100_000),
});

const listSchema = z.object({
  id: identifier,
  title,
  context,
  split: z.enum(["train", "eval"]).optional(),
  questions: z
    .array(z.object({ id: identifier, question: questionText, answer: answerText }))
    .max(10_000),
});

/** A question a row; one without an answer (SQuAD 2) has an empty list of them, or is marked as impossible. */
const rowSchema = z.preprocess(
  (row) =>
    (row as { is_impossible?: unknown } | null)?.is_impossible === true
      ? { ...(row as object), answers: [] }
      : row,
  z.object({
    id: identifier,
    title,
    context,
    question: questionText,
    is_impossible: impossible,
    answers: z.preprocess(
      // A list of answers, or as the hub has it, a list for each of their keys.
      (answers) =>
        Array.isArray(answers)
          ? { text: answers.map((answer: { text?: unknown } | null) => answer?.text) }
          : answers,
      z.object({ text: z.array(answerText).max(1000) }),
    ),
  }),
);

const LARGEST_LIST = 1_000_000;

/** The passages that JSON data hold, or what is wrong with them. */
export function passagesOf(json: unknown): RawPassage[] | FormProblem {
  const inside = (json as { data?: unknown } | null)?.data;
  const [items, place] = Array.isArray(json) ? [json as unknown[], []] : [inside, ["data"]];
  if (!Array.isArray(items)) return { place, message: "is not a list" };
  if (items.length > LARGEST_LIST) return { place, message: `has more than ${LARGEST_LIST} items` };
  const has = (key: string): boolean =>
    typeof items[0] === "object" && items[0] !== null && key in items[0];
  if (has("paragraphs")) return checked(articleSchema, items, place, fromArticles);
  if (has("question")) return rowsOf(items, place);
  if (has("questions") || place.length === 0) return checked(listSchema, items, place, fromList);
  return checked(articleSchema, items, place, fromArticles);
}

/** The passages of rows with a question each. Questions of one passage stand together, as in the released files. */
export function rowsOf(
  rows: readonly unknown[],
  place: readonly PropertyKey[] = [],
): RawPassage[] | FormProblem {
  return checked(rowSchema, rows, place, fromRows);
}

function checked<T extends z.ZodType>(
  schema: T,
  items: readonly unknown[],
  place: readonly PropertyKey[],
  read: (items: z.output<T>[]) => RawPassage[],
): RawPassage[] | FormProblem {
  const result = z.array(schema).safeParse(items);
  if (result.success) return read(result.data);
  const [issue] = result.error.issues;
  const message = issue.message.replace(/^Invalid input: .*, received undefined$/, "is missing");
  return { place: [...place, ...issue.path], message };
}

function fromArticles(articles: z.output<typeof articleSchema>[]): RawPassage[] {
  return articles.flatMap((article) =>
    article.paragraphs.map((paragraph) => ({
      id: paragraph.id,
      title: article.title,
      split: article.split,
      passage: paragraph.context,
      questions: paragraph.qas
        .filter((question) => question !== null)
        .map(({ answers, ...question }) => ({
          ...question,
          answers: answers.map((answer) => answer.text),
        })),
    })),
  );
}

function fromList(list: z.output<typeof listSchema>[]): RawPassage[] {
  return list.map(({ context: passage, questions, ...rest }) => ({
    ...rest,
    passage,
    questions: questions.map(({ answer, ...question }) => ({ ...question, answers: [answer] })),
  }));
}

function fromRows(rows: readonly z.output<typeof rowSchema>[]): RawPassage[] {
  const passages: RawPassage[] = [];
  for (const { id, title: own, context: passage, question, answers } of rows) {
    const last = passages.at(-1);
    const same = last?.title === own && last.passage === passage;
    const current = same ? last : { title: own, passage, questions: [] };
    if (!same) passages.push(current);
    if (answers.text.length > 0) current.questions.push({ id, question, answers: answers.text });
  }
  return passages;
}
