/** A model behind an endpoint as judge: SEAL's form of grading, each verdict kept on disk as soon as it is given. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { errorMessage, UserError } from "../messages/errors";
import type { ChatMessage } from "../model/types";
import type { CostEstimate, OpenAiClient } from "../openai/client";
import type { ChatRequest } from "../openai/request";
import { canonicalJson, sha256OfText, writeFileAtomic } from "../files/files";
import { groupBy } from "../statistics/groups";
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
  /** Inputs left ungraded: the call failed, or the reply was cut, no answer, or neither yes nor no. */
  readonly ungraded: number;
  /** Why calls gave no verdict, the most frequent reason first; like ones are counted together. */
  readonly reasons: readonly {
    /** In words. */
    readonly reason: string;
    /** How many calls. */
    readonly count: number;
  }[];
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

/** Tokens for "yes" or "no", and a little for models that add a full stop. Thinking models need some thousand. */
export const REPLY_TOKENS = 8;

/** Options of `createModelJudge`. */
export interface ModelJudgeOptions {
  /** Folder of the verdicts given so far. */
  readonly cacheDirectory: string;
  /** Tokens of a reply at most, a thinking model's thoughts among them; 8 (`REPLY_TOKENS`) unless told. */
  readonly replyTokens?: number;
}

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

/**
 * A judge by `client`'s model, with its verdicts below `cacheDirectory`: one file each, named by the hash of model,
 * prompt and temperature (not of the address, which may change between runs, nor of the limit on tokens, as a reply that
 * it cut gives no verdict). Only verdicts are kept: what was left ungraded is asked again next time. A blank answer is
 * wrong and not asked about, as in SEAL's TTT_server.py.
 */
export function createModelJudge(
  client: OpenAiClient,
  { cacheDirectory, replyTokens = REPLY_TOKENS }: ModelJudgeOptions,
): ModelJudge {
  const requestFor = (input: JudgeInput): ChatRequest => ({
    messages: gradingPrompt(input),
    maxTokens: replyTokens,
    temperature: 0,
  });
  const fileOf = ({ messages, temperature }: ChatRequest): string => {
    const key = sha256OfText(canonicalJson({ model: client.model, messages, temperature }));
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
    const reasons = await askAll(client, missing, known, onAnswer);
    const verdicts = files.map((file) =>
      file === undefined ? "wrong" : (known.get(file) ?? "ungraded"),
    );
    return {
      verdicts,
      asked: missing.length,
      cached,
      ungraded: verdicts.filter((v) => v === "ungraded").length,
      reasons: counted(reasons),
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

/** Why each call without a verdict has none. All settle before a refusal is thrown, so that verdicts under way are kept too. */
async function askAll(
  client: OpenAiClient,
  missing: readonly (readonly [string, ChatRequest])[],
  known: Map<string, Verdict>,
  onAnswer?: () => void,
): Promise<string[]> {
  let refusal: UserError | undefined;
  const reasons: string[] = [];
  const ask = async ([file, request]: readonly [string, ChatRequest]): Promise<void> => {
    const graded = await grade(client, request);
    onAnswer?.();
    if (graded instanceof UserError) refusal = graded;
    else if ("reason" in graded) reasons.push(graded.reason);
    else {
      await writeFileAtomic(file, `${JSON.stringify(graded)}\n`);
      known.set(file, graded.verdict);
    }
  };
  await Promise.all(missing.map(ask));
  if (refusal) throw refusal;
  return reasons;
}

type Graded = { readonly verdict: Verdict } | { readonly reason: string };

async function grade(client: OpenAiClient, request: ChatRequest): Promise<Graded | UserError> {
  try {
    const { text, cut, problem } = await client.complete(request);
    if (problem !== undefined) return { reason: `the reply ${problem}` };
    if (cut) return { reason: `the reply was cut at ${request.maxTokens} tokens` };
    const verdict = parseVerdict(text);
    if (verdict !== "ungraded") return { verdict };
    return { reason: `the reply is neither yes nor no: ${JSON.stringify(text.slice(0, 60))}` };
  } catch (error) {
    return error instanceof UserError ? error : { reason: errorMessage(error) };
  }
}

/** Reasons that differ only in what they quote or in long numbers (of requests, say) are one; the first stands for all. */
function counted(reasons: readonly string[]): { reason: string; count: number }[] {
  const likes = groupBy(reasons, (reason) =>
    reason.replace(/"(?:[^"\\]|\\.)*"|\b(?=[\w-]{4})[\w-]*\d[\w-]*/g, ""),
  );
  return [...likes.values()]
    .map((group) => ({ reason: group[0], count: group.length }))
    .sort((a, b) => b.count - a.count);
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
