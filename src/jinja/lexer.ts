/** A template's source as tokens, with jinja2's rules for whitespace: trim_blocks and lstrip_blocks are on, as transformers sets them. */
import { readInt } from "./numbers";
import { strip, whitespace } from "./text";
import { fail, TemplateError, type Value } from "./values";

/** A token; `text` is the operator, the name or the template's own text. */
export interface Token {
  readonly kind:
    | "text"
    | "print begin"
    | "print end"
    | "block begin"
    | "block end"
    | "name"
    | "operator"
    | "constant"
    | "end";
  readonly text: string;
  /** Of a constant: a text or number. */
  readonly value?: Value;
  readonly line: number;
}

const INTEGER = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy;
const FLOAT = /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy;
const NAME = /[\p{L}\p{N}_\p{ID_Continue}]+/uy;
const STRING = /'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"/sy;
const OPERATOR = /\*\*|\/\/|==|!=|<=|>=|[-+*/%~[\](){}<>=.:|,;]/y;
const TAG = /\{(?:%[-+]?|\{[-+]?|#[-+]?)/g;
const RAW = /\{%[-+]?\s*raw\s*-?%\}/y;
const RAW_END = /\{%([-+]?)\s*endraw\s*(?:\+%\}|-%\}|%\})/g;
const COMMENT_END = /\+#\}|-#\}|#\}/g;
const closing: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/** The source's tokens, the last of kind "end". Throws TemplateError, with the line, for what is no template. */
export function tokenize(source: string): Token[] {
  return new Lexer(source.replace(/\r\n?/g, "\n").replace(/\n$/, "")).tokens();
}

class Lexer {
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  /** Whether what comes next begins a line of the source. */
  #lineStart = true;

  constructor(private readonly source: string) {}

  tokens(): Token[] {
    try {
      while (this.#at < this.source.length) this.#outside();
    } catch (error) {
      if (error instanceof TemplateError) error.line ??= this.#line;
      throw error;
    }
    this.#push("end", "");
    return this.#tokens;
  }

  #push(kind: Token["kind"], text: string, value?: Value): void {
    this.#tokens.push({ kind, text, line: this.#line, ...(value === undefined ? {} : { value }) });
  }

  /** Moves on to `end`, counting lines. */
  #moveTo(end: number): void {
    const passed = this.source.slice(this.#at, end);
    this.#line += passed.split("\n").length - 1;
    if (passed !== "") this.#lineStart = passed.endsWith("\n");
    this.#at = end;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.source)?.[0];
  }

  /** Text up to the next tag, and the tag. */
  #outside(): void {
    TAG.lastIndex = this.#at;
    const tag = TAG.exec(this.source);
    const start = tag ? tag.index : this.source.length;
    const text = this.source.slice(this.#at, start);
    const sign = tag?.[0][2] ?? "";
    this.#text(tag ? this.#before(text, sign, tag[0][1] === "{") : text, start);
    if (!tag) return;
    const raw = this.#match(RAW);
    if (raw !== undefined) return this.#raw(raw);
    this.#moveTo(start + tag[0].length);
    if (tag[0][1] === "#") return this.#comment();
    const block = tag[0][1] === "%";
    this.#push(block ? "block begin" : "print begin", tag[0]);
    this.#inside(block);
  }

  #text(text: string, end: number): void {
    if (text !== "") this.#push("text", text);
    this.#moveTo(end);
  }

  /** What is left of the text before a tag: all but whitespace for `{%-`; without the tag's own indentation for `{%`. */
  #before(text: string, sign: string, printing: boolean): string {
    if (sign === "-") return strip(text, undefined, "right");
    if (sign === "+" || printing) return text;
    const lineBegin = text.lastIndexOf("\n") + 1;
    const indentation = text.slice(lineBegin);
    const blank = indentation !== "" && strip(indentation, undefined, "both") === "";
    return blank && (lineBegin > 0 || this.#lineStart) ? text.slice(0, lineBegin) : text;
  }

  /** After the end of a tag: `-%}` takes all whitespace, `%}` one line end. */
  #after(end: string, start: number): void {
    let next = start + end.length;
    if (end.startsWith("-"))
      while (next < this.source.length && whitespace.test(this.source[next])) next++;
    else if (!end.startsWith("+") && !end.endsWith("}}") && this.source[next] === "\n") next++;
    this.#moveTo(next);
  }

  #comment(): void {
    if (this.#at === this.source.length) return;
    COMMENT_END.lastIndex = this.#at;
    const end = COMMENT_END.exec(this.source);
    if (!end) return fail("a comment is not closed");
    this.#after(end[0], end.index);
  }

  #raw(begin: string): void {
    this.#moveTo(this.#at + begin.length);
    if (begin.endsWith("-%}")) this.#moveTo(this.#at + spaces(this.source.slice(this.#at)));
    if (this.#at === this.source.length) return;
    RAW_END.lastIndex = this.#at;
    const end = RAW_END.exec(this.source);
    if (!end) return fail("{% raw %} is not closed");
    const text = this.source.slice(this.#at, end.index);
    this.#text(this.#before(text, end[1], false), end.index);
    const mark = /[-+]?%\}$/.exec(end[0])?.[0] ?? "";
    this.#after(mark, end.index + end[0].length - mark.length);
  }

  /** The expression or statement up to the end of its tag. */
  #inside(block: boolean): void {
    const ends = block ? /[-+]?%\}/y : /-?\}\}/y;
    const open: string[] = [];
    while (this.#at < this.source.length) {
      const end = open.length === 0 ? this.#match(ends) : undefined;
      if (end !== undefined) {
        this.#push(block ? "block end" : "print end", end);
        return this.#after(end, this.#at);
      }
      if (whitespace.test(this.source[this.#at])) this.#moveTo(this.#at + 1);
      else this.#token(open);
    }
  }

  #token(open: string[]): void {
    const number = this.#match(FLOAT);
    if (number !== undefined) return this.#constant(number, Number(number.replaceAll("_", "")));
    const integer = this.#match(INTEGER);
    if (integer !== undefined) return this.#constant(integer, readInt(integer, 0) ?? 0n);
    const name = this.#match(NAME);
    if (name !== undefined) {
      if (!/^[\p{ID_Start}_]/u.test(name)) fail(`"${name}" is no name`);
      this.#push("name", name);
      return this.#moveTo(this.#at + name.length);
    }
    const string = this.#match(STRING);
    if (string !== undefined) return this.#constant(string, unescape(string.slice(1, -1)));
    const operator = this.#match(OPERATOR);
    if (operator === undefined)
      fail(`unexpected character ${JSON.stringify(this.source[this.#at])}`);
    else this.#operator(operator, open);
  }

  #operator(operator: string, open: string[]): void {
    if (operator in closing) open.push(closing[operator]);
    else if (Object.values(closing).includes(operator) && open.pop() !== operator)
      fail(`unexpected "${operator}"`);
    this.#push("operator", operator);
    this.#moveTo(this.#at + operator.length);
  }

  #constant(text: string, value: Value): void {
    this.#push("constant", text, value);
    this.#moveTo(this.#at + text.length);
  }
}

function spaces(text: string): number {
  return text.length - strip(text, undefined, "left").length;
}

const escapes: Readonly<Record<string, string>> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** Python's escapes in a string; an unknown one stays as it is. */
function unescape(text: string): string {
  return text.replace(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|(.))/gsu,
    (all: string, x?: string, u?: string, wide?: string, octal?: string, other?: string) => {
      const hexadecimal = x ?? u ?? wide;
      if (hexadecimal !== undefined) return character(parseInt(hexadecimal, 16));
      if (octal !== undefined) return character(parseInt(octal, 8));
      if (other === undefined) return all;
      if (Object.hasOwn(escapes, other)) return escapes[other];
      if ("xuUN".includes(other))
        return fail(`the escape \\${other} in a string is not complete or not supported`);
      return other > "\x7f" ? `\\${codeOf(other)}` : all;
    },
  );
}

function character(code: number): string {
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
    return fail("a string holds an escape of no character");
  return String.fromCodePoint(code);
}

/** What Python makes of a backslash before a character beyond ASCII: the character's own escape, without its backslash. */
function codeOf(other: string): string {
  const code = other.codePointAt(0) ?? 0;
  const [mark, digits] = code < 256 ? ["x", 2] : code < 65536 ? ["u", 4] : ["U", 8];
  return `${mark}${code.toString(16).padStart(Number(digits), "0")}`;
}
