/** Self-edits by others: a model behind an OpenAI-compatible endpoint, or a file of completions. Training on them is knowledge.ts's. */
import path from "node:path";
import { z } from "zod";
import { strictObject } from "../../schema/schema";
import { UserError } from "../../messages/errors";
import type { ChatMessage } from "../../model/types";
import { authorSelfEdits, type AuthoredSelfEdit } from "../../openai/author";
import { createOpenAiClient } from "../../openai/client";
import type { SelfEditSampling } from "../../restem/policy";
import type { Passage } from "../../tasks/squad";
import { readText, sha256OfFile } from "../../files/files";
import { resolveSealFile, SEAL_PREFIX } from "../../tasks/seal-files";

const authorName = z.string().min(1).max(60);

/** Who else writes self-edits, in a variant; each is an arm, "self-edits by NAME". */
export const authorSchema = z.discriminatedUnion("kind", [
  strictObject({
    /** A model behind an OpenAI-compatible endpoint. */
    kind: z.literal("endpoint"),
    /** What the author is called in results. */
    name: authorName,
    /** The address up to and including `/v1`. */
    baseUrl: z.string().min(1),
    /** The model's name at the endpoint. */
    model: z.string().min(1),
    /** The environment variable that holds the key; none is sent where it is not set; OPENAI_API_KEY unless told. */
    keyVariable: z.string().min(1).default("OPENAI_API_KEY"),
    /** US dollars that may be spent; no limit unless told. */
    spendingLimit: z.number().positive().optional(),
  }),
  strictObject({
    /** A file of completions. */
    kind: z.literal("file"),
    /** What the author is called in results. */
    name: authorName,
    /**
     * JSON lines, each {"passage": its text or "id": its id, "completion": …}, or a log as SEAL released them
     * (.json with articles, contexts and completions), which may be named `seal:eval/gpt4_1.json`.
     */
    path: z.string().min(1),
  }),
]);
export type Author = z.output<typeof authorSchema>;

/** The arm of an author. */
export function authorArm({ name }: Author): string {
  return `self-edits by ${name}`;
}

/** What is asked for. */
export interface AuthorRequest {
  readonly passages: readonly Passage[];
  readonly sampling: SelfEditSampling;
  readonly prompt: (passage: Passage) => readonly ChatMessage[];
}

/**
 * Self-edits of each passage by an author, [passage][index]: `sampling.count` of them, from a file at most so many. Throws
 * UserError for an endpoint that refuses, and for a file without a completion for some passage.
 */
export async function selfEditsBy(
  author: Author,
  { passages, sampling, prompt }: AuthorRequest,
): Promise<AuthoredSelfEdit[][]> {
  if (author.kind === "file") return fromFile(author.path, passages, sampling.count);
  const { baseUrl, model, keyVariable, spendingLimit } = author;
  const apiKey = process.env[keyVariable];
  const client = createOpenAiClient({
    baseUrl,
    model,
    ...(apiKey ? { apiKey } : {}),
    ...(spendingLimit === undefined ? {} : { spendingLimit }),
  });
  const { count, temperature, maximumTokens } = sampling;
  return authorSelfEdits(client, passages, {
    count,
    prompt,
    temperature,
    maxTokens: maximumTokens,
  });
}

/** The files that authors' completions come from, for the run record. */
export async function authorInputs(
  authors: readonly Author[],
): Promise<{ name: string; source: string; sha256: string }[]> {
  const files = authors.flatMap((author) => (author.kind === "file" ? [author] : []));
  return Promise.all(
    files.map(async (author) => ({
      name: path.basename(author.path),
      source: author.path.startsWith(SEAL_PREFIX)
        ? `${authorArm(author)}: ${author.path}`
        : authorArm(author),
      sha256: await sha256OfFile(await fileOf(author.path)),
    })),
  );
}

/** The file of completions that a variant names. */
async function fileOf(name: string): Promise<string> {
  return name.startsWith(SEAL_PREFIX) ? resolveSealFile(name) : path.resolve(name);
}

const lineSchema = z.union([
  strictObject({ passage: z.string().min(1), completion: z.string() }),
  strictObject({ id: z.string().min(1), completion: z.string() }),
]);

const logSchema = z.object({
  articles: z.array(
    z.object({
      context: z.string(),
      completions: z.array(z.union([z.string(), z.object({ text: z.string() })])),
    }),
  ),
});

/** Bytes of the largest file of completions. */
async function fromFile(
  file: string,
  passages: readonly Passage[],
  count: number,
): Promise<AuthoredSelfEdit[][]> {
  const place = await fileOf(file);
  const text = await readText(place, `the completions in ${place}`);
  const byPassage = file.endsWith(".json") ? ofLog(text, file) : ofLines(text, file);
  return passages.map(({ id, title, passage }) => {
    const own = byPassage.get(passage.trim()) ?? byPassage.get(`id ${id}`) ?? [];
    if (own.length === 0)
      throw new UserError(
        `${file} has no completion for the passage "${id}" (${title}); a passage is named by its whole text or by its id.`,
      );
    return own.slice(0, count).map((completion) => ({ status: "ok", text: completion }));
  });
}

function parse<T>(schema: z.ZodType<T>, text: string, where: string, expected: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new UserError(`${where}: expected ${expected}.`);
  }
}

function ofLines(text: string, file: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  text.split("\n").forEach((line, l) => {
    if (line.trim() === "") return;
    const expected = '{"passage": …, "completion": …} or {"id": …, "completion": …}';
    const read = parse(lineSchema, line, `${file}, line ${l + 1}`, expected);
    const key = "id" in read ? `id ${read.id}` : read.passage.trim();
    found.set(key, [...(found.get(key) ?? []), read.completion]);
  });
  return found;
}

function ofLog(text: string, file: string): Map<string, string[]> {
  const expected = 'SEAL\'s form, {"articles": [{"context": …, "completions": [{"text": …}]}]}';
  const { articles } = parse(logSchema, text, file, expected);
  return new Map(
    articles.map(({ context, completions }) => [
      context.trim(),
      completions.map((completion) =>
        typeof completion === "string" ? completion : completion.text,
      ),
    ]),
  );
}
