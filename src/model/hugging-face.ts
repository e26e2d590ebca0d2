/**
 * Loads the Hugging Face library that ships CommonJS code but declares only ESM types, so that a plain import of it
 * does not compile here; what is used of it is declared by hand. How it is used is elsewhere.
 */
import { createRequire } from "node:module";

/** A tokenizer of @huggingface/tokenizers 0.2. */
export interface LibraryTokenizer {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  decode(ids: readonly number[], options: { skip_special_tokens: boolean }): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
}

interface TokenizersModule {
  readonly Tokenizer: new (tokenizerJson: object, config: object) => LibraryTokenizer;
}

const load = createRequire(__filename);

/** @huggingface/tokenizers: tokenizer.json in, ids out. */
export const tokenizersLibrary = load("@huggingface/tokenizers") as TokenizersModule;
