/**
 * Loads the two Hugging Face libraries that ship CommonJS code but declare only ESM types, so that a plain
 * import of either does not compile here; what is used of them is declared by hand. How it is used is elsewhere.
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

/** @huggingface/tokenizers: tokenizer.json in, ids out. */
export const tokenizersLibrary = load("@huggingface/tokenizers") as TokenizersModule;
/** @huggingface/jinja: parser and interpreter of chat templates. */
export const jinjaLibrary = load("@huggingface/jinja") as JinjaModule;
