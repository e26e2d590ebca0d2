/** The tokens that tokenizer_config.json adds to those of tokenizer.json, as transformers 5 does it. */
import { z } from "zod";
import { type AddedToken, addedTokenSchema, type TokenizerConfig, tokenText } from "./json";

const nameable = z.union([tokenText.min(1), addedTokenSchema]);

/**
 * All added tokens: those of tokenizer.json, those of `added_tokens_decoder` (whose flags hold where both have a token), and what
 * the configuration names as special (`eos_token` and others, `extra_special_tokens`) where it is among neither.
 */
export function withConfigTokens(
  tokens: readonly AddedToken[],
  config: TokenizerConfig,
): readonly AddedToken[] {
  const decoder = Object.entries(config.added_tokens_decoder ?? {})
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([id, token]) => ({ ...token, id: Number(id) }));
  const known = new Set([...tokens, ...decoder].map(({ content }) => content));
  const named = namedTokens(config).filter(({ content }) => !known.has(content));
  return [...tokens, ...decoder, ...named];
}

function namedTokens(config: TokenizerConfig): AddedToken[] {
  const { extra_special_tokens, additional_special_tokens, ...others } = config;
  const extra = extra_special_tokens ?? additional_special_tokens ?? [];
  const named = Object.keys(others)
    .filter((key) => key.endsWith("_token"))
    .map((key) => others[key]);
  return [...named, ...Object.values(extra)].flatMap((value) => {
    const token = nameable.safeParse(value);
    if (!token.success) return [];
    return typeof token.data === "string"
      ? [addedTokenSchema.parse({ content: token.data, special: true })]
      : [{ ...token.data, special: true }];
  });
}
