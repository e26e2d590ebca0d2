/** A GGUF's vocabulary as tokenizer.json, of which the tokenizer is made. */
import { z } from "zod";
import { UserError } from "../../messages/errors";
import { warn } from "../../messages/warnings";
import type { Tokenizer } from "../types";
import { tokenizerFromJson } from "./from-json";
import { preTokenizerNamed } from "./gguf-pre-tokenizers";
import { maximumMerges, maximumTokens, tokenText } from "./json";
import { checked } from "./steps";

/** A GGUF's tokenizer and what else its metadata says of text. */
export interface GgufTokenizer {
  readonly tokenizer: Tokenizer;
  readonly chatTemplate?: string;
  readonly bosToken?: string;
  readonly eosToken?: string;
}

const tokenIndex = z.union([z.int().min(0), z.bigint()]).transform(Number);
const ggufSchema = z.object({
  "tokenizer.ggml.model": z.string(),
  "tokenizer.ggml.pre": z.string().default(""),
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
 * vocabulary is put into the form of tokenizer.json. Warns of a file that does not say how text is cut.
 * Throws UserError for another kind or a broken one.
 */
export function tokenizerFromGguf(metadata: ReadonlyMap<string, unknown>): GgufTokenizer {
  const vocabulary = ggufVocabulary(metadata);
  if (vocabulary["tokenizer.ggml.pre"] === "") warn(noPreTokenizer);
  const tokenizer = tokenizerFromJson(ggufTokenizerJson(vocabulary), {}, "GGUF metadata");
  return { tokenizer, ...specialsOf(vocabulary) };
}

function specialsOf(vocabulary: GgufVocabulary): Omit<GgufTokenizer, "tokenizer"> {
  return {
    chatTemplate: vocabulary["tokenizer.chat_template"],
    bosToken: tokenAt(vocabulary, "bos_token_id"),
    eosToken: tokenAt(vocabulary, "eos_token_id"),
  };
}

function ggufVocabulary(metadata: ReadonlyMap<string, unknown>): GgufVocabulary {
  const kind = metadata.get("tokenizer.ggml.model");
  if (typeof kind === "string" && kind !== "gpt2")
    throw new UserError(
      `GGUF tokenizer of kind "${kind}": only byte-level BPE ("gpt2") is read. Use the model's Hugging Face folder instead.`,
    );
  const wanted = Object.keys(ggufSchema.shape).map((key) => [key, metadata.get(key)]);
  return checked(ggufSchema, Object.fromEntries(wanted), "GGUF metadata");
}

const noPreTokenizer =
  'the GGUF file does not say how its tokenizer cuts text (tokenizer.ggml.pre is missing): "default" is taken, as llama.cpp does. ' +
  "If the model was trained otherwise its answers get worse: convert it again, or use its Hugging Face folder.";

/** The same tokenizer as the contents of tokenizer.json and tokenizer_config.json, which `tokenizerFromJson` and transformers read. */
export function tokenizerFilesFromGguf(metadata: ReadonlyMap<string, unknown>): {
  tokenizer: object;
  tokenizerConfig: object;
} {
  const vocabulary = ggufVocabulary(metadata);
  const { chatTemplate, bosToken, eosToken } = specialsOf(vocabulary);
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
  vocabulary: GgufVocabulary,
  key: "bos_token_id" | "eos_token_id",
): string | undefined {
  const index = vocabulary[`tokenizer.ggml.${key}`];
  if (index === undefined) return undefined;
  const tokens = vocabulary["tokenizer.ggml.tokens"];
  if (index >= tokens.length)
    throw new UserError(
      `GGUF metadata: tokenizer.ggml.${key} is ${index}, but there are ${tokens.length} tokens`,
    );
  return tokens[index];
}

/** The tokenizer.json that says the same as the GGUF's keys. */
function ggufTokenizerJson(vocabulary: GgufVocabulary): Record<string, unknown> {
  const chosen = preTokenizerNamed(vocabulary["tokenizer.ggml.pre"]);
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
  const wanted = (key: "bos_token_id" | "eos_token_id", add: boolean) => {
    const token = add ? tokenAt(vocabulary, key) : undefined;
    return token === undefined ? [] : [{ token, id: vocabulary[`tokenizer.ggml.${key}`] }];
  };
  const bos = wanted("bos_token_id", vocabulary["tokenizer.ggml.add_bos_token"] ?? addBosByDefault);
  const eos = wanted("eos_token_id", vocabulary["tokenizer.ggml.add_eos_token"] ?? false);
  if (bos.length + eos.length === 0) return null;
  const special = ({ token }: { token: string }): object => ({
    SpecialToken: { id: token, type_id: 0 },
  });
  const around = (id: "A" | "B"): object[] => [
    ...bos.map(special),
    { Sequence: { id, type_id: 0 } },
    ...eos.map(special),
  ];
  return {
    type: "TemplateProcessing",
    single: around("A"),
    pair: [...around("A"), ...around("B")],
    special_tokens: Object.fromEntries(
      [...bos, ...eos].map(({ token, id }) => [token, { id: token, ids: [id], tokens: [token] }]),
    ),
  };
}
