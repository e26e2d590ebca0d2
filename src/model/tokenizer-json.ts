/** The parts of Hugging Face's tokenizer.json that this project writes or checks; the library knows the rest. */
import { z } from "zod";

/** One step that cuts text before encoding. */
export type TokenizerConfigPreTokenizer =
  | { type: "Sequence"; pretokenizers: TokenizerConfigPreTokenizer[] }
  | {
      type: "ByteLevel";
      add_prefix_space: boolean;
      trim_offsets: boolean;
      use_regex: boolean;
    }
  | { type: "Split"; pattern: { Regex: string }; behavior: "Isolated"; invert: boolean };

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
const step = z.looseObject({ type: z.string() }).nullable().optional();

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
const scoredVocabulary = z.array(z.tuple([tokenText, z.number()])).max(maximumTokens);
const merges = z.array(z.union([tokenText, z.tuple([tokenText, tokenText])])).max(maximumMerges);

/** tokenizer.json, as far as it must be right for the library to stand on it. */
export const tokenizerJsonSchema = z.looseObject({
  added_tokens: z
    .array(z.looseObject({ id, content: tokenText.min(1) }))
    .max(maximumTokens)
    .nullable()
    .optional(),
  normalizer: step,
  pre_tokenizer: step,
  post_processor: step,
  decoder: step,
  model: z.union([
    z.looseObject({ type: z.literal("BPE").optional(), vocab: vocabularyRecord, merges }),
    z.looseObject({ type: z.literal("WordPiece"), vocab: vocabularyRecord }),
    z.looseObject({ type: z.literal("Unigram"), vocab: scoredVocabulary }),
  ]),
});

/** tokenizer_config.json: only what the library is given from it. */
export const tokenizerConfigSchema = z.looseObject({
  clean_up_tokenization_spaces: z.boolean().nullable().optional(),
});

/** A checked tokenizer.json. */
export type TokenizerJson = z.infer<typeof tokenizerJsonSchema>;

/** One more than the largest token id. */
export function tokenCount(json: TokenizerJson): number {
  const vocabulary = json.model.vocab;
  let largest = -1;
  if (Array.isArray(vocabulary)) largest = vocabulary.length - 1;
  else for (const value of Object.values(vocabulary)) largest = Math.max(largest, value);
  for (const token of json.added_tokens ?? []) largest = Math.max(largest, token.id);
  return largest + 1;
}
