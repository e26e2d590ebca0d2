/** A GGUF file as a WeightSource: Hugging Face's names and layout for the llama and qwen2 architectures. */
import { UserError } from "../../messages/errors";
import { quoteName, quotePath } from "../files";
import type { ModelConfig, TensorInfo, WeightSource } from "../types";
import { ggufModelConfig } from "./config";
import type { GgufContainer, RawTensor } from "./container";
import type { GgufValue } from "./header";
import { openWholeGguf } from "./split";

/** An open GGUF model. `tensors` and `read` have Hugging Face's names and layout, `readRaw` the file's own. */
export interface GgufFile extends WeightSource {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly config: ModelConfig;
  /** What each rotary frequency is divided by, [headDim / 2], where the file says so; `config.ropeScaling` says the same. */
  readonly ropeFactors?: Float32Array;
  /** A tensor dequantized, by GGUF name, without any reordering. */
  readRaw(ggufName: string): Promise<RawTensor>;
}

const ropeFactorsName = "rope_freqs.weight";

const outerNames: ReadonlyMap<string, string> = new Map([
  ["token_embd.weight", "model.embed_tokens.weight"],
  ["output_norm.weight", "model.norm.weight"],
  ["output.weight", "lm_head.weight"],
]);

const layerNames: ReadonlyMap<string, string> = new Map([
  ["attn_norm", "input_layernorm"],
  ["attn_q", "self_attn.q_proj"],
  ["attn_k", "self_attn.k_proj"],
  ["attn_v", "self_attn.v_proj"],
  ["attn_output", "self_attn.o_proj"],
  ["ffn_norm", "post_attention_layernorm"],
  ["ffn_gate", "mlp.gate_proj"],
  ["ffn_up", "mlp.up_proj"],
  ["ffn_down", "mlp.down_proj"],
]);
const biased: ReadonlySet<string> = new Set(["attn_q", "attn_k", "attn_v"]);

/** Opens a model of architecture "llama" or "qwen2", with all its parts where it is split. Throws UserError for a file that is damaged, hostile or not supported. */
export async function openGguf(path: string): Promise<GgufFile> {
  const file = await openWholeGguf(path);
  try {
    const ropeFactors = file.tensors.has(ropeFactorsName)
      ? (await file.readRaw(ropeFactorsName)).values
      : undefined;
    const config = ggufModelConfig(file, ropeFactors);
    return { ...ggufFile(file, config), ...(ropeFactors && { ropeFactors }) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function ggufFile(file: GgufContainer, config: ModelConfig): GgufFile {
  const where = quotePath(file.path);
  const sourceOf = new Map<string, string>();
  const tensors = new Map<string, TensorInfo>();
  for (const { name: ggufName, dtype, shape } of file.tensors.values()) {
    if (ggufName === ropeFactorsName) continue;
    const name = huggingFaceName(ggufName, config);
    if (name === undefined) {
      throw new UserError(
        `${where}: tensor ${quoteName(ggufName)} does not belong to a supported ${config.family} model`,
      );
    }
    sourceOf.set(name, ggufName);
    tensors.set(name, { name, dtype, shape });
  }
  return {
    metadata: file.metadata,
    config,
    tensors,
    readRaw: (ggufName) => file.readRaw(ggufName),
    async read(name) {
      const ggufName = sourceOf.get(name);
      if (ggufName === undefined) throw new UserError(`${where} has no tensor ${quoteName(name)}`);
      const { shape, values } = await file.readRaw(ggufName);
      const heads = config.family === "llama" ? interleavedHeads(ggufName, config) : undefined;
      if (heads === undefined) return values;
      if (shape[0] !== heads * config.headDim) {
        throw new UserError(
          `${where}: tensor ${quoteName(ggufName)} has ${shape[0]} rows for ${heads} heads`,
        );
      }
      return undoInterleaving(values, shape[0], config.headDim);
    },
    close: () => file.close(),
  };
}

/** The name in transformers' checkpoints; undefined for a tensor that this project's models do not have. */
function huggingFaceName(ggufName: string, config: ModelConfig): string | undefined {
  const outer = outerNames.get(ggufName);
  if (outer !== undefined) return outer;
  const [, layer, part, kind] =
    /^blk\.(0|[1-9]\d{0,3})\.(\w+)\.(weight|bias)$/.exec(ggufName) ?? [];
  const name = layerNames.get(part);
  if (name === undefined || Number(layer) >= config.layerCount) return undefined;
  if (kind === "bias" && !(config.queryKeyValueBias && biased.has(part))) return undefined;
  return `model.layers.${layer}.${name}.${kind}`;
}

/** How many heads' rows llama.cpp's converter interleaved in this tensor (architecture "llama" only). */
function interleavedHeads(ggufName: string, config: ModelConfig): number | undefined {
  if (ggufName.endsWith(".attn_q.weight")) return config.headCount;
  if (ggufName.endsWith(".attn_k.weight")) return config.keyValueHeadCount;
  return undefined;
}

/**
 * Rows of q or k, [heads * headDim, in], from llama.cpp's order (rotary pairs side by side) to Hugging Face's
 * (first halves of all pairs, then second halves): within a head, row 2i + j becomes row j * headDim / 2 + i.
 */
function undoInterleaving(values: Float32Array, rows: number, headDim: number): Float32Array {
  const width = values.length / rows;
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const within = row % headDim;
    const target = row - within + (within % 2) * (headDim / 2) + Math.floor(within / 2);
    result.set(values.subarray(row * width, (row + 1) * width), target * width);
  }
  return result;
}
