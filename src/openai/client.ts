/** A client for any OpenAI-compatible chat endpoint: checked replies, retries, a concurrency and a spending limit. */
import { UserError } from "../messages/errors";
import { costOf, countRequestTokens, listPrice, PRICES_AS_OF, type Price } from "./prices";
import { jsonOf } from "./answers";
import { baseAddress, exchange } from "./http";
import { readReply, type ChatReply, type Usage } from "./reply";
import { adaptedForm, requestBody, type ChatRequest, type RequestForm } from "./request";
import { createGate, withRetries } from "./retry";

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
  /** Called with what the user should know, such as a setting that the endpoint does not take; nothing is called unless told. */
  readonly onNotice?: (notice: string) => void;
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

/** What was spent so far. */
export interface Spending {
  /** US dollars by the endpoint's own counts of tokens; undefined where the model has no known price. */
  readonly dollars?: number;
  /** Replies whose tokens the endpoint did not count: what they cost is not known, and not in `dollars`. */
  readonly uncounted: number;
}

/** The client. It holds no connection; nothing needs closing. */
export interface OpenAiClient {
  /** The model's name at the endpoint. */
  readonly model: string;
  /**
   * The reply, without a thinking model's thoughts. Throws after the last retry; UserError, in the endpoint's words, where
   * it refuses the request (a wrong key, a setting that it does not take, no money left): then nothing more is sent.
   */
  complete(request: ChatRequest): Promise<ChatReply>;
  /** What the requests may cost at most; nothing is sent. */
  estimate(requests: readonly ChatRequest[]): Promise<CostEstimate>;
  /** Throws UserError, before anything is sent, where the requests might exceed what is left of the spending limit. */
  requireAffordable(requests: readonly ChatRequest[]): Promise<CostEstimate>;
  /** What was spent so far. */
  spent(): Spending;
}

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
  let [counted, atMost, uncounted] = [0, 0, 0];

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
    const left = (options.spendingLimit ?? Infinity) - counted - atMost;
    if ((cost.dollars ?? 0) > left) {
      throw new UserError(
        `${cost.calls} calls to ${options.model} may cost $${(cost.dollars ?? 0).toFixed(4)}; $${left.toFixed(4)} of the spending limit is left.\n` +
          "Nothing was sent. Raise the limit, or ask for less.",
      );
    }
    return cost;
  };

  const post = adaptingPost(address, options);
  let refusal: UserError | undefined;
  /** Calls that still wait when the endpoint refuses one would all be refused: they are not sent. */
  const send = async (request: ChatRequest): ReturnType<typeof post> => {
    if (refusal) throw refusal;
    try {
      return await post(request);
    } catch (error) {
      if (error instanceof UserError) refusal = error;
      throw error;
    }
  };

  const complete = async (request: ChatRequest): Promise<ChatReply> => {
    const { reply, usage } = await gate(() =>
      withRetries(() => send(request), {
        maxRetries: options.maxRetries ?? 4,
        firstWaitMs: options.firstWaitMs ?? 1000,
        longestWaitMs: LONGEST_WAIT_MS,
        onRetry: ({ message }) => options.onRetry?.(message),
      }),
    );
    if (usage) counted += price ? costOf(price, usage.inputTokens, usage.outputTokens) : 0;
    else {
      uncounted++;
      const input = await countRequestTokens(request.messages);
      atMost += price ? costOf(price, input, request.maxTokens) : 0;
    }
    return reply;
  };

  const spent = (): Spending => ({ ...(price ? { dollars: counted } : {}), uncounted });
  return { model: options.model, complete, estimate, requireAffordable, spent };
}

/** Posts requests in the form that the endpoint takes: what it refuses is found out once. */
function adaptingPost(
  address: string,
  { model, apiKey, timeout = 60, onNotice }: OpenAiOptions,
): (request: ChatRequest) => Promise<{ reply: ChatReply; usage?: Usage }> {
  let form: RequestForm = { limit: "max_tokens", temperature: true };
  return async (request) => {
    for (;;) {
      const sent = form;
      const body = requestBody(model, request, sent);
      const answer = await exchange(address, { body, apiKey, timeout });
      const adapted = adaptedForm(sent, request, answer);
      if (!adapted) return readReply(jsonOf(address, answer), request.maxTokens);
      // Calls at the same time find the same out; it is told once.
      const { limit, temperature } = { ...form, ...adapted.change };
      if (limit !== form.limit || temperature !== form.temperature) onNotice?.(adapted.notice);
      form = { limit, temperature };
    }
  };
}
