/** Text generation for people: prompts as text, chats or ids, with no adapter, one, or one for each group of prompts. */
import { z } from "zod";
import { free } from "../engine/scope";
import { UserError } from "../messages/errors";
import { createRandom } from "../statistics/random";
import type { LayerAdapters } from "../model/adapters";
import { renderChat } from "../model/chat";
import { generateRows, type FinishReason } from "../model/generation";
import { textOf, type Model } from "../model/load";
import type { ChatMessage } from "../model/types";
import { checkData, strictObject } from "../schema/schema";
import type { Adapter } from "./adapter";
import { adapterOption, functionOf, requireIds, requireSome, seedSchema } from "./options";
import { layerAdapters, stackAdapters, stackScaling, stackShape, type StackTensors } from "./stack";

/** Plain text, a conversation (rendered by the model's chat template), or token ids. */
export type Prompt = string | readonly ChatMessage[] | readonly number[];

const generateOptionsSchema = strictObject({
  /** Used while generating; the model as it is, unless told. */
  adapter: adapterOption,
  /** Most new tokens of an answer, 64 unless told. */
  maximumTokens: z.int().min(1).max(131_072).optional(),
  /** Divides the logits before sampling; 0 unless told, which is greedy. */
  temperature: z.number().min(0).max(10).optional(),
  /** Samples among the likeliest tokens that together have this probability; 1 unless told, which is all. */
  topP: z.number().gt(0).max(1).optional(),
  /** Prompt i draws from a generator seeded with this and i; 0 unless told. */
  seed: seedSchema.optional(),
  /** Texts that end an answer and are cut off; none unless told. */
  stop: z.array(z.string().min(1)).readonly().optional(),
  /** Further tokens that end an answer, beside the model's own; none unless told. */
  stopTokens: z.array(z.int().min(0)).readonly().optional(),
  /** The tokens that may follow an answer's tokens so far (constrained decoding); any where undefined, and unless told. */
  allowed: functionOf<(tokens: readonly number[]) => readonly number[] | undefined>().optional(),
  /** Rows decoded at once, 64 unless told. */
  batchRows: z.int().min(1).max(1_000_000).optional(),
  /** Called with the text so far of prompt `index` of group `group`; nothing is called unless told. */
  onText: functionOf<(text: string, index: number, group: number) => void>().optional(),
}).readonly();
/** Options of `generate`. */
export interface GenerateOptions extends z.output<typeof generateOptionsSchema> {}

/** One answer. */
export interface Generated {
  /** The answer, without the stop text. */
  readonly text: string;
  /** Ids of the new tokens. */
  readonly tokens: readonly number[];
  /** Tokens of the prompt. */
  readonly promptTokens: number;
  /** "stop" where an end token or a stop text ended it, "length" where the limit did. */
  readonly finish: FinishReason;
}

/** Prompts that share an adapter; without one, the model as it is. */
export interface PromptGroup {
  /** Used for these prompts; none unless told. */
  readonly adapter?: Adapter;
  /** What is continued. */
  readonly prompts: readonly Prompt[];
}
const promptGroupSchema = z.strictObject({
  adapter: adapterOption,
  prompts: z.unknown().optional(),
});

/**
 * Continues every prompt. Rows are decoded together and stop on their own. Throws UserError for impossible options, and
 * for an adapter that is given but missing.
 */
export async function generate(
  model: Model,
  prompts: readonly Prompt[],
  options: GenerateOptions = {},
): Promise<Generated[]> {
  const { adapter, ...others } = checkData(generateOptionsSchema, options, "generate");
  const rows = [promptRows(model, prompts, "generate")];
  const [answers] = await continueRows(model, adapter ? [adapter] : [], rows, others);
  return answers;
}

/** Continues the prompts of several adapters at once; either every group has an adapter or none has. Errors as in `generate`. */
export async function generateGroups(
  model: Model,
  groups: readonly PromptGroup[],
  options: Omit<GenerateOptions, "adapter"> = {},
): Promise<Generated[][]> {
  const where = "generateGroups";
  const checked = checkData(generateOptionsSchema, options, where);
  requireSome(groups, "group", where);
  const places = groups.map((_, g) => `${where}: group ${g + 1}`);
  groups.forEach((group, g) => checkData(promptGroupSchema, group, places[g]));
  const adapters = groups.flatMap(({ adapter }) => adapter ?? []);
  if (adapters.length > 0 && adapters.length < groups.length)
    throw new UserError(`${where}: either every group has an adapter or none has.`);
  const rows = groups.map(({ prompts }, g) => promptRows(model, prompts, places[g]));
  return continueRows(model, adapters, rows, checked);
}

/** Continues rows [group][prompt], with an adapter for each group or none at all. */
async function continueRows(
  model: Model,
  adapters: readonly Adapter[],
  rows: readonly (readonly (readonly number[])[])[],
  options: Omit<GenerateOptions, "adapter">,
): Promise<Generated[][]> {
  const answers: Generated[][] = rows.map(() => []);
  const batchRows = options.batchRows ?? 64;
  const together = Math.min(rows.length, batchRows);
  for (let first = 0; first < rows.length; first += together) {
    const own = rows.slice(first, first + together);
    const members = adapters.slice(first, first + together);
    const views = members.length > 0 ? viewAdapters(model, members) : undefined;
    try {
      const perGroup = Math.max(1, Math.floor(batchRows / own.length));
      const longest = Math.max(...own.map((group) => group.length));
      for (let start = 0; start < longest; start += perGroup) {
        const batch = own.map((group) => group.slice(start, start + perGroup));
        const generated = await decode(model, views?.layers, batch, options, first, start);
        generated.forEach((group, g) => answers[first + g].push(...group));
      }
    } finally {
      views?.dispose();
    }
  }
  return answers;
}

/** Token ids of every prompt. Throws UserError where there are none, or a prompt is not one that the model can read. */
function promptRows(
  model: Model,
  prompts: readonly Prompt[],
  where: string,
): (readonly number[])[] {
  requireSome(prompts, "prompt", where);
  return prompts.map((prompt, p) => {
    const place = `${where}: prompt ${p + 1}`;
    if (typeof prompt !== "string" && !Array.isArray(prompt))
      throw new UserError(`${place} is neither a text nor a list of messages or token ids.`);
    const ids = promptTokens(model, prompt);
    if (ids.length === 0) throw new UserError(`${place} has no tokens.`);
    requireIds(ids, model.config.vocabularySize, place);
    return ids;
  });
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
  const { chatTemplate, bosToken, eosToken, specialTokens } = textOf(model);
  if (!chatTemplate) return `${messages.map((message) => message.content).join("\n\n")}\n\n`;
  return renderChat(chatTemplate, messages, {
    addGenerationPrompt: true,
    ...(bosToken ? { bosToken } : {}),
    ...(eosToken ? { eosToken } : {}),
    ...(specialTokens ? { specialTokens } : {}),
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
