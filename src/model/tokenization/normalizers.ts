/** What a tokenizer does to a text before it is cut. */
import { z } from "zod";
import { toByteLevel } from "./byte-level";
import { compilePattern, patternSchema, replaceMatches } from "./patterns";
import { precompiledNormalizer } from "./precompiled";
import { flattened, make, type Makers, settings } from "./steps";
import { normalForm } from "./unicode";

/** A text to the text that is cut. */
export type Normalizer = (text: string) => string;

const what = "normalizer";
const replaceSchema = z.object({ pattern: patternSchema, content: z.string() });

const makers: Makers<Normalizer> = {
  Sequence(step) {
    const { normalizers } = settings(step, what, z.object({ normalizers: z.array(z.unknown()) }));
    const steps = normalizers.map(compileNormalizer);
    return (text) => steps.reduce((result, normalize) => normalize(result), text);
  },
  NFC: () => (text) => normalForm(text, "NFC"),
  NFD: () => (text) => normalForm(text, "NFD"),
  NFKC: () => (text) => normalForm(text, "NFKC"),
  NFKD: () => (text) => normalForm(text, "NFKD"),
  // Character by character: a sigma that ends a word is no other sigma there.
  Lowercase: () => (text) => text.replaceAll("Σ", "σ").toLowerCase(),
  Prepend(step) {
    const { prepend } = settings(step, what, z.object({ prepend: z.string() }));
    return (text) => (text === "" ? "" : prepend + text);
  },
  Replace(step) {
    const { pattern, content } = settings(step, what, replaceSchema);
    const compiled = compilePattern(pattern);
    return (text) => replaceMatches(text, compiled, content);
  },
  Strip(step) {
    const sides = z.object({ strip_left: z.boolean(), strip_right: z.boolean() });
    const { strip_left, strip_right } = settings(step, what, sides);
    return (text) => stripped(text, strip_left, strip_right);
  },
  Nmt: () => nmt,
  Precompiled(step) {
    const charsmap = z.object({ precompiled_charsmap: z.string().nullable() });
    return precompiledNormalizer(settings(step, what, charsmap).precompiled_charsmap);
  },
  ByteLevel: () => toByteLevel,
};

/** What a step of tokenizer.json does. Throws UserError for one that cannot be had. */
export function compileNormalizer(step: unknown): Normalizer {
  return make(step, what, makers);
}

/** Without the spaces at its ends. No pattern: on long runs of spaces it would take the square of their length. */
function stripped(text: string, left: boolean, right: boolean): string {
  const isSpace = (index: number): boolean => /\p{White_Space}/u.test(text[index]);
  let [start, end] = [0, text.length];
  while (left && start < end && isSpace(start)) start++;
  while (right && start < end && isSpace(end - 1)) end--;
  return text.slice(start, end);
}

/** SentencePiece's rules for control characters and odd spaces. */
function nmt(text: string): string {
  return text
    .replace(/[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]/g, "")
    .replace(/[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g, " ");
}

/** Whether the normalizer leaves it plain which part of its result comes from a text's first character. */
export function keepsStart(step: unknown): boolean {
  return flattened(step, "normalizers").every(({ type, ...rest }) => {
    if (type !== "Replace") return !["Strip", "Nmt", "ByteLevel"].includes(type);
    const { pattern, content } = settings(rest, what, replaceSchema);
    return "String" in pattern && [...pattern.String].length === 1 && content !== "";
  });
}
