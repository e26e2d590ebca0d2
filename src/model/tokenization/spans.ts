/** Where a pattern matches a text, and what is made of that: replaced, or cut. */
import { z } from "zod";
import { compilePattern, type patternSchema } from "./patterns";
import { forPatterns } from "./unicode";

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
