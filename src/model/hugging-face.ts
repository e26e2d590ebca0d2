/**
 * Loads the Hugging Face library that ships CommonJS code but declares only ESM types, so that a plain import of it
 * does not compile here; what is used of it is declared by hand. How it is used is elsewhere.
 */
import { createRequire } from "node:module";

/** What is used of @huggingface/tokenizers 0.2: its merging, its WordPiece and its translation of patterns. */
interface TokenizersModule {
  /** Byte-pair encoding; `bpe` gives a piece's tokens, single characters where the vocabulary lacks them. */
  readonly BPE: new (model: object) => LibraryModel & { bpe(piece: string): readonly string[] };
  readonly WordPiece: new (model: object) => LibraryModel & { encode(pieces: string[]): string[] };
  readonly SplitPreTokenizer: new (step: object) => { readonly pattern: RegExp };
}

interface LibraryModel {
  readonly tokens_to_ids: ReadonlyMap<string, number>;
}

const load = createRequire(__filename);

/** @huggingface/tokenizers; its other steps are not as its counterpart in Rust has them, and done here (tokenization/). */
export const tokenizersLibrary = load("@huggingface/tokenizers") as TokenizersModule;
