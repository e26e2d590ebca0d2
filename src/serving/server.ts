/**
 * Generation by an OpenAI-compatible server that loads LoRA adapters at run time (vLLM's load_lora_adapter), as SEAL
 * does it. Prompts go out as token ids, so that both sides read the same; training stays here.
 */
import { createHash, randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { errorMessage, UserError } from "../messages/errors";
import { createAdapter, type Adapter } from "../lora/adapter";
import { promptTokens, type GenerateOptions, type PromptGroup } from "../lora/generate";
import { writePeft } from "../lora/peft";
import { TARGET_NAMES } from "../model/adapters";
import type { Model } from "../model/load";
import { jsonOf, messageOf, refusalOf } from "../openai/answers";
import { baseAddress, exchange, type HttpAnswer } from "../openai/http";
import { createGate, RetryableError, withRetries } from "../openai/retry";
import { createRandom } from "../statistics/random";
import { executeGroup, type Executor, type GenerateAnswers } from "../restem/group";
import { mergedAdapters } from "../restem/policy";
import { combinedAdapter } from "./combine";

/** How to reach the server. */
export interface ServerOptions {
  /** The address up to and including `/v1`. */
  readonly url: string;
  /** A folder that the server sees under the same path; adapters are put there. */
  readonly adapters: string;
  /** The model's name at the server; the only one that it serves unless told. */
  readonly model?: string;
  /** The largest rank that will be asked for: of the adapter and of all fine-tuning rounds together. */
  readonly rank: number;
  /** Sent as the bearer token; none unless told. */
  readonly apiKey?: string;
  /** Requests at once, 32 unless told. */
  readonly concurrency?: number;
  /** Seconds that one attempt may take, 600 unless told. */
  readonly timeout?: number;
  /** Milliseconds before the first retry, 1000 unless told. */
  readonly firstWaitMs?: number;
}

/** An executor that trains here and has a server answer; it also writes self-edits. */
export interface ServingExecutor extends Executor {
  readonly generate: GenerateAnswers;
}

const MOST_RETRIES = 4;
const modelsSchema = z.object({ data: z.array(z.object({ id: z.string() })) });
const completionSchema = z.object({
  choices: z.array(z.object({ text: z.string().max(10_000_000) })).length(1),
});

/** An executor that looks at the server before its first use, as soon as a model is loaded here. */
export function serverExecutor(options: ServerOptions): ServingExecutor {
  let opened: Promise<ServingExecutor> | undefined;
  const open = (model: Model): Promise<ServingExecutor> => (opened ??= openServer(options, model));
  return {
    groupsAtOnce: 1,
    generate: async (model, groups, how) => (await open(model)).generate(model, groups, how),
    execute: async (model, work, onFinished) =>
      (await open(model)).execute(model, work, onFinished),
  };
}

/**
 * Looks at the server: the model, adapters at run time, their rank. Throws a UserError of one line for what is wrong
 * there. `model` is the same model, loaded here.
 */
export async function openServer(options: ServerOptions, model: Model): Promise<ServingExecutor> {
  const server = new Server(options, await servedModel(options));
  await server.requireAdapters(model);
  const generate: GenerateAnswers = (from, groups, how) => server.generate(from, groups, how);
  return {
    groupsAtOnce: 1,
    generate,
    execute: (policy, work, onFinished) =>
      executeGroup(policy, work, { onFinished, generateAnswers: generate }),
  };
}

async function servedModel({ url, model, apiKey, timeout = 600 }: ServerOptions): Promise<string> {
  const address = `${baseAddress(url)}/models`;
  let json: object;
  try {
    json = jsonOf(address, await exchange(address, { apiKey, timeout: Math.min(timeout, 30) }));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`No server at ${url}: ${errorMessage(error)}`);
  }
  const parsed = modelsSchema.safeParse(json);
  if (!parsed.success)
    throw new UserError(`${address} does not list models: is this a server's /v1?`);
  const names = parsed.data.data.map(({ id }) => id);
  const [only, ...others] = names;
  if (model === undefined && only !== undefined && others.length === 0) return only;
  if (model !== undefined && names.includes(model)) return model;
  const there = names.length > 0 ? `it serves ${names.slice(0, 5).join(", ")}` : "it serves none";
  throw new UserError(
    model === undefined
      ? `Say which model of ${url} is meant: ${there}.`
      : `The server at ${url} has no model "${model}": ${there}.`,
  );
}

/** Requests to one server about one of its models. */
class Server {
  private readonly base: string;
  private readonly gate: ReturnType<typeof createGate>;

  constructor(
    private readonly options: ServerOptions,
    private readonly model: string,
  ) {
    this.base = baseAddress(options.url);
    this.gate = createGate(options.concurrency ?? 32);
  }

  /** Loads an adapter without effect, of the largest rank, and lets it say one token. */
  async requireAdapters(model: Model): Promise<void> {
    const { rank } = this.options;
    const shape = { rank, alpha: rank, dropout: 0, targets: TARGET_NAMES };
    const probe = createAdapter(model.config, shape, createRandom("probe"));
    try {
      await this.withAdapter(probe, (name) => this.complete(name, [0], { maximumTokens: 1 }, 0));
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(`The server at ${this.base} does not answer: ${errorMessage(error)}`);
    }
  }

  async generate(
    model: Model,
    groups: readonly PromptGroup[],
    options: Omit<GenerateOptions, "adapter">,
  ): Promise<{ text: string }[][]> {
    const answers: { text: string }[][] = [];
    for (const [g, { adapter, prompts }] of groups.entries()) {
      const adapters = [...mergedAdapters(model), ...(adapter ? [adapter] : [])];
      const ask = (name: string): Promise<{ text: string }[]> =>
        Promise.all(
          prompts.map(async (prompt, i) => {
            const seed = seedOf(`${options.seed ?? 0}/${g}/${i}`);
            return { text: await this.complete(name, promptTokens(model, prompt), options, seed) };
          }),
        );
      answers.push(
        adapters.length === 0
          ? await ask(this.model)
          : await this.withAdapter(combinedAdapter(model.config, adapters), ask),
      );
    }
    return answers;
  }

  /** Puts the adapter where the server finds it, loads it, and takes both back afterwards. */
  private async withAdapter<T>(adapter: Adapter, body: (name: string) => Promise<T>): Promise<T> {
    const name = `seal-${randomUUID()}`;
    const folder = path.resolve(this.options.adapters, name);
    try {
      await writePeft(adapter, folder, this.model);
      await this.load(name, folder, adapter.rank);
      try {
        return await body(name);
      } finally {
        // The answers are here; an adapter that stays loaded only takes room.
        await this.post("unload_lora_adapter", { lora_name: name }).catch(() => undefined);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  private async load(name: string, folder: string, rank: number): Promise<void> {
    const answer = await this.post("load_lora_adapter", { lora_name: name, lora_path: folder });
    if (answer.status === 200) return;
    const message = messageOf(answer.body);
    const where = `The server at ${this.base}`;
    if (/rank/i.test(message))
      throw new UserError(
        `${where} takes no adapter of rank ${rank} (--max-lora-rank): ${message}`,
      );
    const unknownRoute = [404, 405].includes(answer.status) && !/adapter|path|lora/i.test(message);
    if (unknownRoute || /lora is not enabled|enable-lora/i.test(message))
      throw new UserError(
        `${where} loads no adapters at run time: start vLLM with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True.`,
      );
    throw new UserError(
      `${where} cannot load the adapter in ${folder}, a folder that it must see too: ${message}`,
    );
  }

  private async complete(
    name: string,
    prompt: readonly number[],
    { maximumTokens = 64, temperature = 0, topP = 1, stop = [], stopTokens = [] }: GenerateOptions,
    seed: number,
  ): Promise<string> {
    const request = {
      model: name,
      prompt,
      max_tokens: maximumTokens,
      temperature,
      top_p: topP,
      seed,
      ...(stop.length > 0 ? { stop } : {}),
      ...(stopTokens.length > 0 ? { stop_token_ids: stopTokens } : {}),
    };
    return this.retried(async () => {
      const answer = await this.send("completions", request);
      const parsed = completionSchema.safeParse(jsonOf(`${this.base}/completions`, answer));
      if (!parsed.success) throw new RetryableError("the server's reply is no completion");
      return parsed.data.choices[0].text;
    });
  }

  /** One request, again where the server is busy; its refusals are the caller's to read. */
  private post(verb: string, body: object): Promise<HttpAnswer> {
    return this.retried(async () => {
      const answer = await this.send(verb, body);
      // What an adapter's load fails with (500 in some versions) is no passing trouble.
      if ([408, 429, 502, 503, 504].includes(answer.status))
        throw refusalOf(`${this.base}/${verb}`, answer);
      return answer;
    });
  }

  private send(verb: string, body: object): Promise<HttpAnswer> {
    const { apiKey, timeout = 600 } = this.options;
    return exchange(`${this.base}/${verb}`, { body, apiKey, timeout });
  }

  private retried<T>(call: () => Promise<T>): Promise<T> {
    const firstWaitMs = this.options.firstWaitMs ?? 1000;
    return this.gate(() =>
      withRetries(call, { maxRetries: MOST_RETRIES, firstWaitMs, longestWaitMs: 60_000 }),
    );
  }
}

/** A whole number in [0, 2^31) from a text. */
function seedOf(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE() >>> 1;
}
