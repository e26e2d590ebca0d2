/** The config.json of a model in transformers' form, for those who write model folders. Reading it is config.ts's. */
import type { ModelConfig } from "./types";

/** transformers' config.json, as `parseModelConfig` reads it. */
export function configFile(config: ModelConfig): object {
  const { ropeScaling: scaling, bosTokenId } = config;
  return {
    architectures: [config.family === "llama" ? "LlamaForCausalLM" : "Qwen2ForCausalLM"],
    model_type: config.family,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layerCount,
    num_attention_heads: config.headCount,
    num_key_value_heads: config.keyValueHeadCount,
    head_dim: config.headDim,
    vocab_size: config.vocabularySize,
    rms_norm_eps: config.rmsNormEpsilon,
    rope_theta: config.ropeTheta,
    ...(scaling?.type === "linear" && {
      rope_scaling: { rope_type: "linear", factor: scaling.factor },
    }),
    ...(scaling?.type === "llama3" && {
      rope_scaling: {
        rope_type: "llama3",
        factor: scaling.factor,
        low_freq_factor: scaling.lowFrequencyFactor,
        high_freq_factor: scaling.highFrequencyFactor,
        original_max_position_embeddings: scaling.originalMaximumPositions,
      },
    }),
    max_position_embeddings: config.maximumPositions,
    tie_word_embeddings: config.tiedHead,
    hidden_act: "silu",
    ...(bosTokenId !== undefined && { bos_token_id: bosTokenId }),
    eos_token_id: [...config.eosTokenIds],
    torch_dtype: "float32",
  };
}
