/** Text to token ids and back, from tokenizer.json or from a GGUF's own vocabulary; both go through Hugging Face's library. */
import { z } from "zod";
import { errorMessage, UserError } from "../messages/errors";
import { type LibraryTokenizer, tokenizersLibrary } from "./hugging-face";
import { preTokenizers, withUnicodeSpaces } from "./pre-tokenizers";
import {
  maximumMerges,
  maximumTokens,
  tokenCount,
  tokenizerConfigSchema,
  tokenizerJsonSchema,
  tokenText,
} from "./tokenizer-json";
import type { Tokenizer } from "./types";

/** A GGUF's tokenizer and what else its metadata says of text. */
export interface GgufTokenizer {
  readonly tokenizer: Tokenizer;
  readonly chatTemplate?: string;
  readonly bosToken?: string;
  readonly eosToken?: string;
}

/**
 * A tokenizer from the contents of tokenizer.json and, where there is one, tokenizer_config.json (both parsed).
 * `where` names the source in errors. Special tokens (BOS) are added only where `encode` is asked to.
 * Throws UserError for what is not a usable tokenizer.
 */
export function tokenizerFromJson(
  tokenizerJson: unknown,
  tokenizerConfig: unknown,
  where: string,
): Tokenizer {
  const json = check(tokenizerJsonSchema, tokenizerJson, where);
  const config = check(tokenizerConfigSchema, tokenizerConfig ?? {}, where);
  const complete = {
    ...json,
    added_tokens: json.added_tokens ?? [],
    normalizer: json.normalizer ?? null,
    pre_tokenizer: withUnicodeSpaces(json.pre_tokenizer ?? null),
    post_processor: json.post_processor ?? null,
    decoder: json.decoder ?? null,
  };
  try {
    const library = new tokenizersLibrary.Tokenizer(complete, {
      ...config,
      clean_up_tokenization_spaces: config.clean_up_tokenization_spaces ?? false,
    });
    return wrap(library, tokenCount(json), where);
  } catch (error) {
    throw new UserError(`${where}: the tokenizer cannot be used: ${errorMessage(error)}`);
  }
}

function check<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const place = issue?.path.length ? ` at ${issue.path.map(String).join(".")}` : "";
  throw new UserError(`${where}: broken tokenizer${place}: ${issue?.message ?? "unreadable"}`);
}

function wrap(library: LibraryTokenizer, vocabularySize: number, where: string): Tokenizer {
  return {
    vocabularySize,
    encode(text, { addSpecial = false } = {}) {
      const { ids } = library.encode(text, { add_special_tokens: addSpecial });
      // The library gives undefined for what the vocabulary cannot express.
      if (!ids.every(Number.isInteger))
        throw new UserError(`${where}: the vocabulary has no token for a part of the text`);
      return ids;
    },
    decode(ids, { skipSpecial = false } = {}) {
      const known = ids.filter((id) => library.id_to_token(id) !== undefined);
      return known.length === 0 ? "" : library.decode(known, { skip_special_tokens: skipSpecial });
    },
    idOf: (token) => library.token_to_id(token),
  };
}

const tokenIndex = z.union([z.int().min(0), z.bigint()]).transform(Number);
const ggufSchema = z.object({
  "tokenizer.ggml.model": z.string(),
  "tokenizer.ggml.pre": z.string().default("default"),
  "tokenizer.ggml.tokens": z.array(tokenText).min(1).max(maximumTokens),
  "tokenizer.ggml.token_type": z.array(tokenIndex).max(maximumTokens).optional(),
  "tokenizer.ggml.merges": z.array(tokenText).max(maximumMerges),
  "tokenizer.ggml.bos_token_id": tokenIndex.optional(),
  "tokenizer.ggml.eos_token_id": tokenIndex.optional(),
  "tokenizer.ggml.add_bos_token": z.boolean().optional(),
  "tokenizer.ggml.add_eos_token": z.boolean().optional(),
  "tokenizer.chat_template": z.string().optional(),
});
type GgufVocabulary = z.infer<typeof ggufSchema>;

/** `llama_token_type` of llama.cpp. */
const controlToken = 3;
const userDefinedToken = 4;

/**
 * The tokenizer of a GGUF file from its metadata (`tokenizer.ggml.*`, byte-level BPE only): the
 * vocabulary is put into the form of tokenizer.json. Throws UserError for another kind or a broken one.
 */
export function tokenizerFromGguf(metadata: ReadonlyMap<string, unknown>): GgufTokenizer {
  const vocabulary = ggufVocabulary(metadata);
  const tokenizer = tokenizerFromJson(ggufTokenizerJson(vocabulary), {}, "GGUF metadata");
  const tokens = vocabulary["tokenizer.ggml.tokens"];
  return {
    tokenizer,
    chatTemplate: vocabulary["tokenizer.chat_template"],
    bosToken: tokenAt(tokens, vocabulary["tokenizer.ggml.bos_token_id"], "bos_token_id"),
    eosToken: tokenAt(tokens, vocabulary["tokenizer.ggml.eos_token_id"], "eos_token_id"),
  };
}

function ggufVocabulary(metadata: ReadonlyMap<string, unknown>): GgufVocabulary {
  const kind = metadata.get("tokenizer.ggml.model");
  if (typeof kind === "string" && kind !== "gpt2")
    throw new UserError(
      `GGUF tokenizer of kind "${kind}": only byte-level BPE ("gpt2") is read. Use the model's Hugging Face folder instead.`,
    );
  const wanted = Object.keys(ggufSchema.shape).map((key) => [key, metadata.get(key)]);
  return check(ggufSchema, Object.fromEntries(wanted), "GGUF metadata");
}

/** The same tokenizer as the contents of tokenizer.json and tokenizer_config.json, which `tokenizerFromJson` and transformers read. */
export function tokenizerFilesFromGguf(metadata: ReadonlyMap<string, unknown>): {
  tokenizer: object;
  tokenizerConfig: object;
} {
  const vocabulary = ggufVocabulary(metadata);
  const { chatTemplate, bosToken, eosToken } = tokenizerFromGguf(metadata);
  return {
    tokenizer: { version: "1.0", ...ggufTokenizerJson(vocabulary) },
    tokenizerConfig: {
      tokenizer_class: "PreTrainedTokenizerFast",
      ...(chatTemplate !== undefined && { chat_template: chatTemplate }),
      ...(bosToken !== undefined && { bos_token: bosToken }),
      ...(eosToken !== undefined && { eos_token: eosToken }),
      clean_up_tokenization_spaces: false,
    },
  };
}

function tokenAt(
  tokens: readonly string[],
  index: number | undefined,
  key: string,
): string | undefined {
  if (index === undefined) return undefined;
  const token = tokens[index];
  if (token === undefined)
    throw new UserError(
      `GGUF metadata: tokenizer.ggml.${key} is ${index}, but there are ${tokens.length} tokens`,
    );
  return token;
}

/** The tokenizer.json that says the same as the GGUF's keys. */
function ggufTokenizerJson(vocabulary: GgufVocabulary): Record<string, unknown> {
  const name = vocabulary["tokenizer.ggml.pre"];
  const chosen = preTokenizers.get(name);
  if (!chosen)
    throw new UserError(
      `GGUF pre-tokenizer "${name}" is not known here (known: ${[...preTokenizers.keys()].join(", ")}). Use the model's Hugging Face folder instead.`,
    );
  const tokens = vocabulary["tokenizer.ggml.tokens"];
  const types = vocabulary["tokenizer.ggml.token_type"] ?? [];
  if (types.length > 0 && types.length !== tokens.length)
    throw new UserError(`GGUF metadata: ${tokens.length} tokens but ${types.length} token types`);
  return {
    added_tokens: tokens.flatMap((content, id) => addedToken(content, id, types[id])),
    normalizer: chosen.nfc ? { type: "NFC" } : null,
    pre_tokenizer: chosen.preTokenizer,
    post_processor: ggufPostProcessor(vocabulary, chosen.addBos),
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      unk_token: null,
      ignore_merges: chosen.ignoreMerges,
      // fromEntries, not assignment: a token may be named "__proto__".
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: vocabulary["tokenizer.ggml.merges"],
    },
  };
}

function addedToken(content: string, id: number, type: number | undefined): object[] {
  if (content === "" || (type !== controlToken && type !== userDefinedToken)) return [];
  return [
    {
      id,
      content,
      special: type === controlToken,
      normalized: false,
      single_word: false,
      lstrip: false,
      rstrip: false,
    },
  ];
}

/** BOS before and EOS behind, where the file (or, for BOS, the family) asks for them. */
function ggufPostProcessor(vocabulary: GgufVocabulary, addBosByDefault: boolean): object | null {
  const tokens = vocabulary["tokenizer.ggml.tokens"];
  const addBos = vocabulary["tokenizer.ggml.add_bos_token"] ?? addBosByDefault;
  const addEos = vocabulary["tokenizer.ggml.add_eos_token"] ?? false;
  const bos = tokenAt(tokens, vocabulary["tokenizer.ggml.bos_token_id"], "bos_token_id");
  const eos = tokenAt(tokens, vocabulary["tokenizer.ggml.eos_token_id"], "eos_token_id");
  const special = (token: string) => ({ SpecialToken: { id: token, type_id: 0 } });
  const single = [
    ...(addBos && bos !== undefined ? [special(bos)] : []),
    { Sequence: { id: "A", type_id: 0 } },
    ...(addEos && eos !== undefined ? [special(eos)] : []),
  ];
  return single.length === 1 ? null : { type: "TemplateProcessing", single, pair: single };
}
