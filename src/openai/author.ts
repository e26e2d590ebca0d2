/** A model behind an endpoint as the author of self-edits (SEAL's GPT-4.1 baseline). */
import { selfEditPrompt, type Article, type SelfEditKind } from "../selfedit/prompts";
import { errorMessage, UserError } from "../messages/errors";
import type { ChatMessage } from "../model/types";
import type { OpenAiClient } from "./client";
import type { ChatRequest } from "./request";
import { withoutThoughts } from "./thoughts";

/** How many self-edits, what is asked, and how they are sampled. */
export interface AuthorOptions<A extends Article = Article> {
  /** Self-edits for each passage. */
  readonly count: number;
  /** A kind of self-edit, or the messages for a passage. */
  readonly prompt: SelfEditKind | ((passage: A) => readonly ChatMessage[]);
  /** 1, as SEAL samples. */
  readonly temperature?: number;
  /** Tokens of one self-edit at most, a thinking model's thoughts among them; 1024. */
  readonly maxTokens?: number;
}

/** A self-edit, or why there is none. */
export type AuthoredSelfEdit =
  | { readonly status: "ok"; readonly text: string }
  | { readonly status: "failed"; readonly reason: string };

/**
 * Asks for `count` self-edits of each passage: [passage][self-edit]. A call that failed in
 * the end is "failed" in its place. Throws UserError, before anything is sent, where the
 * client's spending limit might be exceeded, and where the endpoint refuses the client.
 */
export async function authorSelfEdits<A extends Article>(
  client: OpenAiClient,
  passages: readonly A[],
  { count, prompt, temperature = 1, maxTokens = 1024 }: AuthorOptions<A>,
): Promise<AuthoredSelfEdit[][]> {
  const requests = passages.map((passage) =>
    Array.from({ length: count }, (): ChatRequest => ({
      messages: typeof prompt === "string" ? selfEditPrompt(prompt, passage) : prompt(passage),
      maxTokens,
      temperature,
    })),
  );
  await client.requireAffordable(requests.flat());
  return Promise.all(
    requests.map((own) => Promise.all(own.map((request) => author(client, request)))),
  );
}

/** A completion as a self-edit: thoughts are no part of it, and one without anything else is "failed". */
export function asSelfEdit(completion: string): AuthoredSelfEdit {
  const { text, problem } = withoutThoughts(completion);
  if (text.trim() !== "") return { status: "ok", text };
  return { status: "failed", reason: `the completion ${problem ?? "is empty"}` };
}

async function author(client: OpenAiClient, request: ChatRequest): Promise<AuthoredSelfEdit> {
  try {
    const { text, problem } = await client.complete(request);
    if (problem !== undefined) return { status: "failed", reason: `the reply ${problem}` };
    return { status: "ok", text: text.trim() };
  } catch (error) {
    if (error instanceof UserError) throw error;
    return { status: "failed", reason: errorMessage(error) };
  }
}
