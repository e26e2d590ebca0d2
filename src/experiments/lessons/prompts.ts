/** How a variant asks for self-edits and answers: this project's prompts, the user's own, or the release's. */
import path from "node:path";
import { z } from "zod";
import type { ChatMessage } from "../../model/types";
import { strictObject } from "../../schema/schema";
import {
  answerPrompt,
  openBookPrompt,
  promptFromFile,
  questionFromFile,
  readPromptFile,
  selfEditKinds,
  selfEditPrompt,
  type Article,
} from "../../selfedit/prompts";
import { releasedPrompt, releasedPrompts } from "../../tasks/seal-prompts";

const fileSchema = strictObject({
  /** A text with {passage} (or {context}) and, if wanted, {title}; for answers with {question}. */
  file: z.string().min(1),
  /** The text is the model's whole input, for base models, and no turn of a chat. False unless told. */
  raw: z.boolean().optional(),
});

/** What a model is asked for. */
export const promptSchema = z.union([
  strictObject({
    /** One of the paper's kinds, in this project's words. */
    kind: z.enum(selfEditKinds),
  }),
  fileSchema,
  strictObject({
    /** SEAL's own wording, raw, read from its release (`SEAL_DATA`, or GitHub). */
    released: z.enum(releasedPrompts),
  }),
]);
/** Its values. */
export type PromptSettings = z.output<typeof promptSchema>;

/** How a question is asked: a file of one's own; this project's prompt unless told. */
export const answerPromptSchema = fileSchema;

/** The two prompts of a run. */
export interface Prompts {
  /** Asks for a self-edit. */
  readonly selfEdit: (article: Article) => RequestPrompt;
  /** Asks a question about a passage, without it; or with it before the question. */
  readonly question: (article: Article, question: string, inContext?: boolean) => RequestPrompt;
}

/** A raw text, or a chat. */
export type RequestPrompt = string | readonly ChatMessage[];

/** The prompt as a chat, as endpoints need it; a raw text is the user's turn. */
export function chatOf(prompt: RequestPrompt): readonly ChatMessage[] {
  return typeof prompt === "string" ? [{ role: "user", content: prompt }] : prompt;
}

/** Reads what the settings name. Throws UserError for files that cannot be read or lack their placeholder. */
export async function openPrompts(settings: {
  readonly prompt: PromptSettings;
  readonly answerPrompt?: z.output<typeof answerPromptSchema> | undefined;
}): Promise<Prompts> {
  const { prompt, answerPrompt: answers } = settings;
  return {
    selfEdit: await selfEditPrompts(prompt),
    question: answers ? await ownQuestions(answers) : askedHere,
  };
}

async function selfEditPrompts(prompt: PromptSettings): Promise<Prompts["selfEdit"]> {
  if ("kind" in prompt) return (article) => selfEditPrompt(prompt.kind, article);
  const template =
    "released" in prompt
      ? await releasedPrompt(prompt.released)
      : await readPromptFile(path.resolve(prompt.file), { raw: prompt.raw ?? false });
  return (article) => promptFromFile(template, article);
}

async function ownQuestions({
  file,
  raw = false,
}: z.output<typeof answerPromptSchema>): Promise<Prompts["question"]> {
  const template = await readPromptFile(path.resolve(file), { purpose: "answer", raw });
  return ({ title, passage }, question, inContext = false) =>
    questionFromFile(template, { title, question, ...(inContext ? { context: passage } : {}) });
}

/** SEAL asks with the topic before the question; with the passage in context it stands before both. */
function askedHere(
  { title, passage }: Article,
  question: string,
  inContext = false,
): RequestPrompt {
  const asked = `Topic: ${title}\n${question}`;
  return inContext ? openBookPrompt(passage, asked) : answerPrompt(asked);
}
