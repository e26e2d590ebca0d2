/** Hugging Face's config.json to a checked ModelConfig; weights and tokenizers are read elsewhere. */
import { z } from "zod";
import { UserError } from "../messages/errors";
import { quoteName } from "./files";
import type { ModelConfig } from "./types";

/** A whole number from 1 to `limit`; the limits are far above any model and well below overflow. */
const count = (limit: number): z.ZodNumber => z.number().int().min(1).max(limit);
const positive = z.number().gt(0).max(1e12);
const tokenId = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const tokenIds = z.union([tokenId, z.array(tokenId).max(256)]).nullish();
const maximumPositions = 2 ** 27;

const ropeSchema = z.looseObject({
  rope_theta: positive.nullish(),
  rope_type: z.string().nullish(),
  type: z.string().nullish(),
  partial_rotary_factor: z.number().nullish(),
});

const linearSchema = z.object({ factor: positive });

const llama3Schema = z.looseObject({
  factor: positive,
  low_freq_factor: positive,
  high_freq_factor: positive,
  original_max_position_embeddings: count(maximumPositions),
});

const configSchema = z.looseObject({
  model_type: z.string(),
  architectures: z.array(z.string()).nullish(),
  hidden_size: count(2 ** 17),
  intermediate_size: count(2 ** 20),
  num_hidden_layers: count(1024),
  num_attention_heads: count(1024),
  num_key_value_heads: count(1024).nullish(),
  head_dim: count(1024).nullish(),
  vocab_size: count(2 ** 22),
  // transformers' own defaults, for files that leave these out
  rms_norm_eps: z.number().min(0).max(1).default(1e-6),
  rope_theta: positive.nullish(),
  rope_scaling: ropeSchema.nullish(),
  rope_parameters: ropeSchema.nullish(),
  partial_rotary_factor: z.number().nullish(),
  max_position_embeddings: count(maximumPositions).nullish(),
  tie_word_embeddings: z.boolean().nullish(),
  hidden_act: z.string().default("silu"),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  use_sliding_window: z.boolean().nullish(),
  layer_types: z.array(z.string()).max(1024).nullish(),
  bos_token_id: tokenId.nullish(),
  eos_token_id: tokenIds,
});
type RawConfig = z.infer<typeof configSchema>;

const generationSchema = z.looseObject({ eos_token_id: tokenIds });

const families = { llama: "LlamaForCausalLM", qwen2: "Qwen2ForCausalLM" } as const;
const defaultMaximumPositions = { llama: 2048, qwen2: 32768 } as const;

/**
 * The model's shape from the parsed config.json, and from generation_config.json where there is one
 * (only further end tokens are taken from it). Both transformers 4's and 5's keys are understood.
 * Throws a one-line UserError, naming `where`, for what is malformed, absurd or not supported.
 */
export function parseModelConfig(json: unknown, where: string, generation?: unknown): ModelConfig {
  const raw = check(configSchema, json, where);
  const family = familyOf(raw, where);
  refuseUnsupported(raw, where);
  const headDim = headDimOf(raw, where);
  const ends = [
    ...listOf(raw.eos_token_id),
    ...listOf(
      check(generationSchema, generation ?? {}, `${where} (generation_config.json)`).eos_token_id,
    ),
  ];
  const rope = raw.rope_parameters ?? raw.rope_scaling ?? undefined;
  const ropeScaling = ropeScalingOf(rope, where);
  return {
    family,
    hiddenSize: raw.hidden_size,
    intermediateSize: raw.intermediate_size,
    layerCount: raw.num_hidden_layers,
    headCount: raw.num_attention_heads,
    keyValueHeadCount: keyValueHeads(raw),
    headDim,
    vocabularySize: raw.vocab_size,
    rmsNormEpsilon: raw.rms_norm_eps,
    ropeTheta: rope?.rope_theta ?? raw.rope_theta ?? 10000,
    ...(ropeScaling && { ropeScaling }),
    tiedHead: raw.tie_word_embeddings ?? false,
    queryKeyValueBias: family === "qwen2",
    maximumPositions: raw.max_position_embeddings ?? defaultMaximumPositions[family],
    ...(typeof raw.bos_token_id === "number" && { bosTokenId: raw.bos_token_id }),
    eosTokenIds: [...new Set(ends)],
  };
}

function check<T>(schema: z.ZodType<T>, json: unknown, where: string): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const key = issue.path.length > 0 ? `${quoteName(issue.path.join("."))}: ` : "";
  throw new UserError(`${where}: ${key}${issue.message.replace(/\s+/g, " ")}`);
}

function familyOf(raw: RawConfig, where: string): ModelConfig["family"] {
  const type = raw.model_type;
  if (type !== "llama" && type !== "qwen2") {
    throw new UserError(
      `${where}: model_type ${quoteName(type)} is not supported, only "llama" and "qwen2"`,
    );
  }
  const architecture = raw.architectures?.[0];
  if (architecture !== undefined && architecture !== families[type]) {
    throw new UserError(
      `${where}: architecture ${quoteName(architecture)} is not supported, only ${families[type]}`,
    );
  }
  return type;
}

function refuseUnsupported(raw: RawConfig, where: string): void {
  const refuse = (what: string): never => {
    throw new UserError(`${where}: ${what} is not supported; use another model`);
  };
  // The same function by its older name.
  if (raw.hidden_act !== "silu" && raw.hidden_act !== "swish")
    refuse(`the activation ${quoteName(raw.hidden_act)}`);
  if (raw.mlp_bias) refuse("mlp_bias");
  // In the Llama family it also puts a bias on o_proj.
  if (raw.attention_bias && raw.model_type === "llama") refuse("attention_bias");
  if (raw.use_sliding_window) refuse("use_sliding_window");
  const layerType = raw.layer_types?.find((type) => type !== "full_attention");
  if (layerType !== undefined) refuse(`the layer type ${quoteName(layerType)}`);
  const partial =
    raw.partial_rotary_factor ??
    raw.rope_parameters?.partial_rotary_factor ??
    raw.rope_scaling?.partial_rotary_factor ??
    1;
  if (partial !== 1) refuse("partial_rotary_factor");
  if (raw.quantization_config) refuse("quantization_config (a quantized checkpoint)");
}

function keyValueHeads(raw: RawConfig): number {
  return raw.num_key_value_heads ?? raw.num_attention_heads;
}

function headDimOf(raw: RawConfig, where: string): number {
  const headDim = raw.head_dim ?? raw.hidden_size / raw.num_attention_heads;
  if (!Number.isInteger(headDim) || headDim % 2 !== 0) {
    throw new UserError(
      `${where}: a head's size, hidden_size / num_attention_heads = ${headDim}, must be an even whole number`,
    );
  }
  if (raw.num_attention_heads % keyValueHeads(raw) !== 0) {
    throw new UserError(
      `${where}: num_attention_heads must be a multiple of num_key_value_heads (${keyValueHeads(raw)})`,
    );
  }
  return headDim;
}

function ropeScalingOf(
  rope: z.infer<typeof ropeSchema> | undefined,
  where: string,
): ModelConfig["ropeScaling"] {
  const type = rope?.rope_type ?? rope?.type ?? "default";
  if (type === "default") return undefined;
  if (type === "linear") return { type, ...check(linearSchema, rope, `${where} (rope scaling)`) };
  if (type !== "llama3") {
    throw new UserError(
      `${where}: rope scaling ${quoteName(type)} is not supported, only "default", "linear" and "llama3"; use another model`,
    );
  }
  const raw = check(llama3Schema, rope, `${where} (rope scaling)`);
  if (raw.high_freq_factor <= raw.low_freq_factor) {
    throw new UserError(`${where}: high_freq_factor must be greater than low_freq_factor`);
  }
  return {
    type,
    factor: raw.factor,
    lowFrequencyFactor: raw.low_freq_factor,
    highFrequencyFactor: raw.high_freq_factor,
    originalMaximumPositions: raw.original_max_position_embeddings,
  };
}

function listOf(ids: number | number[] | null | undefined): number[] {
  return typeof ids === "number" ? [ids] : (ids ?? []);
}
