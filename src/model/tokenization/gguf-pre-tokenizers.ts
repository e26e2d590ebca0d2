/** How text is cut, by the names that GGUF files give (`tokenizer.ggml.pre`); the patterns are those of llama.cpp's llama-vocab.cpp. */
import { UserError } from "../../messages/errors";
import { gpt2Pattern } from "./pre-tokenizers";

/** What a `tokenizer.ggml.pre` name stands for. */
export interface PreTokenizerChoice {
  /** A step of tokenizer.json. */
  readonly preTokenizer: object;
  /** True where text is brought to Unicode form NFC first (Qwen2's tokenizer.json; llama.cpp leaves it out). */
  readonly nfc: boolean;
  /** True where a piece that is a whole token is taken without merging (Llama 3). */
  readonly ignoreMerges: boolean;
  /** Whether a BOS token is put first where the file does not say. */
  readonly addBos: boolean;
}

/** Text is split at these patterns, one after another, and its bytes are encoded. */
function splits(...patterns: string[]): object {
  const steps = patterns.map((pattern) => ({
    type: "Split",
    pattern: { Regex: pattern },
    behavior: "Isolated",
    invert: false,
  }));
  const bytes = {
    type: "ByteLevel",
    add_prefix_space: false,
    trim_offsets: true,
    use_regex: false,
  };
  return { type: "Sequence", pretokenizers: [...steps, bytes] };
}

/** Llama 3 and Qwen2 differ only in how many digits make a piece. */
function modernSplit(digits: string): object {
  return splits(
    `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
  );
}

const gpt2 = splits(gpt2Pattern);
const singleDigits = splits("\\p{N}", gpt2Pattern);
const qwen2 = modernSplit("\\p{N}");
const llama3 = modernSplit("\\p{N}{1,3}");
const plain = { nfc: false, ignoreMerges: false, addBos: false };

/** The names that llama.cpp treats alike, a line for each way of cutting. */
const families: readonly (readonly [names: string, PreTokenizerChoice])[] = [
  [
    "default",
    {
      ...plain,
      preTokenizer: splits("[\\p{P}\\$\\+<=>\\^~\\|]+", gpt2Pattern, "\\p{N}+", "[0-9][0-9][0-9]"),
    },
  ],
  [
    "gpt-2 phi-2 mpt olmo jais trillion granite-docling jina-es jina-de jina-v2-es jina-v2-de gigachat a.x-4.0 mellum modern-bert exaone4",
    { ...plain, preTokenizer: gpt2 },
  ],
  [
    "smollm starcoder refact command-r codeshell exaone minerva-7b",
    { ...plain, preTokenizer: singleDigits },
  ],
  ["qwen2 deepseek-r1-qwen f2llmv2", { ...plain, preTokenizer: qwen2, nfc: true }],
  ["kormo megrez stablelm2 hunyuan", { ...plain, preTokenizer: qwen2 }],
  [
    "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
    { preTokenizer: llama3, nfc: false, ignoreMerges: true, addBos: true },
  ],
  ["dbrx smaug-bpe glm4 chatglm-bpe", { ...plain, preTokenizer: llama3 }],
];
const byName = new Map(
  families.flatMap(([names, choice]) => names.split(" ").map((name) => [name, choice] as const)),
);

/** What a name stands for; no name is "default", as in llama.cpp. Throws UserError for one that is not known. */
export function preTokenizerNamed(name: string): PreTokenizerChoice {
  const chosen = byName.get(name === "" ? "default" : name);
  if (chosen) return chosen;
  throw new UserError(
    `GGUF pre-tokenizer ${JSON.stringify(name.slice(0, 80))} is not known here. Use the model's Hugging Face folder instead.`,
  );
}
