/** Named special tokens (bos_token, eos_token and their kin) as transformers' tokenizers have them. */

/** The files of a model's folder that say which there are, parsed; undefined where a file is missing. */
export interface TokenFiles {
  readonly config: unknown;
  readonly tokenizer: unknown;
  readonly tokenizerConfig: unknown;
  readonly specialTokensMap: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

const names = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"].map((name) => `${name}_token`);

/** What a tokenizer class has where no file says otherwise. */
const classDefaults: Readonly<Record<string, Fields>> = {
  LlamaTokenizer: { bos_token: "<s>", eos_token: "</s>", unk_token: "<unk>" },
  CodeLlamaTokenizer: { bos_token: "<s>", eos_token: "</s>", unk_token: "<unk>" },
  Qwen2Tokenizer: {
    eos_token: "<|endoftext|>",
    unk_token: "<|endoftext|>",
    pad_token: "<|endoftext|>",
  },
  GPT2Tokenizer: {
    bos_token: "<|endoftext|>",
    eos_token: "<|endoftext|>",
    unk_token: "<|endoftext|>",
  },
};

/**
 * The tokens by name: from tokenizer_config.json; special_tokens_map.json comes before it, but is not looked at where
 * tokenizer_config.json lists the added tokens itself (`added_tokens_decoder`). A name that no file has is the
 * tokenizer class's own affair; null is none at all.
 */
export function specialTokensOf(files: TokenFiles): Record<string, string> {
  const config = fields(files.tokenizerConfig);
  const map = "added_tokens_decoder" in config ? {} : fields(files.specialTokensMap);
  const said: Fields = { ...fields(classDefaults[classOf(files)]), ...config, ...map };
  const further = fields(said.extra_special_tokens);
  const entries = Object.entries({ ...said, ...further }).flatMap(([name, value]) => {
    const named = names.includes(name) || name.endsWith("_token") || name in further;
    const content = named ? contentOf(value) : undefined;
    return content === undefined ? [] : [[name, content] as const];
  });
  return Object.fromEntries(entries);
}

/** The class that transformers' AutoTokenizer takes. */
function classOf({ config, tokenizer, tokenizerConfig }: TokenFiles): string {
  if (fields(config).model_type === "qwen2") return "Qwen2Tokenizer";
  const named = fields(tokenizerConfig).tokenizer_class ?? fields(config).tokenizer_class;
  const name = typeof named === "string" ? named.replace(/Fast$/, "") : "";
  // Files of Llama 3's kind that name the class of Llama 2 are read by the general one.
  return name === "LlamaTokenizer" && isByteLevel(tokenizer) ? "" : name;
}

function isByteLevel(tokenizer: unknown): boolean {
  const { pre_tokenizer: before, decoder } = fields(tokenizer);
  return JSON.stringify([before, decoder]).includes('"type":"ByteLevel"');
}

function contentOf(value: unknown): string | undefined {
  const content = typeof value === "object" ? fields(value).content : value;
  return typeof content === "string" ? content : undefined;
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : {};
}
