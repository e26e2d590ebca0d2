/** JSON from untrusted files: refuses duplicate keys, deep nesting and absurd amounts, which JSON.parse lets pass. */
import { UserError } from "../messages/errors";
import { quoteName } from "./files";

const maximumDepth = 64;
/** Far above any model's header or index; keeps a hostile one from filling the memory. */
const maximumValues = 2 ** 21;

/**
 * The value that a JSON text holds.
 * Throws a one-line UserError, naming `where`, for text that is not JSON, nests more than 64 deep,
 * has more than 2^21 values or repeats a key.
 */
export function parseStrictJson(text: string, where: string): unknown {
  checkStructure(text, where);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new UserError(`${where} is not valid JSON: the file is damaged`);
  }
}

/** One pass over the text with the keys of every open object; bad syntax is left to JSON.parse. */
function checkStructure(text: string, where: string): void {
  const open: Set<string>[] = [];
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "{" || character === "[") {
      if (open.length === maximumDepth) throw new UserError(`${where} nests too deeply`);
      open.push(new Set());
    } else if (character === "}" || character === "]") {
      open.pop();
    } else if (character === ",") {
      if (++values === maximumValues) throw new UserError(`${where} has too many values`);
    } else if (character === '"') {
      const end = stringEnd(text, at);
      if (isKey(text, end)) addKey(open.at(-1), text.slice(at, end), where);
      at = end - 1;
    }
  }
}

/** Where the string that opens at `start` has ended (after its closing quote). */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (" \t\r\n".includes(text[at] ?? "x")) at++;
  return text[at] === ":";
}

function addKey(keys: Set<string> | undefined, literal: string, where: string): void {
  const key = literal.includes("\\") ? unescape(literal) : literal.slice(1, -1);
  if (keys?.has(key)) throw new UserError(`${where} has the key ${quoteName(key)} twice`);
  keys?.add(key);
}

function unescape(literal: string): string {
  try {
    return JSON.parse(literal) as string;
  } catch {
    return literal;
  }
}
