/** A model behind an endpoint as judge: SEAL's form of grading, each verdict kept on disk as soon as it is given. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { UserError } from "../messages/errors";
import type { ChatMessage } from "../model/types";
import type { ChatRequest, CostEstimate, OpenAiClient } from "../openai/client";
import { canonicalJson, sha256OfText, writeFileAtomic } from "../files/files";
import type { JudgeInput } from "./lexical";
import type { Verdict } from "./verdict";

/** What a batch of judgements came to. */
export interface ModelJudgement {
  /** In the order of the inputs. */
  readonly verdicts: Verdict[];
  /** Answers that were sent to the model; equal ones are sent once. */
  readonly asked: number;
  /** Verdicts found on disk. */
  readonly cached: number;
  /** Inputs left ungraded: the call failed, or the reply was neither yes nor no. */
  readonly ungraded: number;
}

/** A judge that asks a model. */
export interface ModelJudge {
  /** What the verdicts that are not on disk yet may cost at most. */
  estimate(inputs: readonly JudgeInput[]): Promise<CostEstimate>;
  /**
   * Throws UserError, before anything is sent, where the spending limit might be exceeded.
   * `onAnswer` is called after each call, failed or not.
   */
  judge(inputs: readonly JudgeInput[], onAnswer?: () => void): Promise<ModelJudgement>;
}

/** Tokens for "yes" or "no", and a little for models that add a full stop. */
const REPLY_TOKENS = 8;

/** The request for one verdict: question, gold answer and answer; yes or no. In this project's own words. */
export function gradingPrompt({ question, gold, answer }: JudgeInput): ChatMessage[] {
  const golds = typeof gold === "string" ? gold : gold.join(" / ");
  return [
    {
      role: "user",
      content:
        "You grade a student's answer to a question. Judge it by the gold answer alone, not by what you know yourself. " +
        "The student's answer may say more, but it must convey the whole gold answer and must not contradict it. " +
        "Wording and style do not matter. Where several gold answers are given, separated by slashes, one of them suffices. " +
        "Reply with yes or no and nothing else.\n\n" +
        `Question: ${question}\nGold answer: ${golds}\nStudent's answer: ${answer.trim()}\nIs the student's answer correct?`,
    },
  ];
}

/** The verdict in a reply: one of yes and no, as a word; ungraded where it has both or neither. */
export function parseVerdict(reply: string): Verdict {
  const [yes, no] = [/\byes\b/i.test(reply), /\bno\b/i.test(reply)];
  if (yes === no) return "ungraded";
  return yes ? "correct" : "wrong";
}

/** Options of `createModelJudge`. */
export interface ModelJudgeOptions {
  /** Folder of the verdicts given so far. */
  readonly cacheDirectory: string;
}

/**
 * A judge by `client`'s model, with its verdicts below `cacheDirectory`: one file each, named by
 * the hash of model, prompt and settings (not of the address, which may change between runs).
 * Only verdicts are kept: what was left ungraded is asked again next time. A blank answer is
 * wrong and not asked about, as in SEAL's TTT_server.py.
 */
export function createModelJudge(
  client: OpenAiClient,
  { cacheDirectory }: ModelJudgeOptions,
): ModelJudge {
  const fileOf = (request: ChatRequest): string => {
    const key = sha256OfText(canonicalJson({ model: client.model, ...request }));
    return path.join(cacheDirectory, key.slice(0, 2), `${key}.json`);
  };
  /** The file of each input (none for a blank answer), the verdicts on disk, and what is missing. */
  const lookUp = async (inputs: readonly JudgeInput[]): Promise<LookUp> => {
    const files = inputs.map((input) =>
      input.answer.trim() === "" ? undefined : fileOf(requestFor(input)),
    );
    const requests = new Map(
      files.flatMap((file, i) =>
        file === undefined ? [] : [[file, requestFor(inputs[i])] as const],
      ),
    );
    const known = new Map<string, Verdict>();
    for (const file of requests.keys()) {
      const kept = await readVerdict(file);
      if (kept) known.set(file, kept);
    }
    return { files, known, missing: [...requests].filter(([file]) => !known.has(file)) };
  };
  const judge: ModelJudge["judge"] = async (inputs, onAnswer) => {
    const { files, known, missing } = await lookUp(inputs);
    const cached = files.filter((file) => file !== undefined && known.has(file)).length;
    await client.requireAffordable(missing.map(([, request]) => request));
    await askAll(client, missing, known, onAnswer);
    const verdicts = files.map((file) =>
      file === undefined ? "wrong" : (known.get(file) ?? "ungraded"),
    );
    return {
      verdicts,
      asked: missing.length,
      cached,
      ungraded: verdicts.filter((v) => v === "ungraded").length,
    };
  };
  const estimate = async (inputs: readonly JudgeInput[]): Promise<CostEstimate> =>
    client.estimate((await lookUp(inputs)).missing.map(([, request]) => request));
  return { judge, estimate };
}

interface LookUp {
  readonly files: readonly (string | undefined)[];
  readonly known: Map<string, Verdict>;
  readonly missing: readonly (readonly [file: string, request: ChatRequest])[];
}

function requestFor(input: JudgeInput): ChatRequest {
  return { messages: gradingPrompt(input), maxTokens: REPLY_TOKENS, temperature: 0 };
}

/** All settle before a refusal is thrown, so that verdicts already under way are kept too. */
async function askAll(
  client: OpenAiClient,
  missing: readonly (readonly [string, ChatRequest])[],
  known: Map<string, Verdict>,
  onAnswer?: () => void,
): Promise<void> {
  let refusal: UserError | undefined;
  const ask = async ([file, request]: readonly [string, ChatRequest]): Promise<void> => {
    const verdict = await replyTo(client, request);
    onAnswer?.();
    if (verdict instanceof UserError) refusal = verdict;
    else if (verdict !== "ungraded") {
      await writeFileAtomic(file, `${JSON.stringify({ verdict })}\n`);
      known.set(file, verdict);
    }
  };
  await Promise.all(missing.map(ask));
  if (refusal) throw refusal;
}

async function replyTo(client: OpenAiClient, request: ChatRequest): Promise<Verdict | UserError> {
  try {
    return parseVerdict(await client.complete(request));
  } catch (error) {
    return error instanceof UserError ? error : "ungraded";
  }
}

const verdictSchema = z.object({ verdict: z.enum(["correct", "wrong"]) });

/** A kept verdict; undefined where there is none, or a file that is not one. */
async function readVerdict(file: string): Promise<Verdict | undefined> {
  try {
    return verdictSchema.parse(JSON.parse(await readFile(file, "utf8"))).verdict;
  } catch {
    return undefined;
  }
}
