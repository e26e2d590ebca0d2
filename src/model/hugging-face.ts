/**
 * Loads the two Hugging Face libraries that ship CommonJS code but declare only ESM types, so that a plain
 * import of either does not compile here; what is used of them is declared by hand. How it is used is elsewhere.
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

/** A value of a running template, e.g. type "StringValue" with a string. */
export interface JinjaValue {
  readonly type: string;
  readonly value: unknown;
}

/** A node of a parsed template. */
export interface JinjaNode {
  readonly type: string;
}

/** A template's variables. */
export interface JinjaEnvironment {
  set(name: string, value: unknown): JinjaValue;
}

interface JinjaInterpreter {
  run(program: JinjaNode): JinjaValue;
  /** Called for every node, and by itself for the nodes inside. */
  evaluate(node: JinjaNode | undefined, environment: JinjaEnvironment): JinjaValue;
}

interface JinjaModule {
  readonly Environment: new () => JinjaEnvironment;
  readonly Interpreter: new (environment: JinjaEnvironment) => JinjaInterpreter;
  tokenize(source: string, options: { lstrip_blocks: boolean; trim_blocks: boolean }): unknown[];
  parse(tokens: unknown[]): JinjaNode;
}

const load = createRequire(__filename);

/** @huggingface/tokenizers; its other steps are not as its counterpart in Rust has them, and done here (tokenization/). */
export const tokenizersLibrary = load("@huggingface/tokenizers") as TokenizersModule;
/** @huggingface/jinja: parser and interpreter of chat templates. */
export const jinjaLibrary = load("@huggingface/jinja") as JinjaModule;
