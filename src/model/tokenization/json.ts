/** The parts of tokenizer.json and tokenizer_config.json that are checked as a whole; each step checks its own settings. */
import { z } from "zod";

/** More tokens than any published vocabulary has (the largest have about 262 000). */
export const maximumTokens = 1_000_000;
/** More merges than any published vocabulary has. */
export const maximumMerges = 2_000_000;
const maximumTokenLength = 8192;

const id = z
  .int()
  .min(0)
  .max(2 * maximumTokens);
/** A token's text. */
export const tokenText = z.string().max(maximumTokenLength);
const flag = z.boolean().default(false);
const step = z.looseObject({ type: z.string() }).nullish();

/** A token that is found in the text before the model sees it. */
export const addedTokenSchema = z.object({
  /** Absent in tokenizer_config.json, where the next free one is meant. */
  id: id.optional(),
  content: tokenText.min(1),
  /** Found only where no word goes on beside it. */
  single_word: flag,
  /** Takes the spaces before it. */
  lstrip: flag,
  /** Takes the spaces behind it. */
  rstrip: flag,
  /** Found in the normalized text, as it looks itself when normalized; by default what is not special. */
  normalized: z.boolean().optional(),
  /** Left out of decoded text where that is asked for. */
  special: flag,
});
/** A checked added token. */
export type AddedToken = z.infer<typeof addedTokenSchema>;

const vocabularyRecord = z
  .custom<Record<string, number>>(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    "expected an object of token: id",
  )
  .refine(
    (value) => Object.keys(value).length <= maximumTokens,
    `more than ${maximumTokens} tokens`,
  )
  .refine(
    (value) =>
      Object.entries(value).every(
        ([token, tokenId]) => token.length <= maximumTokenLength && id.safeParse(tokenId).success,
      ),
    "a token is too long or has no sensible id",
  );
const merges = z.array(z.union([tokenText, z.tuple([tokenText, tokenText])])).max(maximumMerges);
const notSupported = z.literal("", "is not supported").nullish();

/** A byte-pair encoding. */
export const bpeSchema = z.looseObject({
  vocab: vocabularyRecord,
  merges,
  dropout: z.literal(0, "random merges are not supported").nullish(),
  unk_token: tokenText.nullish(),
  continuing_subword_prefix: notSupported,
  end_of_word_suffix: notSupported,
  fuse_unk: z.boolean().nullish(),
  byte_fallback: z.boolean().nullish(),
  ignore_merges: z.boolean().nullish(),
});
/** A WordPiece model. */
export const wordPieceSchema = z.looseObject({
  vocab: vocabularyRecord,
  unk_token: tokenText,
  continuing_subword_prefix: tokenText,
  max_input_chars_per_word: z.int().min(0),
});
/** A unigram model. */
export const unigramSchema = z.looseObject({
  vocab: z.array(z.tuple([tokenText, z.number()])).max(maximumTokens),
  unk_id: z.int().min(0).nullish(),
  byte_fallback: z.boolean().default(false),
});

/** tokenizer.json. */
export const tokenizerJsonSchema = z.looseObject({
  added_tokens: z.array(addedTokenSchema).max(maximumTokens).nullish(),
  normalizer: step,
  pre_tokenizer: step,
  post_processor: step,
  decoder: step,
  model: z.looseObject({ type: z.string().optional() }),
});

/** The settings of a byte-pair encoding. */
export type BpeJson = z.infer<typeof bpeSchema>;
/** The settings of WordPiece. */
export type WordPieceJson = z.infer<typeof wordPieceSchema>;
/** The settings of a unigram model. */
export type UnigramJson = z.infer<typeof unigramSchema>;

/** A token by its text, or with how it is found. */
export const namedTokenSchema = z.union([tokenText.min(1), addedTokenSchema]);

/** tokenizer_config.json, or special_tokens_map.json: what changes ids or texts. Other keys that end in `_token` name special tokens. */
export const tokenizerConfigSchema = z.looseObject({
  added_tokens_decoder: z.record(z.string(), addedTokenSchema).nullish(),
  extra_special_tokens: z
    .union([z.array(namedTokenSchema), z.record(z.string(), namedTokenSchema)])
    .nullish(),
  additional_special_tokens: z.array(namedTokenSchema).nullish(),
  split_special_tokens: z.boolean().nullish(),
  clean_up_tokenization_spaces: z.boolean().nullish(),
});
/** A checked tokenizer_config.json. */
export type TokenizerConfig = z.infer<typeof tokenizerConfigSchema>;

/** A checked tokenizer.json. */
export type TokenizerJson = z.infer<typeof tokenizerJsonSchema>;
