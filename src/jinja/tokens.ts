/** Tokens read one after another, as the parser needs them. */
import type { Token } from "./lexer";
import { TemplateError } from "./values";

/** Brackets and blocks within one another (a pair of brackets counts twice); Python gives up at about as many. */
const MAXIMUM_DEPTH = 200;

/** Reads tokens one after another. Every method throws TemplateError, with the line, where the syntax is wrong. */
export class TokenStream {
  #at = 0;
  #depth = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  get token(): Token {
    return this.tokens[this.#at];
  }
  get line(): number {
    return this.token.line;
  }

  /** Stops with a reason and the line. */
  refuse(reason: string, line = this.line): never {
    const error = new TemplateError(reason);
    error.line = line;
    throw error;
  }

  take(): Token {
    const { token } = this;
    if (token.kind !== "end") this.#at++;
    return token;
  }

  is(kind: Token["kind"], text?: string, ahead = 0): boolean {
    const token = this.tokens[Math.min(this.#at + ahead, this.tokens.length - 1)];
    return token.kind === kind && (text === undefined || token.text === text);
  }

  skip(kind: Token["kind"], text?: string): boolean {
    const found = this.is(kind, text);
    if (found) this.take();
    return found;
  }

  expect(kind: Token["kind"], text?: string): Token {
    if (this.is(kind, text)) return this.take();
    return this.refuse(`expected ${text ?? kind}, got ${this.described()}`);
  }

  /** The present token for a message. */
  described(): string {
    const { kind, text } = this.token;
    return kind === "end" ? "the end of the template" : JSON.stringify(text);
  }

  /** Within limits of nesting. */
  nested<T>(parse: () => T): T {
    if (++this.#depth > MAXIMUM_DEPTH) this.refuse("it is nested too deeply");
    const result = parse();
    this.#depth--;
    return result;
  }
}
