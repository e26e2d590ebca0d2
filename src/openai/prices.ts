/** What a call to a known model costs, and how many tokens a request has. Prices age: they are dated, and can be given instead. */
import type { ChatMessage } from "../model/types";

/** US dollars for a million tokens. */
export interface Price {
  /** Of what is sent. */
  readonly input: number;
  /** Of what is received. */
  readonly output: number;
}

/** The day that the list prices below were written down; they are OpenAI's published ones as then remembered, not fetched. */
export const PRICES_AS_OF = "2025-06";

const PRICES: Readonly<Record<string, Price>> = {
  "gpt-4.1": { input: 2, output: 8 },
  "gpt-4.1-mini": { input: 0.4, output: 1.6 },
  "gpt-4.1-nano": { input: 0.1, output: 0.4 },
  "gpt-4o": { input: 2.5, output: 10 },
  "gpt-4o-mini": { input: 0.15, output: 0.6 },
};

/** The list price of a model (dated versions such as `gpt-4.1-2025-04-14` too), or undefined for an unknown one. */
export function listPrice(model: string): Price | undefined {
  return PRICES[model.replace(/-\d{4}-\d{2}-\d{2}$/, "")];
}

/** Dollars for so many tokens. */
export function costOf(price: Price, inputTokens: number, outputTokens: number): number {
  return (price.input * inputTokens + price.output * outputTokens) / 1e6;
}

/** Tokens that a request is billed for by OpenAI's newer models (o200k_base; 3 for each message and 3 for the reply's start). */
export async function countRequestTokens(messages: readonly ChatMessage[]): Promise<number> {
  const { countTokens } = await import("gpt-tokenizer/encoding/o200k_base");
  // A text may hold the name of a special token; as text it is not one.
  const tokensIn = (text: string): number => countTokens(text, { disallowedSpecial: new Set() });
  const each = messages.map(({ role, content }) => 3 + tokensIn(role) + tokensIn(content));
  return each.reduce((sum, tokens) => sum + tokens, 3);
}
