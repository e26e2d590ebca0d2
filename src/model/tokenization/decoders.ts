/** How tokens become text again. */
import { z } from "zod";
import { bytesOf } from "./byte-level";
import { patternSchema } from "./patterns";
import { metaspaceSchema } from "./pre-tokenizers";
import { replacing } from "./spans";
import { make, type Makers, oneCharacter, settings } from "./steps";

/** Tokens to parts of the text, which are joined in the end. */
export type Decoder = (tokens: readonly string[]) => readonly string[];

const what = "decoder";
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const strictUtf8 = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

const makers: Makers<Decoder> = {
  Sequence(step) {
    const { decoders } = settings(step, what, z.object({ decoders: z.array(z.unknown()) }));
    const steps = decoders.map(compileDecoder);
    return (tokens) => steps.reduce((parts, decode) => decode(parts), tokens);
  },
  ByteLevel: () => (tokens) => [utf8.decode(bytesOf(tokens))],
  ByteFallback: () => byteFallback,
  Fuse: () => (tokens) => [tokens.join("")],
  Replace(step) {
    const schema = z.object({ pattern: patternSchema, content: z.string() });
    const { pattern, content } = settings(step, what, schema);
    const replace = replacing(pattern, content);
    return (tokens) => tokens.map(replace);
  },
  Strip(step) {
    const count = z.int().min(0);
    const schema = z.object({ content: oneCharacter, start: count, stop: count });
    const { content, start, stop } = settings(step, what, schema);
    return (tokens) => tokens.map((token) => stripped([...token], content, start, stop));
  },
  Metaspace(step) {
    const { replacement, prepend_scheme } = settings(step, what, metaspaceSchema);
    const first = prepend_scheme === "never" ? " " : "";
    return (tokens) =>
      tokens.map((token, index) => token.replaceAll(replacement, index === 0 ? first : " "));
  },
};

/** What a step of tokenizer.json does; tokens are joined with spaces where there is none. Throws UserError for one that cannot be had. */
export function compileDecoder(step: unknown): Decoder {
  if (step === null || step === undefined) return (tokens) => [tokens.join(" ")];
  return make(step, what, makers);
}

/** Runs of tokens such as <0xE2> as the text that their bytes are; one U+FFFD for each byte of a run that is no UTF-8. */
function byteFallback(tokens: readonly string[]): string[] {
  const parts: string[] = [];
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length > 0) parts.push(...textsOfBytes(bytes));
    bytes = [];
  };
  for (const token of tokens) {
    const byte = /^<0x([0-9A-Fa-f]{2}|\+[0-9A-Fa-f])>$/.exec(token)?.[1];
    if (byte === undefined) {
      flush();
      parts.push(token);
    } else bytes.push(parseInt(byte, 16));
  }
  flush();
  return parts;
}

function textsOfBytes(bytes: readonly number[]): string[] {
  try {
    return [strictUtf8.decode(Uint8Array.from(bytes))];
  } catch {
    return bytes.map(() => "\ufffd");
  }
}

/** Without at most `start` characters `content` in front and `stop` behind. */
function stripped(characters: string[], content: string, start: number, stop: number): string {
  let from = 0;
  while (from < start && characters[from] === content) from++;
  let to = characters.length;
  while (characters.length - to < stop && to > from && characters[to - 1] === content) to--;
  return characters.slice(from, to).join("");
}
