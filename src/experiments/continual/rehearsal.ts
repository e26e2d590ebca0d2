/** What is rehearsed while a new passage is learned, at the cost of learning it alone. Training is elsewhere. */
import { UserError } from "../../messages/errors";
import { generate } from "../../lora/generate";
import type { TokenSequence } from "../../lora/plan";
import { endTokenOf, type Model } from "../../model/load";
import type { Random } from "../../statistics/random";

/**
 * As many sequences as `epochs` epochs of `own` have, shuffled; a `share` of them are `earlier` ones, each as often as
 * the others (give or take one). With nothing earlier, all are `own`. To be trained on in one epoch, in this order.
 */
export function rehearsalSchedule<T>(
  own: readonly T[],
  earlier: readonly T[],
  { epochs, share }: { readonly epochs: number; readonly share: number },
  random: Random,
): T[] {
  const total = own.length * epochs;
  const rehearsed = earlier.length > 0 ? Math.round(total * share) : 0;
  const order = random.shuffle(earlier);
  return random.shuffle([
    ...Array.from({ length: total - rehearsed }, (_, i) => own[i % own.length]),
    ...Array.from({ length: rehearsed }, (_, i) => order[i % order.length]),
  ]);
}

/**
 * Each sequence's first half, continued by the model at temperature 1; the loss is on the continuation. In expectation
 * training on these has the gradient of KL(model before || model after) at those beginnings.
 */
export async function continueSequences(
  model: Model,
  sequences: readonly TokenSequence[],
  seed: string,
): Promise<TokenSequence[]> {
  const end = endTokenOf(model);
  if (end === undefined)
    throw new UserError(
      `Model ${model.id} names no end token, which rehearsing its answers needs.`,
    );
  if (sequences.length === 0) return [];
  const beginnings = sequences.map(({ ids }) => ids.slice(0, Math.ceil(ids.length / 2)));
  const longest = Math.max(0, ...sequences.map(({ ids }) => Math.floor(ids.length / 2)));
  const written = await generate(model, beginnings, {
    maximumTokens: Math.max(1, longest),
    temperature: 1,
    seed,
    batchRows: 256,
  });
  return written.map(({ tokens, finish }, i) => {
    const room = Math.max(1, sequences[i].ids.length - beginnings[i].length);
    const ended = finish === "stop" && tokens.length < room;
    const ids = [...beginnings[i], ...tokens.slice(0, room), ...(ended ? [end] : [])];
    return { ids, lossFrom: beginnings[i].length };
  });
}
