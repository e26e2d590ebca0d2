/** SentencePiece's compiled normalization rules ("precompiled_charsmap"): a trie over UTF-8 and the texts to put in. */
import { UserError } from "../../messages/errors";

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
/** Of so many characters at a time: the segmenter takes the square of a text's length. */
const windowLength = 256;
/** Longer ones are replaced character by character. */
const longestGrapheme = 5;

/**
 * The normalizer of a charsmap in base64: the size of a double-array trie in bytes, the trie (32-bit units, little-endian), then
 * texts that end with a zero byte, to which its values point. Throws UserError for what is none.
 */
export function precompiledNormalizer(charsmap: string | null): (text: string) => string {
  if (charsmap === null || charsmap === "") return (text) => text;
  const data = Buffer.from(charsmap, "base64");
  const size = data.length >= 4 ? data.readUInt32LE(0) : Infinity;
  if (4 + size > data.length || size % 4 !== 0 || size === 0)
    throw new UserError("the precompiled_charsmap is damaged");
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => data.readUInt32LE(4 + 4 * i));
  const texts = data.subarray(4 + size);
  const replacement = (part: string): string | undefined => {
    const at = firstValue(units, Buffer.from(part, "utf8"));
    if (at === undefined) return undefined;
    const end = texts.indexOf(0, at);
    return texts.toString("utf8", at, end < 0 ? texts.length : end);
  };
  const replaceCharacter = memoized((part) => replacement(part) ?? part);
  const replaceGrapheme = memoized((part) => {
    const whole = Buffer.byteLength(part) <= longestGrapheme ? replacement(part) : undefined;
    return whole ?? Array.from(part, replaceCharacter).join("");
  });
  return (text) => {
    let result = "";
    for (const grapheme of graphemes(text)) result += replaceGrapheme(grapheme);
    return result;
  };
}

/** What a reader takes for one character, one after another. */
function* graphemes(text: string): Generator<string> {
  let start = 0;
  for (let length = windowLength; start < text.length;) {
    const segments = [...segmenter.segment(text.slice(start, start + length))];
    // The last one may go on behind the window.
    const isEnd = start + length >= text.length;
    const whole = isEnd ? segments : segments.slice(0, -1);
    for (const { segment } of whole) {
      yield segment;
      start += segment.length;
    }
    length = whole.length > 0 ? windowLength : 2 * length;
  }
}

/** The value of the shortest beginning of `key` that the trie holds (as the reference has it, the rest of the key is lost). */
function firstValue(units: Uint32Array, key: Uint8Array): number | undefined {
  const offset = (unit: number): number => (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
  let position = offset(units[0]);
  for (const byte of key) {
    position ^= byte;
    const unit = units[position];
    if (byte === 0 || unit === undefined || (unit & 0x800000ff) >>> 0 !== byte) return undefined;
    position ^= offset(unit);
    if ((unit >>> 8) & 1) return units[position] & 0x7fffffff;
  }
  return undefined;
}

/** Most texts have few different characters. */
function memoized(compute: (part: string) => string): (part: string) => string {
  const known = new Map<string, string>();
  return (part) => {
    let result = known.get(part);
    if (result === undefined) {
      result = compute(part);
      if (known.size < 10_000) known.set(part, result);
    }
    return result;
  };
}
