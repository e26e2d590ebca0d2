/** Negative log-likelihoods of given tokens, with and without an adapter. */
import { UserError } from "../errors";
import { canFuse, fusedTokenLosses } from "../model/fused-pass";
import { createFlatLayout, createLayout, disposeLayout } from "../model/layout";
import { textOf, type Model } from "../model/load";
import { lossIndex, tokenLosses } from "../model/transformer";
import type { Adapter } from "./adapter";
import { promptTokens, viewAdapters, type Prompt } from "./generate";

/** Tokens read at once. */
const BATCH_TOKENS = 2048;

/** For each row of token ids, -log p of every token after the first, in nats. */
export function scoreRows(
  model: Model,
  rows: readonly (readonly number[])[],
  adapter?: Adapter,
): number[][] {
  checkRows(rows, model.config.vocabularySize);
  const views = adapter ? viewAdapters(model, [adapter]) : undefined;
  try {
    return batches(rows).flatMap((batch) => {
      const fused = canFuse(views?.layers);
      const layout = fused ? createFlatLayout([batch]) : createLayout([batch]);
      const tokens = batch.flatMap((row, r) =>
        row.slice(1).map((label, t) => ({ index: lossIndex(layout, r, t + 1), label, weight: 1 })),
      );
      const read = fused ? fusedTokenLosses : tokenLosses;
      const losses = read(model, views?.layers, layout, tokens);
      disposeLayout(layout);
      let start = 0;
      return batch.map((row) => {
        start += row.length - 1;
        return Array.from(losses.subarray(start - row.length + 1, start));
      });
    });
  } finally {
    views?.dispose();
  }
}

/** For each prompt, the mean -log p of its answer's tokens, in nats; an answer without tokens has NaN. */
export function answerLosses(
  model: Model,
  prompts: readonly Prompt[],
  answers: readonly string[],
  adapter?: Adapter,
): number[] {
  const { tokenizer } = textOf(model);
  const asked = prompts.map((prompt) => promptTokens(model, prompt));
  const rows = asked.map((ids, i) => [...ids, ...tokenizer.encode(answers[i])]);
  return scoreRows(model, rows, adapter).map((losses, i) => {
    const own = losses.slice(asked[i].length - 1);
    return own.reduce((sum, loss) => sum + loss, 0) / own.length;
  });
}

/** Throws UserError for rows that no model could read. */
export function checkRows(rows: readonly (readonly number[])[], vocabularySize: number): void {
  rows.forEach((row, r) => {
    if (row.length < 2)
      throw new UserError(`Row ${r + 1} has ${row.length} token ids; at least 2 are needed.`);
    const wrong = row.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabularySize);
    if (wrong !== undefined)
      throw new UserError(
        `Row ${r + 1} has the token id ${wrong}; the model has 0 to ${vocabularySize - 1}.`,
      );
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
