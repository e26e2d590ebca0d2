/** Patterns of tokenizer.json, which are Oniguruma's, as JavaScript's; what would mean something else there is refused. */
import { z } from "zod";
import { errorMessage, UserError } from "../../messages/errors";
import { tokenizersLibrary } from "../hugging-face";
import { forPatterns } from "./unicode";

/** A text to be found as it stands, or a pattern. */
export const patternSchema = z.union([
  z.object({ String: z.string() }),
  z.object({ Regex: z.string() }),
]);

const characterClass = String.raw`\[(?:\\[^]|\[(?:\\[^]|[^\]\\])*\]|[^\]\\])*\]`;
const escape = String.raw`\\[pP]\{[^}]*\}|\\x\{[^}]*\}|\\[^]`;
/** One character to be matched, a group's beginning or end, or anything else; with a possessive quantifier where it has one. */
const element = new RegExp(
  String.raw`(?<one>${characterClass}|${escape}|[^\\()[\]|?*+{}^$])(?<possessive>[?*+]\+)?|(?<group>\((?:\?<?[^])?|\))(?<atomic>[?*+]\+)?|[^]`,
  "gu",
);
const knownEscape = /^\\(?:[pPsSdDwWhHbBAzZnrtfvae]|x[0-9A-Fa-f{]|u|[^A-Za-z0-9])/u;
const knownGroup = /^(?:\((?!\?)|\(\?[:=!]|\(\?<[=!]|\)$)/u;

/** The pattern with the flags g and u, to be given to `spansOf`. Throws UserError for one that cannot be had. */
export function compilePattern(pattern: z.infer<typeof patternSchema>): RegExp {
  if ("String" in pattern)
    return new RegExp(pattern.String.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gu");
  const rewritten = withoutPossessives(withoutCase(pattern.Regex));
  try {
    const { source } = new tokenizersLibrary.SplitPreTokenizer({
      pattern: { Regex: rewritten },
      invert: false,
    }).pattern;
    return new RegExp(withoutLastLine(source), "gu");
  } catch (error) {
    throw unsupported(pattern.Regex, errorMessage(error));
  }
}

function unsupported(pattern: string, reason: string): UserError {
  return new UserError(`the pattern ${JSON.stringify(pattern.slice(0, 80))}: ${reason}`);
}

/** `(?i:…)` written out. Unicode folds ſ to s and K (Kelvin) to k, which the library does not do. */
function withoutCase(pattern: string): string {
  return pattern.replace(/\(\?i:([^()]*)\)/g, (group, body: string) => {
    if (!/^(?:[a-z' |]|\[[a-z]+\])*$/i.test(body) || /ss|st|ff|fi|fl/i.test(body))
      throw unsupported(group, "only plain letters can be matched in either case");
    const written = body.replace(/\[?[a-z]+\]?/gi, (letters) =>
      letters.startsWith("[")
        ? `[${[...letters.slice(1, -1)].map(inEitherCase).join("")}]`
        : [...letters].map((letter) => `[${inEitherCase(letter)}]`).join(""),
    );
    return `(?:${written})`;
  });
}

function inEitherCase(letter: string): string {
  const [small, large] = [letter.toLowerCase(), letter.toUpperCase()];
  const more = { s: "\u017f", k: "\u212a" }[small] ?? "";
  return small + large + more;
}

/** Possessive quantifiers of single characters by what they mean; the library makes greedy ones of them. */
function withoutPossessives(pattern: string): string {
  return pattern.replace(element, (text, ...rest) => {
    const { one, possessive, group, atomic } = rest.at(-1) as Record<string, string | undefined>;
    if (group !== undefined && (atomic !== undefined || !knownGroup.test(group)))
      throw unsupported(pattern, `the group ${group}…${atomic ?? ""} is not supported`);
    if (one?.startsWith("\\") && !knownEscape.test(one))
      throw unsupported(pattern, `${one} is not supported`);
    if (one !== undefined && /^\[\^?\]/.test(one))
      throw unsupported(pattern, "an empty character class");
    if (one === undefined || possessive === undefined) return text;
    return possessive === "?+" ? `(?:${one}|(?!${one}))` : `${one}${possessive[0]}(?!${one})`;
  });
}

/** A line begins after a newline, but not where the text ends; the library begins one there too. */
function withoutLastLine(source: string): string {
  return source.replaceAll("|(?<=\\n))", "|(?<=\\n)(?=[\\s\\S]))");
}

/** A part of a text, from `start` to before `end` (UTF-16 units). */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly matched: boolean;
}

/** A text's matches and what lies between them, in order, none for an empty text; `read` is the text as the pattern sees it. */
export function spansOf(text: string, pattern: RegExp, read = forPatterns(text)): Span[] {
  const spans: Span[] = [];
  if (text === "") return spans;
  let end = 0;
  let lastMatch = -1;
  for (const match of read.matchAll(pattern)) {
    const [start, stop] = [match.index, match.index + match[0].length];
    // As in the reference, an empty match right behind another is none; nor is one within a surrogate pair, as V8 has them.
    if (start === stop && (stop === lastMatch || isWithinPair(text, start))) continue;
    if (end < start) spans.push({ start: end, end: start, matched: false });
    spans.push({ start, end: stop, matched: true });
    end = lastMatch = stop;
  }
  if (end < text.length) spans.push({ start: end, end: text.length, matched: false });
  return spans;
}

function isWithinPair(text: string, index: number): boolean {
  return index > 0 && text.codePointAt(index - 1)! > 0xffff;
}

/** What replaces every match of a pattern by `content`, taken as it stands. */
export function replacing(
  pattern: z.infer<typeof patternSchema>,
  content: string,
): (text: string) => string {
  if ("String" in pattern && pattern.String !== "")
    return (text) => text.replaceAll(pattern.String, () => content);
  const compiled = compilePattern(pattern);
  return (text) =>
    spansOf(text, compiled)
      .map(({ start, end, matched }) => (matched ? content : text.slice(start, end)))
      .join("");
}

/** What becomes of the matches where a text is split, by its name in tokenizer.json. */
export const splitBehavior = z.enum([
  "Removed",
  "Isolated",
  "MergedWithPrevious",
  "MergedWithNext",
  "Contiguous",
]);

/** The parts of a text that is split at the matched spans. */
export function splitAt(
  spans: readonly Span[],
  behavior: z.infer<typeof splitBehavior>,
): readonly Pick<Span, "start" | "end">[] {
  switch (behavior) {
    case "Removed":
      return spans.filter(({ matched }) => !matched);
    case "Isolated":
      return spans;
    case "Contiguous":
      return joined(spans, (matched, before) => matched === before);
    case "MergedWithPrevious":
      return joined(spans, (matched, before) => matched && !before);
    case "MergedWithNext":
      return joined(spans.toReversed(), (matched, before) => matched && !before).reverse();
  }
}

/** Spans put together with the one before where `joins` says so. */
function joined(
  spans: readonly Span[],
  joins: (matched: boolean, before: boolean) => boolean,
): { start: number; end: number }[] {
  const parts: { start: number; end: number }[] = [];
  let before = false;
  for (const { start, end, matched } of spans) {
    const last = parts.at(-1);
    if (last && joins(matched, before)) {
      last.start = Math.min(last.start, start);
      last.end = Math.max(last.end, end);
    } else parts.push({ start, end });
    before = matched;
  }
  return parts;
}
