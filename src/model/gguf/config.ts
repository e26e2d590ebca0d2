/** GGUF metadata to a checked ModelConfig, by way of Hugging Face's keys; weights are read elsewhere. */
import { UserError } from "../../messages/errors";
import { parseModelConfig } from "../config";
import { quoteName, quotePath } from "../files";
import type { ModelConfig } from "../types";
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
  if (!ropeFactors) return config;
  return { ...config, ropeScaling: ropeScalingOfFactors(ropeFactors, config, where) };
}

function refuseUnsupported(own: (key: string) => unknown, where: string): void {
  const scaling = own("rope.scaling.type") ?? "none";
  if (scaling !== "none") {
    const found = typeof scaling === "string" ? quoteName(scaling) : "malformed";
    throw new UserError(`${where}: rope.scaling.type is ${found}, which is not supported`);
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
