/** How a text is cut into the pieces that the model encodes one by one. */
import { z } from "zod";
import { toByteLevel } from "./byte-level";
import { compilePattern, patternSchema } from "./patterns";
import { spansOf, splitAt, splitBehavior } from "./spans";
import { make, type Makers, oneCharacter, settings } from "./steps";
import { digit, punctuation, wordCharacter } from "./unicode";

/** A piece of a text. */
export interface Piece {
  readonly text: string;
  /** How much of it, from its beginning, comes from the whole text's first character; 0 for a piece further on. */
  readonly head: number;
}

/** Cuts a piece; no piece that comes out is empty. */
export type PreTokenizer = (piece: Piece) => readonly Piece[];

/** The pattern of GPT-2, which `ByteLevel` has built in. */
export const gpt2Pattern =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

const what = "pre-tokenizer";

/** `invert` takes what lies between the matches for the matches; `asIs` matches characters that patterns do not know. */
function cutting(
  pattern: RegExp,
  behavior: z.infer<typeof splitBehavior>,
  { invert = false, asIs = false } = {},
): PreTokenizer {
  return ({ text, head }) => {
    const found = spansOf(text, pattern, asIs ? text : undefined);
    const spans = invert ? found.map((span) => ({ ...span, matched: !span.matched })) : found;
    return splitAt(spans, behavior)
      .filter(({ start, end }) => start < end)
      .map(({ start, end }) => ({
        text: text.slice(start, end),
        head: Math.max(0, head - start),
      }));
  };
}

/** The settings of Metaspace; `add_prefix_space` is what older files have for `prepend_scheme`. */
export const metaspaceSchema = z
  .object({
    replacement: oneCharacter,
    prepend_scheme: z.enum(["always", "first", "never"]).default("always"),
    split: z.boolean().nullish(),
    add_prefix_space: z.boolean().nullish(),
  })
  .refine(
    ({ add_prefix_space, prepend_scheme }) =>
      add_prefix_space !== false || prepend_scheme === "never",
    "add_prefix_space false does not go with that prepend_scheme",
  );

const makers: Makers<PreTokenizer> = {
  Sequence(step) {
    const schema = z.object({ pretokenizers: z.array(z.unknown()) });
    const steps = settings(step, what, schema).pretokenizers.map((part) =>
      make(part, what, makers),
    );
    return (piece) => steps.reduce<readonly Piece[]>((pieces, cut) => pieces.flatMap(cut), [piece]);
  },
  ByteLevel(step) {
    const { add_prefix_space, use_regex } = settings(
      step,
      what,
      z.object({ add_prefix_space: z.boolean(), use_regex: z.boolean().default(true) }),
    );
    const cut = use_regex ? cutting(compilePattern({ Regex: gpt2Pattern }), "Isolated") : undefined;
    return (piece) => {
      const whole = add_prefix_space && !piece.text.startsWith(" ") ? prepended(" ", piece) : piece;
      return (cut?.(whole) ?? [whole]).map(({ text, head }) => ({
        text: toByteLevel(text),
        head: toByteLevel(text.slice(0, head)).length,
      }));
    };
  },
  Split(step) {
    const { pattern, behavior, invert } = settings(
      step,
      what,
      z.object({ pattern: patternSchema, behavior: splitBehavior, invert: z.boolean() }),
    );
    return cutting(compilePattern(pattern), behavior, { invert });
  },
  Digits(step) {
    const { individual_digits } = settings(
      step,
      what,
      z.object({ individual_digits: z.boolean() }),
    );
    return cutting(new RegExp(individual_digits ? digit : `${digit}+`, "gu"), "Isolated", {
      asIs: true,
    });
  },
  Punctuation(step) {
    const { behavior } = settings(
      step,
      what,
      z.object({ behavior: splitBehavior.default("Isolated") }),
    );
    return cutting(new RegExp(punctuation, "gu"), behavior, { asIs: true });
  },
  Whitespace: () =>
    cutting(
      new RegExp(`${wordCharacter}+|(?:(?!${wordCharacter})\\P{White_Space})+`, "gu"),
      "Removed",
      { invert: true },
    ),
  WhitespaceSplit: () => cutting(/\p{White_Space}/gu, "Removed"),
  Metaspace(step) {
    const { replacement, prepend_scheme, split } = settings(step, what, metaspaceSchema);
    const cut =
      (split ?? true)
        ? cutting(compilePattern({ String: replacement }), "MergedWithNext")
        : undefined;
    return (piece) => {
      const marked = { ...piece, text: piece.text.replaceAll(" ", () => replacement) };
      const prepend =
        !marked.text.startsWith(replacement) &&
        (prepend_scheme === "always" || (prepend_scheme === "first" && piece.head > 0));
      const whole = prepend ? prepended(replacement, marked) : marked;
      return cut?.(whole) ?? [whole];
    };
  },
};

/** What is put in front counts as coming from the character behind it. */
function prepended(prefix: string, { text, head }: Piece): Piece {
  return { text: prefix + text, head: head > 0 ? head + prefix.length : 0 };
}

/** What the pre-tokenizer of tokenizer.json does, if there is one. Throws UserError for what cannot be had. */
export function compilePreTokenizer(step: unknown): PreTokenizer {
  return step === null || step === undefined ? (piece) => [piece] : make(step, what, makers);
}
