/** Negative log-likelihoods of given tokens, with and without an adapter. */
import type * as tf from "@tensorflow/tfjs";
import { UserError } from "../messages/errors";
import { canFuse, fusedTokenLosses } from "../model/fused-pass";
import { createFlatLayout, createLayout, disposeLayout } from "../model/layout";
import { textOf, type Model } from "../model/load";
import { lossIndex, tokenLosses } from "../model/transformer";
import type { Adapter } from "./adapter";
import { promptTokens, viewAdapters, type Prompt } from "./generate";
import { requireAdapter, requireIds, requireSome } from "./options";

/** An adapter, or none at all: one that is given must be there (see `generate`). */
export type GivenAdapter = readonly [adapter?: Adapter];

/** Tokens read at once. */
const BATCH_TOKENS = 2048;

/**
 * For each row of token ids, -log p of every token after the first, in nats. The engine webgpu gives nothing at once: there
 * it throws UserError, and `scoreRowsLater` does the same.
 */
export function scoreRows(
  model: Model,
  rows: readonly (readonly number[])[],
  ...given: GivenAdapter
): number[][] {
  const scores: number[][] = [];
  for (const { batch, losses } of scoredBatches(model, rows, given))
    scores.push(...byRow(batch, losses.dataSync()));
  return scores;
}

/** `scoreRows` on every engine. */
export async function scoreRowsLater(
  model: Model,
  rows: readonly (readonly number[])[],
  ...given: GivenAdapter
): Promise<number[][]> {
  const scores: number[][] = [];
  for (const { batch, losses } of scoredBatches(model, rows, given))
    scores.push(...byRow(batch, await losses.data()));
  return scores;
}

/** The losses of one batch after another, [tokens after the first of each row]; freed when the next one is asked for. */
function* scoredBatches(
  model: Model,
  rows: readonly (readonly number[])[],
  given: GivenAdapter,
): Generator<{ batch: readonly (readonly number[])[]; losses: tf.Tensor1D }, void, undefined> {
  checkRows(rows, model.config.vocabularySize);
  const [adapter] = given;
  if (given.length > 0) requireAdapter(adapter, "scoreRows");
  const views = adapter ? viewAdapters(model, [adapter]) : undefined;
  try {
    for (const batch of batches(rows)) {
      const fused = canFuse(views?.layers);
      // Nothing is predicted from a row's last token.
      const read = [batch.map((row) => row.slice(0, -1))];
      const layout = fused ? createFlatLayout(read) : createLayout(read);
      const tokens = batch.flatMap((row, r) =>
        row.slice(1).map((label, t) => ({ index: lossIndex(layout, r, t + 1), label, weight: 1 })),
      );
      const lossesOf = fused ? fusedTokenLosses : tokenLosses;
      const losses = lossesOf(model, views?.layers, layout, tokens);
      disposeLayout(layout);
      try {
        yield { batch, losses };
      } finally {
        losses.dispose();
      }
    }
  } finally {
    views?.dispose();
  }
}

function byRow(batch: readonly (readonly number[])[], losses: ArrayLike<number>): number[][] {
  let next = 0;
  return batch.map((row) => row.slice(1).map(() => losses[next++]));
}

/** For each prompt, the mean -log p of its answer's tokens, in nats; an answer without tokens has NaN. */
export async function answerLosses(
  model: Model,
  prompts: readonly Prompt[],
  answers: readonly string[],
  adapter?: Adapter,
): Promise<number[]> {
  if (prompts.length === 0) return [];
  const { tokenizer } = textOf(model);
  const asked = prompts.map((prompt) => promptTokens(model, prompt));
  const rows = asked.map((ids, i) => [...ids, ...tokenizer.encode(answers[i])]);
  const scores = await scoreRowsLater(model, rows, ...(adapter ? [adapter] : []));
  return scores.map((losses, i) => {
    const own = losses.slice(asked[i].length - 1);
    return own.reduce((sum, loss) => sum + loss, 0) / own.length;
  });
}

/** Throws UserError for rows that no model could read. */
export function checkRows(rows: readonly (readonly number[])[], vocabularySize: number): void {
  requireSome(rows, "row", "scoreRows");
  rows.forEach((row, r) => {
    if (row.length < 2)
      throw new UserError(`Row ${r + 1} has ${row.length} token ids; at least 2 are needed.`);
    requireIds(row, vocabularySize, `Row ${r + 1}`);
  });
}

/** Consecutive rows whose rectangle stays within the budget. */
function batches(rows: readonly (readonly number[])[]): (readonly number[])[][] {
  const found: (readonly number[])[][] = [];
  let longest = 0;
  for (const row of rows) {
    const current = found.at(-1);
    longest = Math.max(longest, row.length);
    if (current && (current.length + 1) * longest <= BATCH_TOKENS) current.push(row);
    else {
      found.push([row]);
      longest = row.length;
    }
  }
  return found;
}
