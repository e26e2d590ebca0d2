/** How text is cut into pieces before byte-pair encoding, by the names that GGUF files give; the encoding itself is the library's. */
import type { TokenizerConfigPreTokenizer as PreTokenizer } from "./tokenizer-json";

const gpt2Pattern =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const bytes: PreTokenizer = {
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: false,
};

function split(pattern: string): PreTokenizer {
  return { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false };
}

function sequence(...patterns: string[]): PreTokenizer {
  return { type: "Sequence", pretokenizers: [...patterns.map(split), bytes] };
}

/** Llama 3 and Qwen2 differ only in how many digits make a piece. */
function modernPattern(digits: string): string {
  return `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
}

/** What a `tokenizer.ggml.pre` name stands for. */
export interface PreTokenizerChoice {
  readonly preTokenizer: PreTokenizer;
  /** True where text is brought to Unicode form NFC first (Qwen2's tokenizer.json; llama.cpp leaves it out). */
  readonly nfc: boolean;
  /** True where a piece that is a whole token is taken without merging (Llama 3). */
  readonly ignoreMerges: boolean;
  /** Whether a BOS token is put first where the file does not say. */
  readonly addBos: boolean;
}

function choice(
  preTokenizer: PreTokenizer,
  rest: Partial<PreTokenizerChoice> = {},
): PreTokenizerChoice {
  return { preTokenizer, nfc: false, ignoreMerges: false, addBos: false, ...rest };
}

/** The known `tokenizer.ggml.pre` names; the patterns are those of llama.cpp's llama-vocab.cpp. */
export const preTokenizers: ReadonlyMap<string, PreTokenizerChoice> = new Map([
  ["smollm", choice(sequence("\\p{N}", gpt2Pattern))],
  ["gpt-2", choice(sequence(gpt2Pattern))],
  ["qwen2", choice(sequence(modernPattern("\\p{N}")), { nfc: true })],
  [
    "llama-bpe",
    choice(sequence(modernPattern("\\p{N}{1,3}")), { ignoreMerges: true, addBos: true }),
  ],
  [
    "default",
    choice(sequence("[\\p{P}\\$\\+<=>\\^~\\|]+", gpt2Pattern, "\\p{N}+", "[0-9][0-9][0-9]")),
  ],
]);

/**
 * The same pre-tokenizer with every byte-level step's built-in pattern written out as a split.
 * The library's built-in one uses JavaScript's `\s`, which counts U+FEFF as a space and U+0085 not;
 * its translation of written patterns follows Unicode, as Hugging Face's tokenizers do.
 */
export function withUnicodeSpaces(preTokenizer: unknown): unknown {
  if (typeof preTokenizer !== "object" || preTokenizer === null) return preTokenizer;
  const step = preTokenizer as Record<string, unknown>;
  if (step.type === "Sequence" && Array.isArray(step.pretokenizers))
    return { ...step, pretokenizers: step.pretokenizers.map(withUnicodeSpaces) };
  if (step.type === "ByteLevel" && step.use_regex !== false && step.add_prefix_space === false)
    return sequence(gpt2Pattern);
  return preTokenizer;
}
