/** How a text is cut into the pieces that the model encodes one by one. */
import { z } from "zod";
import { UserError } from "../../messages/errors";
import { toByteLevel } from "./byte-level";
import { keepsStart } from "./normalizers";
import { compilePattern, patternSchema, spansOf, splitAt, splitBehavior } from "./patterns";
import { flattened, make, type Makers, oneCharacter, settings } from "./steps";
import { digit, punctuation, wordCharacter } from "./unicode";

/** A piece of text, and whether it begins where the whole text does. */
export interface Piece {
  readonly text: string;
  readonly atStart: boolean;
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
  return ({ text, atStart }) => {
    const found = spansOf(text, pattern, asIs ? text : undefined);
    const spans = invert ? found.map((span) => ({ ...span, matched: !span.matched })) : found;
    return splitAt(spans, behavior)
      .filter(({ start, end }) => start < end)
      .map(({ start, end }) => ({
        text: text.slice(start, end),
        atStart: atStart && start === 0,
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
      const prefix = add_prefix_space && !piece.text.startsWith(" ") ? " " : "";
      const whole = { ...piece, text: prefix + piece.text };
      return (cut?.(whole) ?? [whole]).map(({ text, atStart }) => ({
        text: toByteLevel(text),
        atStart,
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
      const marked = piece.text.replaceAll(" ", () => replacement);
      const prepend =
        !marked.startsWith(replacement) &&
        (prepend_scheme === "always" || (prepend_scheme === "first" && piece.atStart));
      const whole = { ...piece, text: prepend ? replacement + marked : marked };
      return cut?.(whole) ?? [whole];
    };
  },
};

/** Steps that only cut. */
const cutters = ["Split", "Digits", "Punctuation", "Whitespace", "WhitespaceSplit"];

/**
 * What the pre-tokenizer of tokenizer.json does behind its normalizer (either may be absent).
 * Throws UserError for what cannot be had.
 */
export function compilePreTokenizer(step: unknown, normalizer: unknown): PreTokenizer {
  if (step === null || step === undefined) return (piece) => [piece];
  const steps = flattened(step, "pretokenizers");
  const first = steps.findIndex(
    ({ type, prepend_scheme }) => type === "Metaspace" && prepend_scheme === "first",
  );
  const before = steps.slice(0, Math.max(0, first)).map(({ type }) => type);
  const traceable = normalizer
    ? before.length === 0 && keepsStart(normalizer)
    : before.every((type) => cutters.includes(type));
  if (first >= 0 && !traceable)
    throw new UserError(
      'Metaspace with prepend_scheme "first" is not supported behind a step that changes where the text begins',
    );
  return make(step, what, makers);
}
