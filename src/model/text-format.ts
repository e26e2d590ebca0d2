/** Text in and out of a model: its tokenizer, chat template and special tokens, from a folder as transformers writes it. */
import path from "node:path";
import { chatTemplateOf } from "./chat-templates";
import { readJsonIfThere } from "../files/text";
import { specialTokensOf } from "./special-tokens";
import { tokenizerFromJson } from "./tokenizer";
import type { Tokenizer } from "./types";

/** Text in and out of a model. */
export interface TextFormat {
  /** Text to token ids and back. */
  readonly tokenizer: Tokenizer;
  /** The template of conversations, in Jinja; absent in base models. */
  readonly chatTemplate?: string;
  /** The token that begins a text, where there is one. */
  readonly bosToken?: string;
  /** The token that ends an answer, where there is one. */
  readonly eosToken?: string;
  /** Further named tokens that chat templates may use, such as `pad_token`. */
  readonly specialTokens?: Readonly<Record<string, string>>;
}

/** From the folder's files, with its config.json parsed; undefined where it has no tokenizer.json. Throws UserError for broken ones. */
export async function readTextFormat(
  directory: string,
  config: unknown,
): Promise<TextFormat | undefined> {
  const read = (name: string): Promise<unknown> => readJsonIfThere(path.join(directory, name));
  const tokenizer = await read("tokenizer.json");
  if (tokenizer === undefined) return undefined;
  const tokenizerConfig = await read("tokenizer_config.json");
  const specialTokensMap = await read("special_tokens_map.json");
  const {
    bos_token: bosToken,
    eos_token: eosToken,
    ...specialTokens
  } = specialTokensOf({ config, tokenizer, tokenizerConfig, specialTokensMap });
  const chatTemplate = await chatTemplateOf(directory, tokenizerConfig);
  return {
    tokenizer: tokenizerFromJson(tokenizer, tokenizerConfig, directory, specialTokensMap),
    ...(chatTemplate === undefined ? {} : { chatTemplate }),
    ...(bosToken === undefined ? {} : { bosToken }),
    ...(eosToken === undefined ? {} : { eosToken }),
    specialTokens,
  };
}
