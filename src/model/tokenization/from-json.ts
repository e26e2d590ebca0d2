/** A tokenizer of tokenizer.json: the steps of Hugging Face's library in Rust ("the reference"), in its order. */
import { errorMessage, UserError } from "../../messages/errors";
import type { Tokenizer } from "../types";
import { addedVocabulary } from "./added-tokens";
import { withConfigTokens } from "./config-tokens";
import { compileDecoder } from "./decoders";
import {
  type TokenizerConfig,
  tokenizerConfigSchema,
  type TokenizerJson,
  tokenizerJsonSchema,
} from "./json";
import { compileModel } from "./models";
import { compileNormalizer, type Normalizer } from "./normalizers";
import { compilePostProcessor } from "./post-processors";
import { compilePreTokenizer } from "./pre-tokenizers";
import { checked } from "./steps";
import { wellFormed } from "./unicode";

/**
 * A tokenizer from the contents of tokenizer.json and, where they are, tokenizer_config.json and special_tokens_map.json (parsed).
 * `where` names the source in errors. Special tokens (BOS) are added only where `encode` is asked to.
 * Throws UserError for what is not a usable tokenizer, or one that cannot be computed as the reference does.
 */
export function tokenizerFromJson(
  tokenizerJson: unknown,
  tokenizerConfig: unknown,
  where: string,
  specialTokensMap?: unknown,
): Tokenizer {
  const json = checked(tokenizerJsonSchema, tokenizerJson, where);
  const config = checked(tokenizerConfigSchema, tokenizerConfig ?? {}, where);
  const map = checked(tokenizerConfigSchema, specialTokensMap ?? {}, where);
  try {
    return compile(json, config, map, where);
  } catch (error) {
    throw new UserError(`${where}: the tokenizer cannot be used: ${errorMessage(error)}`);
  }
}

function compile(
  json: TokenizerJson,
  config: TokenizerConfig,
  map: TokenizerConfig,
  where: string,
): Tokenizer {
  const normalizer = json.normalizer ? compileNormalizer(json.normalizer) : undefined;
  const cut = compilePreTokenizer(json.pre_tokenizer);
  const model = compileModel(json.model);
  const process = compilePostProcessor(json.post_processor);
  const decode = compileDecoder(json.decoder);
  const tokens = withConfigTokens(json.added_tokens ?? [], config, map);
  const added = addedVocabulary(tokens, model, normalizer, config.split_special_tokens ?? false);
  const textOf = (id: number): string | undefined => added.textOf(id) ?? model.tokens[id];
  const cleanUp = cleansUp(json, config);

  /** Adds the ids of what lies between added tokens that are found in the text as it stands. */
  const encodePlain = (text: string, start: number, ids: number[]): void => {
    const normalized = normalizer ? normalizer.normalize(text) : text;
    const head = start === 0 ? headOf(text, normalizer) : 0;
    for (const section of added.splitNormalized(normalized)) {
      if ("id" in section) ids.push(section.id);
      else
        for (const piece of cut({ text: section.text, head: Math.max(0, head - section.start) }))
          for (const id of model.encode(piece.text)) ids.push(id);
    }
  };
  return {
    vocabularySize: [...added.ids.values()].reduce(
      (size, id) => Math.max(size, id + 1),
      model.tokens.length,
    ),
    encode(text, { addSpecial = false } = {}) {
      const ids: number[] = [];
      try {
        for (const section of added.splitPlain(wellFormed(text))) {
          if ("id" in section) ids.push(section.id);
          else encodePlain(section.text, section.start, ids);
        }
      } catch (error) {
        throw error instanceof UserError ? new UserError(`${where}: ${error.message}`) : error;
      }
      return [...process(ids, addSpecial)];
    },
    decode(ids, { skipSpecial = false } = {}) {
      const shown = ids.flatMap((id) => {
        const token = textOf(id);
        return token === undefined || (skipSpecial && added.isSpecial(token)) ? [] : [token];
      });
      const text = decode(shown).join("");
      return cleanUp ? withoutSpaces(text) : text;
    },
    idOf: (token) => added.ids.get(token) ?? model.ids.get(token),
  };
}

/** How much of the normalized text comes from the text's first character. */
function headOf(text: string, normalizer: Normalizer | undefined): number {
  if (!normalizer) return 1;
  if (!normalizer.keepsStart(text)) return 0;
  const first = String.fromCodePoint(text.codePointAt(0)!);
  return Math.max(1, normalizer.normalize(first).length);
}

/** As transformers 5 has it, byte-pair encodings are left alone whatever the configuration says: their spaces are the text's own. */
function cleansUp({ model }: TokenizerJson, config: TokenizerConfig): boolean {
  return !("merges" in model) && (config.clean_up_tokenization_spaces ?? false);
}

/** Without the spaces that joining words puts before marks. */
function withoutSpaces(text: string): string {
  const marks = [" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"];
  return marks.reduce((result, mark) => result.replaceAll(mark, mark.trim()), text);
}
