/** Self-edits by others: a model behind an OpenAI-compatible endpoint, or a file of completions. Training on them is knowledge.ts's. */
import path from "node:path";
import { z } from "zod";
import { strictObject } from "../../schema/schema";
import { UserError } from "../../messages/errors";
import type { ChatMessage } from "../../model/types";
import { asSelfEdit, authorSelfEdits, type AuthoredSelfEdit } from "../../openai/author";
import { createOpenAiClient, type OpenAiClient } from "../../openai/client";
import type { SelfEditSampling } from "../../restem/policy";
import type { Passage } from "../../tasks/squad";
import { sha256OfFile } from "../../files/files";
import { parseJson, parseJsonLines, readText } from "../../files/text";
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
    /** US dollars that a run, or its going on after a stop, may spend; no limit unless told. */
    spendingLimit: z.number().positive().optional(),
    /** Tokens of a reply, a thinking model's thoughts among them; the sampling's unless told. */
    maximumTokens: z.int().min(1).max(131_072).optional(),
    /** Seconds that one attempt may take; 60 unless told. */
    timeout: z.number().positive().max(3600).optional(),
  }),
  strictObject({
    /** A file of completions. */
    kind: z.literal("file"),
    /** What the author is called in results. */
    name: authorName,
    /**
     * JSON lines, each {"passage": its text or "id": its id, "completion": …} (further columns are not read), or a log as
     * SEAL released them (.json with articles, contexts and completions), which may be named `seal:eval/gpt4_1.json`.
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
  /** Lines for the user about the endpoint; silent unless told. */
  readonly log?: (line: string) => void;
}

/**
 * Self-edits of each passage by an author, [passage][index]: `sampling.count` of them, from a file at most so many. Throws
 * UserError for an endpoint that refuses, and for a file without a completion for some passage.
 */
export async function selfEditsBy(
  author: Author,
  { passages, sampling, prompt, log }: AuthorRequest,
): Promise<AuthoredSelfEdit[][]> {
  if (author.kind === "file") return fromFile(author.path, passages, sampling.count);
  const { count, temperature } = sampling;
  const maxTokens = author.maximumTokens ?? sampling.maximumTokens;
  return authorSelfEdits(clientOf(author, log), passages, {
    count,
    prompt,
    temperature,
    maxTokens,
  });
}

type Endpoint = Extract<Author, { kind: "endpoint" }>;
/** One client for all batches of a run: what it may spend, and what it found out of the endpoint, hold for all of them. */
const clients = new WeakMap<Endpoint, OpenAiClient>();

function clientOf(author: Endpoint, log?: (line: string) => void): OpenAiClient {
  const { name, baseUrl, model, keyVariable, spendingLimit, timeout } = author;
  const apiKey = process.env[keyVariable];
  const client =
    clients.get(author) ??
    createOpenAiClient({
      baseUrl,
      model,
      onNotice: (notice) => log?.(`${name}: ${notice}`),
      ...(apiKey ? { apiKey } : {}),
      ...(spendingLimit === undefined ? {} : { spendingLimit }),
      ...(timeout === undefined ? {} : { timeout }),
    });
  clients.set(author, client);
  return client;
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

const lineSchema = z
  .object({
    passage: z.string().min(1).optional(),
    id: z.string().min(1).optional(),
    completion: z.string(),
  })
  .refine(({ passage, id }) => passage !== undefined || id !== undefined);

const logSchema = z.object({
  articles: z.array(
    z.object({
      context: z.string(),
      completions: z.array(z.union([z.string(), z.object({ text: z.string() })])),
    }),
  ),
});

async function fromFile(
  file: string,
  passages: readonly Passage[],
  count: number,
): Promise<AuthoredSelfEdit[][]> {
  const place = await fileOf(file);
  const text = await readText(place, { name: `the completions in ${place}` });
  const byPassage = file.endsWith(".json") ? ofLog(text, file) : ofLines(text, file);
  return passages.map(({ id, title, passage }) => {
    const own = byPassage.get(passage.trim()) ?? byPassage.get(`id ${id}`) ?? [];
    if (own.length === 0)
      throw new UserError(
        `${file} has no completion for the passage "${id}" (${title}); a passage is named by its whole text or by its id.`,
      );
    return own.slice(0, count).map(asSelfEdit);
  });
}

function checked<T>(schema: z.ZodType<T>, value: unknown, where: string, expected: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new UserError(`${where}: expected ${expected}.`);
}

function ofLines(text: string, file: string): Map<string, string[]> {
  const expected = '{"passage": …, "completion": …} or {"id": …, "completion": …}, each a text';
  const found = new Map<string, string[]>();
  for (const { value, where } of parseJsonLines(text, file)) {
    const { passage, id, completion } = checked(lineSchema, value, where, expected);
    for (const key of [passage?.trim(), id === undefined ? undefined : `id ${id}`])
      if (key !== undefined) found.set(key, [...(found.get(key) ?? []), completion]);
  }
  return found;
}

function ofLog(text: string, file: string): Map<string, string[]> {
  const expected = 'SEAL\'s form, {"articles": [{"context": …, "completions": [{"text": …}]}]}';
  const { articles } = checked(logSchema, parseJson(text, file), file, expected);
  return new Map(
    articles.map(({ context, completions }) => [
      context.trim(),
      completions.map((completion) =>
        typeof completion === "string" ? completion : completion.text,
      ),
    ]),
  );
}
