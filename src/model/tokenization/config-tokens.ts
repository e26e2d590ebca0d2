/** The tokens that tokenizer_config.json adds to those of tokenizer.json, as transformers 5 does it. */
import { type AddedToken, addedTokenSchema, namedTokenSchema, type TokenizerConfig } from "./json";

/** In this order they are numbered where the vocabulary has them not; others follow. */
const usualNames = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"].map(
  (name) => `${name}_token`,
);

/**
 * All added tokens: those of tokenizer.json, those of `added_tokens_decoder` (whose flags hold where both have a token), and what
 * the configuration names as special: `eos_token` and its like, `extra_special_tokens`.
 */
export function withConfigTokens(
  tokens: readonly AddedToken[],
  config: TokenizerConfig,
): readonly AddedToken[] {
  const { added_tokens_decoder, extra_special_tokens, additional_special_tokens, ...others } =
    config;
  const decoder = Object.entries(added_tokens_decoder ?? {})
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([id, token]) => ({ ...token, id: Number(id) }));
  const byName = new Map([
    ...usualNames.map((name) => [name, others[name]] as const),
    ...Object.entries(others).filter(([name]) => name.endsWith("_token")),
    ...(Array.isArray(extra_special_tokens) ? [] : Object.entries(extra_special_tokens ?? {})),
  ]);
  const namedTokens = [...byName.values()]
    .flatMap(tokenNamed)
    .map((token) => ({ ...token, special: true }));
  const extra =
    Array.isArray(extra_special_tokens) && extra_special_tokens.length > 0
      ? extra_special_tokens
      : (additional_special_tokens ?? []);

  const isNamed = new Set(namedTokens.map(({ content }) => content));
  const asNamed = (token: AddedToken): AddedToken =>
    isNamed.has(token.content) ? { ...token, special: true } : token;
  const all = added_tokens_decoder ? [...tokens, ...decoder.map(asNamed)] : tokens.map(asNamed);
  const known = new Set(all.map(({ content }) => content));
  const more = [...namedTokens, ...extra.flatMap(tokenNamed)].filter(
    ({ content }) => !known.has(content),
  );
  // Where a token has several flags the last ones hold, and what was said before is not said again.
  return [...all, ...new Map(more.map((token) => [JSON.stringify(token), token])).values()];
}

/** A token that is given by its text, which makes it special, or with its flags. */
function tokenNamed(value: unknown): AddedToken[] {
  const token = namedTokenSchema.safeParse(value);
  if (!token.success) return [];
  return typeof token.data === "string"
    ? [addedTokenSchema.parse({ content: token.data, special: true })]
    : [token.data];
}
