/** Patterns of tokenizer.json, which are Oniguruma's, as JavaScript's; what would mean something else there is refused. */
import { z } from "zod";
import { errorMessage, UserError } from "../../messages/errors";
import { tokenizersLibrary } from "../hugging-face";

const text = z.string().max(50_000);
/** A text to be found as it stands, or a pattern. */
export const patternSchema = z.union([z.object({ String: text }), z.object({ Regex: text })]);

/** With classes in it, but none in those. */
const characterClass = String.raw`\[(?:\\[^]|\[(?:\\[^]|[^\]\\[])*\]|[^\]\\[])*\]`;
const escaped = String.raw`\\[pP]\{[^}]*\}|\\x\{[^}]*\}|\\[^]`;
/** One character to be matched, a group's beginning or end, or anything else; with a possessive quantifier where it has one. */
const element = new RegExp(
  String.raw`(?<one>${characterClass}|${escaped}|[^\\()[\]|?*+{}^$])(?<possessive>[?*+]\+)?|(?<group>\((?:\?<?[^])?|\))(?<atomic>[?*+]\+)?|[^]`,
  "gu",
);
const knownEscape = /^\\(?:[pPsSdDwWhHbBAzZnrtfvae]|x[0-9A-Fa-f{]|u|[^A-Za-z0-9])/u;
const knownGroup = /^(?:\((?!\?)|\(\?[:=!]|\(\?<[=!]|\)$)/u;

/** The pattern with the flags g and u, for `spansOf`. Throws UserError for one that cannot be had. */
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
    if (text === "[") throw unsupported(pattern, "a character class without end, or too deep");
    if (one === undefined || possessive === undefined) return text;
    return possessive === "?+" ? `(?:${one}|(?!${one}))` : `${one}${possessive[0]}(?!${one})`;
  });
}

/** A line begins after a newline, but not where the text ends; the library begins one there too. */
function withoutLastLine(source: string): string {
  return source.replaceAll("|(?<=\\n))", "|(?<=\\n)(?=[\\s\\S]))");
}
