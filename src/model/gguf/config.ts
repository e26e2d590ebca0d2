/** GGUF metadata to a checked ModelConfig, by way of Hugging Face's keys; weights are read elsewhere. */
import { UserError } from "../../messages/errors";
import { parseModelConfig } from "../config";
import { quoteName, quotePath } from "../files";
import type { LinearRopeScaling, ModelConfig } from "../types";
import type { GgufContainer } from "./container";
import { ropeScalingOfFactors } from "./rope";

/**
 * The model's shape from a file of architecture "llama" or "qwen2".
 * `ropeFactors` are the values of `rope_freqs.weight` where the file has it.
 * Throws a one-line UserError for other architectures and for what is missing, absurd or not supported.
 */
export function ggufModelConfig(file: GgufContainer, ropeFactors?: Float32Array): ModelConfig {
  const where = quotePath(file.path);
  const { metadata, tensors } = file;
  const architecture = metadata.get("general.architecture");
  if (architecture !== "llama" && architecture !== "qwen2") {
    const found = typeof architecture === "string" ? quoteName(architecture) : "missing";
    throw new UserError(
      `${where}: general.architecture is ${found}; only "llama" and "qwen2" are supported`,
    );
  }
  const own = (key: string): unknown => metadata.get(`${architecture}.${key}`);
  const token = (key: string): unknown => metadata.get(`tokenizer.ggml.${key}_token_id`);
  refuseMissing(own, tensors, architecture, where);
  refuseUnsupported(own, where);
  const config = parseModelConfig(
    {
      model_type: architecture,
      hidden_size: own("embedding_length"),
      intermediate_size: own("feed_forward_length"),
      num_hidden_layers: own("block_count"),
      num_attention_heads: own("attention.head_count"),
      num_key_value_heads: own("attention.head_count_kv"),
      head_dim: own("attention.key_length"),
      vocab_size: tensors.get("token_embd.weight")?.shape[0],
      rms_norm_eps: own("attention.layer_norm_rms_epsilon"),
      rope_theta: own("rope.freq_base"),
      max_position_embeddings: own("context_length"),
      tie_word_embeddings: !tensors.has("output.weight"),
      bos_token_id: token("bos"),
      eos_token_id: [token("eos"), token("eot")].filter((id) => id !== undefined),
    },
    where,
  );
  refusePartialRotary(own("rope.dimension_count"), config.headDim, where);
  const linear = linearScaling(own, where);
  const factors = ropeFactors && ropeScalingOfFactors(ropeFactors, config, where);
  if (linear && factors)
    throw new UserError(`${where}: rope_freqs.weight beside a linear scaling is not supported`);
  const ropeScaling = linear ?? factors;
  return { ...config, ...(ropeScaling && { ropeScaling }) };
}

/**
 * As llama.cpp reads it: a factor is linear scaling unless the type says otherwise, and `rope.scale_linear` is the factor's
 * older name. Throws UserError for other types.
 */
function linearScaling(
  own: (key: string) => unknown,
  where: string,
): LinearRopeScaling | undefined {
  const type = own("rope.scaling.type") ?? "linear";
  if (type === "none") return undefined;
  if (type !== "linear") {
    const found = typeof type === "string" ? quoteName(type) : "malformed";
    throw new UserError(
      `${where}: rope.scaling.type is ${found}; only "none" and "linear" are supported`,
    );
  }
  const factor = own("rope.scaling.factor") ?? own("rope.scale_linear") ?? 0;
  if (typeof factor !== "number" || !(factor >= 0 && factor < 1e6))
    throw new UserError(`${where}: rope.scaling.factor is no sensible number`);
  return factor === 0 || factor === 1 ? undefined : { type, factor };
}

/** Keys that every file of these architectures has. */
const needed = [
  "embedding_length",
  "feed_forward_length",
  "block_count",
  "attention.head_count",
  "attention.layer_norm_rms_epsilon",
];

function refuseMissing(
  own: (key: string) => unknown,
  tensors: GgufContainer["tensors"],
  architecture: string,
  where: string,
): void {
  const missing = needed.find((key) => own(key) === undefined);
  if (missing !== undefined)
    throw new UserError(`${where} lacks ${architecture}.${missing}: it is no whole model`);
  if (!tensors.has("token_embd.weight"))
    throw new UserError(`${where} lacks the tensor token_embd.weight: it is no whole model`);
}

/** What a file may say that changes the arithmetic, and what it must say for this project's to be right. */
const neutral: Readonly<Record<string, unknown>> = {
  "attention.scale": 0,
  "attention.causal": true,
  "attention.sliding_window": 0,
  "attention.clamp_kqv": 0,
  "attention.max_alibi_bias": 0,
  logit_scale: 0,
  residual_scale: 0,
  embedding_scale: 0,
  "rope.scaling.attn_factor": 1,
  use_parallel_residual: false,
};

function refuseUnsupported(own: (key: string) => unknown, where: string): void {
  for (const [key, value] of Object.entries(neutral)) {
    const found = own(key) ?? value;
    if (found !== value)
      throw new UserError(`${where}: ${key} is ${String(found)}, which is not supported`);
  }
  if ((own("expert_count") ?? 0) !== 0) {
    throw new UserError(`${where}: mixtures of experts are not supported`);
  }
  const [key, value] = [own("attention.key_length"), own("attention.value_length")];
  if (key !== value)
    throw new UserError(`${where}: keys and values of different sizes are not supported`);
}

function refusePartialRotary(rotary: unknown, headDim: number, where: string): void {
  if ((rotary ?? headDim) !== headDim) {
    throw new UserError(`${where}: rotary embeddings on part of a head are not supported`);
  }
}
