/** What a tokenizer does to a text before it is cut. */
import { z } from "zod";
import { toByteLevel } from "./byte-level";
import { patternSchema, compilePattern } from "./patterns";
import { precompiledNormalizer } from "./precompiled";
import { replacing, spansOf } from "./spans";
import { make, type Makers, settings } from "./steps";
import { lowerCase, normalForm } from "./unicode";

/** Turns a text into the one that is cut. */
export interface Normalizer {
  readonly normalize: (text: string) => string;
  /** Whether the result still begins with what the text's first character has become. */
  readonly keepsStart: (text: string) => boolean;
}

const what = "normalizer";
const replaceSchema = z.object({ pattern: patternSchema, content: z.string() });
const spaceAt = (text: string, index: number): boolean => /\p{White_Space}/u.test(text[index]);

function simple(normalize: (text: string) => string): Normalizer {
  return { normalize, keepsStart: () => true };
}

const makers: Makers<Normalizer> = {
  Sequence(step) {
    const { normalizers } = settings(step, what, z.object({ normalizers: z.array(z.unknown()) }));
    const steps = normalizers.map(compileNormalizer);
    return {
      normalize: (text) => steps.reduce((result, { normalize }) => normalize(result), text),
      keepsStart(text) {
        let result = text;
        return steps.every(({ normalize, keepsStart }) => {
          const kept = keepsStart(result);
          result = normalize(result);
          return kept;
        });
      },
    };
  },
  NFC: () => simple((text) => normalForm(text, "NFC")),
  NFD: () => simple((text) => normalForm(text, "NFD")),
  NFKC: () => simple((text) => normalForm(text, "NFKC")),
  NFKD: () => simple((text) => normalForm(text, "NFKD")),
  Lowercase: () => simple(lowerCase),
  Prepend(step) {
    const { prepend } = settings(step, what, z.object({ prepend: z.string() }));
    return simple((text) => (text === "" ? "" : prepend + text));
  },
  Replace(step) {
    const { pattern, content } = settings(step, what, replaceSchema);
    const compiled = compilePattern(pattern);
    return {
      normalize: replacing(pattern, content),
      keepsStart(text) {
        const first = spansOf(text, compiled).at(0);
        if (!first?.matched) return true;
        // What is put in for several characters counts, in the reference, as put in for the last of them.
        return content !== "" && [...text.slice(0, first.end)].length <= 1;
      },
    };
  },
  Strip(step) {
    const sides = z.object({ strip_left: z.boolean(), strip_right: z.boolean() });
    const { strip_left, strip_right } = settings(step, what, sides);
    return {
      normalize: (text) => stripped(text, strip_left, strip_right),
      keepsStart: (text) => !(strip_left && text !== "" && spaceAt(text, 0)),
    };
  },
  Nmt: () => ({ normalize: nmt, keepsStart: (text) => nmt(text.slice(0, 1)) !== "" }),
  Precompiled(step) {
    const charsmap = z.object({ precompiled_charsmap: z.string().nullable() });
    return simple(precompiledNormalizer(settings(step, what, charsmap).precompiled_charsmap));
  },
  ByteLevel: () => simple(toByteLevel),
};

/** What a step of tokenizer.json does. Throws UserError for one that cannot be had. */
export function compileNormalizer(step: unknown): Normalizer {
  return make(step, what, makers);
}

/** Without the spaces at its ends. No pattern: on long runs of spaces it would take the square of their length. */
function stripped(text: string, left: boolean, right: boolean): string {
  let [start, end] = [0, text.length];
  while (left && start < end && spaceAt(text, start)) start++;
  while (right && start < end && spaceAt(text, end - 1)) end--;
  return text.slice(start, end);
}

/** SentencePiece's rules for control characters and odd spaces. */
function nmt(text: string): string {
  return text
    .replace(/[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]/g, "")
    .replace(/[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g, " ");
}
