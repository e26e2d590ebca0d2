/** How long the written texts are and how much they repeat themselves. Knows nothing of who wrote them. */
import { deflateSync } from "node:zlib";

/** Length and variety of some texts. All but `meanLength` fall as more is written: compare equal amounts. */
export interface Diversity {
  /** Mean length in characters (UTF-16 units). */
  readonly meanLength: number;
  /** Share of the pairs of neighboring words that differ from each other, all texts together, in (0, 1]. */
  readonly distinctBigrams: number;
  /** The same for three neighboring words. */
  readonly distinctTrigrams: number;
  /** Deflated bytes over bytes, the texts joined by line ends: the lower, the more is said again. */
  readonly compression: number;
}

/** Length and variety of texts; NaN where there is nothing to count: no text, or no text of two (three) words. */
export function diversityOf(texts: readonly string[]): Diversity {
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  return {
    meanLength: characters / texts.length,
    distinctBigrams: distinctShare(texts, 2),
    distinctTrigrams: distinctShare(texts, 3),
    compression: compressionOf(texts),
  };
}

/**
 * Distinct n-grams over all n-grams ("distinct-n", Li et al. 2016), over all texts together; none spans two texts.
 * Words are runs of letters and digits in lower case: punctuation makes nothing new.
 */
function distinctShare(texts: readonly string[], n: number): number {
  const grams = texts.flatMap((text) => {
    const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
    return words.slice(n - 1).map((_, start) => words.slice(start, start + n).join(" "));
  });
  return new Set(grams).size / grams.length;
}

/** zlib's deflate at its default level looks back 32 KiB: what is repeated farther apart is not found. */
function compressionOf(texts: readonly string[]): number {
  const bytes = Buffer.from(texts.join("\n"));
  return bytes.length === 0 ? NaN : deflateSync(bytes).length / bytes.length;
}
