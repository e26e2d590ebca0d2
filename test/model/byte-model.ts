/** A tiny random Llama with a byte-level tokenizer, written as files: it reads and writes any text, without meaning. */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { targetShape, TARGET_NAMES } from "../../src/model/adapters";
import { writeSafetensors } from "../../src/model/safetensors";
import { modulePath } from "../../src/model/weights";
import { createRandom } from "../../src/statistics/random";

const hidden = 16;
const intermediate = 24;
const layers = 2;
const heads = { headCount: 2, keyValueHeadCount: 1, headDim: 8 };
const specials = ["<s>", "</s>"];

/** GPT-2's printable character of each byte. */
export function byteCharacters(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable =
      (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
    return String.fromCodePoint(printable ? byte : next++);
  });
}

/** Writes the model's folder and returns its name for `loadModel`. */
export async function writeByteModel(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const words = [...specials, ...byteCharacters()];
  const write = (name: string, value: unknown): Promise<void> =>
    writeFile(path.join(directory, name), JSON.stringify(value));
  await write("config.json", {
    model_type: "llama",
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_hidden_layers: layers,
    num_attention_heads: heads.headCount,
    num_key_value_heads: heads.keyValueHeadCount,
    vocab_size: words.length,
    max_position_embeddings: 8192,
    tie_word_embeddings: true,
    bos_token_id: 0,
    eos_token_id: 1,
  });
  await write("tokenizer.json", {
    version: "1.0",
    added_tokens: specials.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: "ByteLevel",
      add_prefix_space: false,
      trim_offsets: true,
      use_regex: true,
    },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      merges: [],
    },
  });
  await write("tokenizer_config.json", { bos_token: "<s>", eos_token: "</s>" });
  await writeSafetensors(path.join(directory, "model.safetensors"), weights(words.length));
  return `file:${directory}`;
}

function weights(vocabulary: number): Map<string, { shape: number[]; values: Float32Array }> {
  const random = createRandom("byte model");
  const tensors = new Map<string, { shape: number[]; values: Float32Array }>();
  const matrix = (name: string, shape: number[]): void => {
    const length = shape.reduce((product, size) => product * size, 1);
    const values = Float32Array.from({ length }, () => 0.2 * random.normal());
    tensors.set(name, { shape, values });
  };
  matrix("model.embed_tokens.weight", [vocabulary, hidden]);
  matrix("model.norm.weight", [hidden]);
  const size = { ...heads, hiddenSize: hidden, intermediateSize: intermediate };
  for (let layer = 0; layer < layers; layer++) {
    matrix(`model.layers.${layer}.input_layernorm.weight`, [hidden]);
    matrix(`model.layers.${layer}.post_attention_layernorm.weight`, [hidden]);
    for (const target of TARGET_NAMES) {
      const { input, output } = targetShape(size, target);
      matrix(`${modulePath(layer, target)}.weight`, [output, input]);
    }
  }
  return tensors;
}
