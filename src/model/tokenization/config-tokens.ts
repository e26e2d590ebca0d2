/** The tokens that tokenizer_config.json and special_tokens_map.json add to those of tokenizer.json, as transformers 5 does it. */
import { type AddedToken, addedTokenSchema, namedTokenSchema, type TokenizerConfig } from "./json";

/** In this order they are numbered where the vocabulary has them not; others follow. */
const usualNames = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"].map(
  (name) => `${name}_token`,
);

/**
 * All added tokens: those of tokenizer.json, those of `added_tokens_decoder` (whose flags hold where both have a token), and what
 * is named as special: `eos_token` and its like, `extra_special_tokens`. `map`, of special_tokens_map.json, comes before the
 * configuration, but is not looked at where that lists the added tokens itself.
 */
export function withConfigTokens(
  tokens: readonly AddedToken[],
  config: TokenizerConfig,
  map: TokenizerConfig,
): readonly AddedToken[] {
  const decoder = Object.entries(config.added_tokens_decoder ?? {})
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([id, token]) => ({ ...token, id: Number(id) }));
  const { named, extra } = specialTokens(config, config.added_tokens_decoder ? {} : map);

  const isNamed = new Set(named.map(({ content }) => content));
  const asNamed = (token: AddedToken): AddedToken =>
    isNamed.has(token.content) ? { ...token, special: true } : token;
  const all = config.added_tokens_decoder
    ? [...tokens, ...decoder.map(asNamed)]
    : tokens.map(asNamed);
  const known = new Set(all.map(({ content }) => content));
  const more = [...named, ...extra].filter(({ content }) => !known.has(content));
  // Where a token has several flags the last ones hold, and what was said before is not said again.
  return [...all, ...new Map(more.map((token) => [JSON.stringify(token), token])).values()];
}

/** The special tokens that have a name, and those that have none. */
function specialTokens(
  config: TokenizerConfig,
  map: TokenizerConfig,
): { named: AddedToken[]; extra: AddedToken[] } {
  const said = { ...config, ...map };
  const byName = new Map([
    ...usualNames.map((name) => [name, said[name]] as const),
    ...Object.entries(said).filter(([name]) => name.endsWith("_token")),
    ...[config, map].flatMap(({ extra_special_tokens: extra }) =>
      Array.isArray(extra) ? [] : Object.entries(extra ?? {}),
    ),
  ]);
  return {
    named: [...byName.values()].flatMap(tokenOf).map((token) => ({ ...token, special: true })),
    extra: extraTokens(config, map).flatMap(tokenOf),
  };
}

/** `additional_special_tokens` is the older name; it counts where the other is not there. */
function extraTokens(config: TokenizerConfig, map: TokenizerConfig): readonly unknown[] {
  const { extra_special_tokens: extra, additional_special_tokens: older } = config;
  const nothing = Object.keys(extra ?? {}).length === 0;
  const own = older !== undefined && nothing ? (older ?? []) : extra;
  const mapped = map.extra_special_tokens;
  const listed = [own, mapped].filter((list) => Array.isArray(list));
  return listed.length > 0 ? listed.flat() : (map.additional_special_tokens ?? older ?? []);
}

/** A token that is given by its text, which makes it special, or with its flags. */
function tokenOf(value: unknown): AddedToken[] {
  const token = namedTokenSchema.safeParse(value);
  if (!token.success) return [];
  return typeof token.data === "string"
    ? [addedTokenSchema.parse({ content: token.data, special: true })]
    : [token.data];
}
