/** What Python's str does, on JavaScript's strings: whitespace, characters and cases are Python's. */
import { checkLength, codePoints, fail } from "./values";

const SPACE = "\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
/** Python's whitespace: JavaScript's \s has U+FEFF more, and U+001C to U+001F and U+0085 less. */
export const whitespace = new RegExp(`[${SPACE}]`);
const leading = new RegExp(`^[${SPACE}]+`);
const runs = new RegExp(`[${SPACE}]+`, "g");
const lineEnd = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;

/** Which ends a strip takes. */
export type Side = "both" | "left" | "right";

/** strip, lstrip and rstrip: of whitespace, or of any of `characters`. */
export function strip(text: string, characters: string | undefined, side: Side): string {
  if (characters === undefined) {
    const start = side === "right" ? text : text.replace(leading, "");
    return side === "left" ? start : start.slice(0, endWithoutSpace(start));
  }
  const points = codePoints(text);
  const unwanted = new Set(characters);
  let [start, end] = [0, points.length];
  if (side !== "right") while (start < end && unwanted.has(points[start])) start++;
  if (side !== "left") while (end > start && unwanted.has(points[end - 1])) end--;
  return joined(points.slice(start, end));
}

/** By hand: a pattern that ends in $ takes time quadratic in runs of whitespace. */
function endWithoutSpace(text: string): number {
  let end = text.length;
  while (end > 0 && whitespace.test(text[end - 1])) end--;
  return end;
}

/** Code points as a text again. */
export function joined(points: string | string[]): string {
  return typeof points === "string" ? points : points.join("");
}

/** split and rsplit; -1 is no limit. */
export function split(
  text: string,
  separator: string | undefined,
  limit: number,
  fromRight: boolean,
): string[] {
  if (separator === "") return fail("split(): the separator is empty");
  const parts = separator === undefined ? text.split(runs) : text.split(separator);
  if (separator === undefined && parts[0] === "") parts.shift();
  if (separator === undefined && parts.at(-1) === "") parts.pop();
  if (limit < 0 || parts.length <= limit) return parts;
  if (separator === undefined) return splitAtSpaces(text, limit, fromRight);
  return fromRight
    ? [parts.slice(0, parts.length - limit).join(separator), ...parts.slice(parts.length - limit)]
    : [...parts.slice(0, limit), parts.slice(limit).join(separator)];
}

/** With fewer cuts than there are gaps: what is left over keeps its inner whitespace. */
function splitAtSpaces(text: string, limit: number, fromRight: boolean): string[] {
  const parts: string[] = [];
  const side = fromRight ? "right" : "left";
  let rest = strip(text, undefined, side);
  while (rest !== "" && parts.length < limit) {
    const gap = fromRight ? lastSpace(rest) : rest.search(whitespace);
    if (gap < 0) break;
    parts.push(fromRight ? rest.slice(gap + 1) : rest.slice(0, gap));
    rest = strip(fromRight ? rest.slice(0, gap) : rest.slice(gap), undefined, side);
  }
  if (rest !== "") parts.push(rest);
  return fromRight ? parts.reverse() : parts;
}

function lastSpace(text: string): number {
  let at = text.length - 1;
  while (at >= 0 && !whitespace.test(text[at])) at--;
  return at;
}

/** splitlines. */
export function splitLines(text: string, keepEnds = false): string[] {
  const lines: string[] = [];
  let rest = text;
  for (let end = lineEnd.exec(rest); end; end = lineEnd.exec(rest)) {
    const after = end.index + end[0].length;
    lines.push(rest.slice(0, keepEnds ? after : end.index));
    rest = rest.slice(after);
  }
  return rest === "" ? lines : [...lines, rest];
}

/** replace, the first `limit` times; all, where that is negative. */
export function replace(text: string, old: string, by: string, limit: number): string {
  const parts = old === "" ? ["", ...codePoints(text), ""] : text.split(old);
  const times = limit < 0 ? parts.length - 1 : Math.min(limit, parts.length - 1);
  checkLength(text.length + times * (by.length - old.length));
  const replaced = parts.slice(0, times + 1).join(by);
  return [replaced, ...parts.slice(times + 1)].join(old);
}

/** `text * times`. */
export function repeat(text: string, times: number): string {
  checkLength(text.length * Math.max(times, 0));
  return text.repeat(Math.max(times, 0));
}

/** Python's titlecase of one character: of ǆ it is ǅ, of ß Ss. */
function titleCharacter(character: string): string {
  const upper = character.toUpperCase();
  const code = character.codePointAt(0) ?? 0;
  if (/[\u01c4-\u01cc\u01f1-\u01f3]/.test(character))
    return String.fromCharCode(code < 0x1f0 ? 0x1c5 + 3 * Math.floor((code - 0x1c4) / 3) : 0x1f2);
  if (/[\u10d0-\u10ff]/.test(character)) return character;
  if (/[\u1f80-\u1faf]/.test(character)) return String.fromCharCode(code | 8);
  if (/[\u1fb3\u1fc3\u1ff3\u1fbc\u1fcc\u1ffc]/.test(character))
    return String.fromCharCode((code & ~15) | 12);
  const [first, ...rest] = upper;
  return rest.length === 0 ? upper : (first ?? "") + rest.join("").toLowerCase();
}

/** capitalize. */
export function capitalize(text: string): string {
  const [first = "", ...rest] = text;
  return titleCharacter(first) + rest.join("").toLowerCase();
}

/** title: every letter after something that is none is in titlecase. */
export function title(text: string): string {
  return text.replace(/\p{Cased}+/gu, capitalize);
}

/** swapcase. */
export function swapCase(text: string): string {
  return [...text]
    .map((c) =>
      /^\p{Uppercase}$/u.test(c)
        ? c.toLowerCase()
        : /^\p{Lowercase}$/u.test(c)
          ? c.toUpperCase()
          : c,
    )
    .join("");
}

/** find and rfind: the place in code points from `start` to `end` (as in slices), or -1. */
export function find(
  text: string,
  part: string,
  start: number,
  end: number,
  last: boolean,
): number {
  const searched = window(text, start, end);
  const at = (last ? searched?.lastIndexOf(part) : searched?.indexOf(part)) ?? -1;
  if (searched === undefined || at < 0) return -1;
  return clamp(start, codePoints(text).length) + codePoints(searched.slice(0, at)).length;
}

/** The part from `start` to `end`, as in slices; undefined where that begins behind its end, which holds nothing, not even "". */
export function window(text: string, start: number, end: number): string | undefined {
  const points = codePoints(text);
  const [from, to] = [clamp(start, points.length), clamp(end, points.length)];
  return from > to || start > points.length ? undefined : joined(points.slice(from, to));
}

function clamp(place: number, length: number): number {
  return place < 0 ? Math.max(0, place + length) : Math.min(place, length);
}

/** count: occurrences that do not overlap. */
export function count(text: string | undefined, part: string): number {
  if (text === undefined) return 0;
  return part === "" ? codePoints(text).length + 1 : text.split(part).length - 1;
}

/** ljust, rjust, center and zfill. */
export function pad(
  text: string,
  width: number,
  fill: string,
  where: "left" | "right" | "both",
): string {
  const length = codePoints(text).length;
  const missing = Math.max(0, width - length);
  checkLength(length + missing);
  const left =
    where === "left" ? missing : where === "right" ? 0 : (missing >> 1) + (missing & width & 1);
  return fill.repeat(left) + text + fill.repeat(missing - left);
}

/** expandtabs. */
export function expandTabs(text: string, size: number): string {
  let column = 0;
  let result = "";
  for (const character of text) {
    const spaces = size > 0 ? size - (column % size) : 0;
    result += character === "\t" ? repeat(" ", spaces) : character;
    checkLength(result.length);
    column = /[\n\r]/.test(character) ? 0 : column + (character === "\t" ? spaces : 1);
  }
  return result;
}

/** Characters that have a digit's value but are no decimal digits. */
const otherDigits =
  "\\xb2\\xb3\\xb9\\u1369-\\u1371\\u19da\\u2070\\u2074-\\u2079\\u2080-\\u2089\\u2460-\\u2468\\u2474-\\u247c\\u2488-\\u2490\\u24ea\\u24f5-\\u24fd\\u24ff\\u2776-\\u277e\\u2780-\\u2788\\u278a-\\u2792\\u{10a40}-\\u{10a43}\\u{10e60}-\\u{10e68}\\u{11052}-\\u{1105a}\\u{1f100}-\\u{1f10a}";

/** isalpha and its kin: what all characters are, in a text that is not empty. */
export const kinds: Readonly<Record<string, RegExp>> = {
  isalpha: /^\p{L}+$/u,
  isalnum: /^[\p{L}\p{N}]+$/u,
  isdecimal: /^\p{Nd}+$/u,
  isdigit: new RegExp(`^[\\p{Nd}${otherDigits}]+$`, "u"),
  isspace: new RegExp(`^[${SPACE}]+$`),
  isascii: /^[\0-\x7f]*$/,
  islower: /^(?=.*\p{Lowercase})[^\p{Uppercase}\p{Lt}]*$/su,
  isupper: /^(?=.*\p{Uppercase})[^\p{Lowercase}\p{Lt}]*$/su,
};

/** istitle. */
export function isTitle(text: string): boolean {
  return (
    /\p{Cased}/u.test(text) &&
    !/\p{Cased}[\p{Uppercase}\p{Lt}]|(?<!\p{Cased})\p{Lowercase}/u.test(text)
  );
}

/** join, refused before it is made where it is too long. */
export function joinParts(parts: readonly string[], separator: string): string {
  checkLength(parts.reduce((sum, part) => sum + part.length + separator.length, 0));
  return parts.join(separator);
}
