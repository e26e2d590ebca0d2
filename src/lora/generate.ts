/** Text generation for people: prompts as text, chats or ids, with no adapter, one, or one for each group of prompts. */
import { free } from "../engine/scope";
import { createRandom } from "../statistics/random";
import type { LayerAdapters } from "../model/adapters";
import { renderChat } from "../model/chat";
import { generateRows, type FinishReason } from "../model/generation";
import { textOf, type Model } from "../model/load";
import type { ChatMessage } from "../model/types";
import type { Adapter } from "./adapter";
import { layerAdapters, stackAdapters, stackScaling, stackShape, type StackTensors } from "./stack";

/** Plain text, a conversation (rendered by the model's chat template), or token ids. */
export type Prompt = string | readonly ChatMessage[] | readonly number[];

/** Options of `generate`. */
export interface GenerateOptions {
  readonly adapter?: Adapter;
  /** Most new tokens, 64 unless told. */
  readonly maximumTokens?: number;
  /** 0, the default, is greedy. */
  readonly temperature?: number;
  readonly topP?: number;
  /** Prompt i draws from a generator seeded with this and i. */
  readonly seed?: number | string;
  /** Texts that end an answer; they are cut off. */
  readonly stop?: readonly string[];
  /** Further tokens that end an answer, beside the model's own. */
  readonly stopTokens?: readonly number[];
  /** The tokens that may follow an answer's tokens so far (constrained decoding); any, where undefined. */
  readonly allowed?: (tokens: readonly number[]) => readonly number[] | undefined;
  /** Rows decoded at once, 64 unless told. */
  readonly batchRows?: number;
  /** Called with the text so far of prompt `index` of group `group`. */
  readonly onText?: (text: string, index: number, group: number) => void;
}

/** One answer. */
export interface Generated {
  readonly text: string;
  readonly tokens: readonly number[];
  readonly promptTokens: number;
  readonly finish: FinishReason;
}

/** Prompts that share an adapter. */
export interface PromptGroup {
  readonly adapter?: Adapter;
  readonly prompts: readonly Prompt[];
}

/** Continues every prompt. Rows are decoded together and stop on their own. */
export async function generate(
  model: Model,
  prompts: readonly Prompt[],
  options: GenerateOptions = {},
): Promise<Generated[]> {
  if (prompts.length === 0) return [];
  const { adapter } = options;
  const [answers] = await generateGroups(
    model,
    [{ ...(adapter ? { adapter } : {}), prompts }],
    options,
  );
  return answers;
}

/** Continues the prompts of several adapters at once; either every group has an adapter or none has. */
export async function generateGroups(
  model: Model,
  groups: readonly PromptGroup[],
  options: Omit<GenerateOptions, "adapter"> = {},
): Promise<Generated[][]> {
  const rows = groups.map(({ prompts }) => prompts.map((prompt) => promptTokens(model, prompt)));
  const answers: Generated[][] = groups.map(() => []);
  const batchRows = Math.max(1, options.batchRows ?? 64);
  const together = Math.min(groups.length, batchRows);
  for (let first = 0; first < groups.length; first += together) {
    const members = groups.slice(first, first + together);
    const own = rows.slice(first, first + together);
    const adapters = stackedViews(model, members);
    try {
      const perGroup = Math.max(1, Math.floor(batchRows / members.length));
      const longest = Math.max(...own.map((group) => group.length));
      for (let start = 0; start < longest; start += perGroup) {
        const batch = own.map((group) => group.slice(start, start + perGroup));
        const generated = await decode(model, adapters?.layers, batch, options, first, start);
        generated.forEach((group, g) => answers[first + g].push(...group));
      }
    } finally {
      adapters?.dispose();
    }
  }
  return answers;
}

/** Token ids of a prompt; chats end where the assistant's answer begins. */
export function promptTokens(model: Model, prompt: Prompt): readonly number[] {
  if (typeof prompt === "string")
    return textOf(model).tokenizer.encode(prompt, { addSpecial: true });
  if (prompt.length === 0 || typeof prompt[0] === "number") return prompt as readonly number[];
  return textOf(model).tokenizer.encode(chatText(model, prompt as readonly ChatMessage[]));
}

/** A conversation as the model's text; without a template, the contents with blank lines between. */
export function chatText(model: Model, messages: readonly ChatMessage[]): string {
  const { chatTemplate, bosToken, eosToken } = textOf(model);
  if (!chatTemplate) return `${messages.map((message) => message.content).join("\n\n")}\n\n`;
  return renderChat(chatTemplate, messages, {
    addGenerationPrompt: true,
    ...(bosToken ? { bosToken } : {}),
    ...(eosToken ? { eosToken } : {}),
  });
}

/** The views of stacked adapters for a forward pass, and how to free them. */
export function viewAdapters(
  model: Model,
  adapters: readonly Adapter[],
): { layers: LayerAdapters[]; dispose: () => void } {
  const shape = stackShape(model.config, adapters);
  const tensors: StackTensors = stackAdapters(shape, adapters);
  const scaling = stackScaling(adapters);
  const layers = Array.from({ length: shape.layers }, (_, l) =>
    layerAdapters(shape, tensors, scaling, l),
  );
  return { layers, dispose: () => free(layers, tensors) };
}

function stackedViews(
  model: Model,
  groups: readonly PromptGroup[],
): { layers: LayerAdapters[]; dispose: () => void } | undefined {
  const adapters = groups.flatMap(({ adapter }) => (adapter ? [adapter] : []));
  if (adapters.length === 0) return undefined;
  if (adapters.length !== groups.length)
    throw new Error("Groups with and without an adapter cannot be decoded together.");
  return viewAdapters(model, adapters);
}

async function decode(
  model: Model,
  layers: LayerAdapters[] | undefined,
  batch: readonly (readonly (readonly number[])[])[],
  options: Omit<GenerateOptions, "adapter">,
  firstGroup: number,
  start: number,
): Promise<Generated[][]> {
  const merged = layers ? batch : [batch.flat()];
  const { stop = [], seed = 0, onText, allowed } = options;
  const tokenizer = model.text?.tokenizer;
  const textSoFar = (tokens: readonly number[]): string =>
    tokenizer?.decode(tokens, { skipSpecial: true }) ?? "";
  const watched = stop.length > 0 || onText !== undefined;
  const place = placeOf(batch, layers !== undefined);
  const generated = await generateRows(model, layers, merged, {
    maximumTokens: options.maximumTokens ?? 64,
    temperature: options.temperature ?? 0,
    topP: options.topP ?? 1,
    stopTokens: new Set([...model.config.eosTokenIds, ...(options.stopTokens ?? [])]),
    random: (k, r) => {
      const { group, index } = place(k, r);
      return createRandom(`${seed}/${firstGroup + group}/${start + index}`);
    },
    ...(allowed ? { allowed: (_, __, tokens) => allowed(tokens) } : {}),
    ...(watched
      ? {
          onToken: (k: number, r: number, tokens: readonly number[]): boolean => {
            const text = textSoFar(tokens);
            const { group, index } = place(k, r);
            onText?.(cutAtStop(text, stop), start + index, firstGroup + group);
            return stop.some((end) => text.includes(end));
          },
        }
      : {}),
  });
  const flat = generated.flat();
  let next = 0;
  return batch.map((rows) =>
    rows.map((prompt) => {
      const { tokens, finish } = flat[next++];
      const text = cutAtStop(textSoFar(tokens), stop);
      return { text, tokens, finish, promptTokens: prompt.length };
    }),
  );
}

/** Which group and prompt a decoded row belongs to. */
function placeOf(
  batch: readonly (readonly unknown[])[],
  byAdapter: boolean,
): (k: number, r: number) => { group: number; index: number } {
  if (byAdapter) return (group, index) => ({ group, index });
  const places = batch.flatMap((rows, group) => rows.map((_, index) => ({ group, index })));
  return (_, r) => places[r];
}

function cutAtStop(text: string, stop: readonly string[]): string {
  const ends = stop.map((end) => text.indexOf(end)).filter((at) => at >= 0);
  return ends.length > 0 ? text.slice(0, Math.min(...ends)) : text;
}
