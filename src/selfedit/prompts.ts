/** What a model is asked: for a self-edit about a passage, and for an answer. What becomes of a self-edit is in sequences.ts. */
import { readText } from "../files/text";
import { UserError } from "../messages/errors";
import type { ChatMessage } from "../model/types";

/** The five kinds of self-edit that SEAL compares (paper, table on prompt formats). */
export const selfEditKinds = [
  "implications",
  "implications-long",
  "implications-very-long",
  "rewrite",
  "self-qa",
] as const;

/** One of `selfEditKinds`. */
export type SelfEditKind = (typeof selfEditKinds)[number];

/** A passage and the title that it stands under. */
export interface Article {
  /** Stands before each training sequence. */
  readonly title: string;
  /** What is to be learned. */
  readonly passage: string;
}

// Worded for small instruct models: one plain demand, the form of the answer, then the passage.
const instructions: Readonly<Record<SelfEditKind, string>> = {
  implications:
    "Write down what follows from the passage below, directly or indirectly. Give a numbered list. Each item is one full sentence that names what it is about.",
  "implications-long":
    "Write down what follows from the passage below, directly or indirectly. Give a long numbered list. Each item is one full sentence that names what it is about.",
  "implications-very-long":
    "Write down everything that follows from the passage below, directly or indirectly. Give a very long numbered list and leave nothing out. Each item is one full sentence that names what it is about.",
  rewrite:
    "Rewrite the passage below several times, each time in different words. Keep every fact. Write each version as one paragraph on a line of its own.",
  // trainingSequences keeps a pair together only where it finds "Question N:" and "Answer:".
  "self-qa":
    "Turn the passage below into questions and answers that cover every fact. Use exactly this form:\nQuestion 1: ...\nAnswer: ...\n\nQuestion 2: ...\nAnswer: ...",
};

const userTurn = (content: string): ChatMessage[] => [{ role: "user", content }];

/**
 * The request for a self-edit of one kind, in this project's own words.
 * Throws UserError for a kind that is not one of `selfEditKinds` (callers in JavaScript, values from files).
 */
export function selfEditPrompt(kind: SelfEditKind, article: Article): ChatMessage[] {
  if (!selfEditKinds.includes(kind)) {
    throw new UserError(
      `there is no self-edit prompt "${String(kind)}"; use one of ${selfEditKinds.join(", ")}`,
    );
  }
  return userTurn(`${instructions[kind]}\n\nTitle: ${article.title}\nPassage: ${article.passage}`);
}

/** A prompt of the user's own, with placeholders; made by `readPromptFile` or by hand. */
export interface PromptTemplate {
  /** Holds `{passage}` (or `{context}`, SEAL's name for it) and, if wanted, `{title}`. */
  readonly text: string;
  /** Where the text came from, for messages. */
  readonly source: string;
  /** The text is the model's whole input, as base models need it, and no turn of a chat. False unless told. */
  readonly raw?: boolean;
}

const largestPromptFile = 64 * 1024;

function checkTemplate(template: PromptTemplate): PromptTemplate {
  if (/\{(?:passage|context)\}/.test(template.text)) return template;
  throw new UserError(
    `the prompt in ${template.source} has no {passage}; put {passage} where the passage goes (and {title} where the title goes)`,
  );
}

function checkQuestionTemplate(template: PromptTemplate): PromptTemplate {
  const { text, source } = template;
  if (/\{(?:passage|context)\}/.test(text))
    throw new UserError(
      `the answer prompt in ${source} has {passage}: questions are asked without it, and the arm "passage in context" puts it before the prompt`,
    );
  if (text.includes("{question}")) return template;
  throw new UserError(
    `the answer prompt in ${source} has no {question}; put {question} where the question goes (and {title} where the title goes)`,
  );
}

/** What a prompt file asks for: a self-edit about `{passage}`, or an answer to `{question}`. */
export type PromptPurpose = "self-edit" | "answer";

/** Reads a prompt file (UTF-8, at most 64 KB). Throws UserError where it cannot be read, is too large or lacks its placeholder. */
export async function readPromptFile(
  path: string,
  { purpose = "self-edit", raw = false }: { purpose?: PromptPurpose; raw?: boolean } = {},
): Promise<PromptTemplate> {
  const check = purpose === "answer" ? checkQuestionTemplate : checkTemplate;
  const name = `the prompt file ${path}`;
  const text = await readText(path, { name, limit: largestPromptFile });
  return check({ text, source: path, ...(raw ? { raw } : {}) });
}

/** The request for a self-edit in the user's own wording, e.g. the paper's. Throws UserError where it has no `{passage}`. */
export function promptFromFile(template: PromptTemplate, article: Article): string | ChatMessage[] {
  const { title, passage } = article;
  return filled(checkTemplate(template), { title, passage, context: passage });
}

/** A question in the user's own wording; with a `context`, it stands before the prompt. Throws UserError where it has no `{question}`. */
export function questionFromFile(
  template: PromptTemplate,
  values: { readonly title: string; readonly question: string; readonly context?: string },
): string | ChatMessage[] {
  const { title, question, context } = values;
  const { text, ...rest } = checkQuestionTemplate(template);
  const before = context === undefined ? "" : "{context}\n\n";
  return filled({ ...rest, text: before + text }, { title, question, context: context ?? "" });
}

/** In one go, so that a placeholder's name inside a passage stays as it is. */
function filled(
  { text, raw }: PromptTemplate,
  values: Readonly<Record<string, string>>,
): string | ChatMessage[] {
  const whole = text.replace(
    /\{(\w+)\}/g,
    (placeholder, name: string) => values[name] ?? placeholder,
  );
  return raw ? whole : userTurn(whole);
}

const shortAnswer = "Answer the question with a few words only.";

/** The question alone: what the model knows by its weights. */
export function answerPrompt(question: string): ChatMessage[] {
  return userTurn(`${shortAnswer}\nQuestion: ${question}`);
}

/** The question with the passage before it: the upper bound. */
export function openBookPrompt(passage: string, question: string): ChatMessage[] {
  return userTurn(`Passage: ${passage}\n\n${shortAnswer}\nQuestion: ${question}`);
}
