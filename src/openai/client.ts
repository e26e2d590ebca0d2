/** A client for any OpenAI-compatible chat endpoint: checked replies, retries, a concurrency and a spending limit. */
import { z } from "zod";
import { UserError } from "../messages/errors";
import type { ChatMessage } from "../model/types";
import { costOf, countRequestTokens, listPrice, PRICES_AS_OF, type Price } from "./prices";
import { baseAddress, exchange, refusalOf } from "./http";
import { createGate, RetryableError, withRetries } from "./retry";

/** How to reach the endpoint, and what may be spent there. */
export interface OpenAiOptions {
  /** The address up to and including `/v1`, e.g. `https://api.openai.com/v1` or `http://localhost:8000/v1`. */
  readonly baseUrl: string;
  /** The model's name at the endpoint. */
  readonly model: string;
  /** Sent as the bearer token; none unless told. */
  readonly apiKey?: string;
  /** Calls at once, 8 unless told. */
  readonly concurrency?: number;
  /** Retries of one call after 408, 409, 425, 429, 5xx, a cut connection, a time-out or an unreadable reply; 4 unless told. */
  readonly maxRetries?: number;
  /** Seconds that one attempt may take, 60 unless told. */
  readonly timeout?: number;
  /** US dollars that this client may spend; no limit unless told. */
  readonly spendingLimit?: number;
  /** US dollars for a million tokens; the list price unless told. */
  readonly price?: Price;
  /** Milliseconds before the first retry, 1000 unless told. */
  readonly firstWaitMs?: number;
  /** Called before each retry, with what went wrong; nothing is called unless told. */
  readonly onRetry?: (reason: string) => void;
}

/** One call. */
export interface ChatRequest {
  /** The conversation so far. */
  readonly messages: readonly ChatMessage[];
  /** Most tokens of the reply. */
  readonly maxTokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
}

/** What a batch of calls may cost at most: every reply at its longest. */
export interface CostEstimate {
  /** Number of calls. */
  readonly calls: number;
  /** Tokens sent, in all calls. */
  readonly inputTokens: number;
  /** Tokens received at most, in all calls. */
  readonly outputTokens: number;
  /** US dollars at most; undefined where the model has no known price. */
  readonly dollars?: number;
}

/** The client. It holds no connection; nothing needs closing. */
export interface OpenAiClient {
  /** The model's name at the endpoint. */
  readonly model: string;
  /** The reply's text. Throws after the last retry; UserError where the endpoint refuses the key, the model or the address. */
  complete(request: ChatRequest): Promise<string>;
  /** What the requests may cost at most; nothing is sent. */
  estimate(requests: readonly ChatRequest[]): Promise<CostEstimate>;
  /** Throws UserError, before anything is sent, where the requests might exceed what is left of the spending limit. */
  requireAffordable(requests: readonly ChatRequest[]): Promise<CostEstimate>;
  /** Dollars spent so far by the endpoint's own count of tokens. */
  spent(): number;
}

const replySchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }).optional(),
});

const LONGEST_WAIT_MS = 60_000;

/** Makes a client. Throws UserError for an address that is not one, or a spending limit without a price. */
export function createOpenAiClient(options: OpenAiOptions): OpenAiClient {
  const address = `${baseAddress(options.baseUrl)}/chat/completions`;
  const price = options.price ?? listPrice(options.model);
  if (options.spendingLimit !== undefined && !price) {
    throw new UserError(
      `There is no list price (as of ${PRICES_AS_OF}) for the model ${options.model}, so that a spending limit cannot be kept.\n` +
        "Give its price per million tokens, or no limit.",
    );
  }
  const gate = createGate(options.concurrency ?? 8);
  let spent = 0;

  const estimate = async (requests: readonly ChatRequest[]): Promise<CostEstimate> => {
    const tokens = await Promise.all(requests.map(({ messages }) => countRequestTokens(messages)));
    const inputTokens = tokens.reduce((sum, count) => sum + count, 0);
    const outputTokens = requests.reduce((sum, { maxTokens }) => sum + maxTokens, 0);
    const dollars = price && costOf(price, inputTokens, outputTokens);
    return {
      calls: requests.length,
      inputTokens,
      outputTokens,
      ...(dollars !== undefined && { dollars }),
    };
  };

  const requireAffordable = async (requests: readonly ChatRequest[]): Promise<CostEstimate> => {
    const cost = await estimate(requests);
    const left = (options.spendingLimit ?? Infinity) - spent;
    if ((cost.dollars ?? 0) > left) {
      throw new UserError(
        `${cost.calls} calls to ${options.model} may cost $${(cost.dollars ?? 0).toFixed(4)}; $${left.toFixed(4)} of the spending limit is left.\n` +
          "Nothing was sent. Raise the limit, or ask for less.",
      );
    }
    return cost;
  };

  let refusal: UserError | undefined;
  /** Calls that still wait when the endpoint refuses one (a wrong key, say) would all be refused: they are not sent. */
  const send = async (request: ChatRequest): ReturnType<typeof attempt> => {
    if (refusal) throw refusal;
    try {
      return await attempt(address, options, request);
    } catch (error) {
      if (error instanceof UserError) refusal = error;
      throw error;
    }
  };

  const complete = async (request: ChatRequest): Promise<string> => {
    const { text, usage } = await gate(() =>
      withRetries(() => send(request), {
        maxRetries: options.maxRetries ?? 4,
        firstWaitMs: options.firstWaitMs ?? 1000,
        longestWaitMs: LONGEST_WAIT_MS,
        onRetry: ({ message }) => options.onRetry?.(message),
      }),
    );
    if (price) {
      const input = usage?.prompt_tokens ?? (await countRequestTokens(request.messages));
      spent += costOf(price, input, usage?.completion_tokens ?? request.maxTokens);
    }
    return text;
  };

  return { model: options.model, complete, estimate, requireAffordable, spent: () => spent };
}

async function attempt(
  address: string,
  { model, apiKey, timeout = 60 }: OpenAiOptions,
  { messages, maxTokens, temperature }: ChatRequest,
): Promise<{ text: string; usage?: z.infer<typeof replySchema>["usage"] }> {
  const answer = await exchange(address, {
    body: { model, messages, max_tokens: maxTokens, temperature },
    apiKey,
    timeout,
  });
  const { status, body } = answer;
  if (status === 200) return readReply(body);
  if (status === 404 || status === 401 || status === 403)
    throw new UserError(
      `${address} answered HTTP ${status}: check the base URL, the model (${model}) and the key.`,
    );
  throw refusalOf(address, answer);
}

function readReply(body: string): { text: string; usage?: z.infer<typeof replySchema>["usage"] } {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw new RetryableError(`unreadable reply: ${body.slice(0, 80)}`);
  }
  const reply = replySchema.safeParse(json);
  if (!reply.success)
    throw new RetryableError(`unexpected reply: ${reply.error.issues[0].message}`);
  return { text: reply.data.choices[0].message.content, usage: reply.data.usage };
}
