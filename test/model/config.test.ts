import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { parseModelConfig } from "../../src/model/config";
import { readShared, testWithShared } from "../shared";
import { assertRefused } from "./refusal";

const suite = createSuite("config");

const llama = {
  model_type: "llama",
  architectures: ["LlamaForCausalLM"],
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 8,
  num_key_value_heads: 2,
  vocab_size: 100,
  rms_norm_eps: 1e-5,
  max_position_embeddings: 4096,
  rope_theta: 500000,
  eos_token_id: 2,
};
const llama3 = {
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
};
const llama3Parsed = {
  type: "llama3",
  factor: 8,
  lowFrequencyFactor: 1,
  highFrequencyFactor: 4,
  originalMaximumPositions: 8192,
};

suite("transformers 4's keys", () => {
  assert.equal(parseModelConfig({ ...llama, bos_token_id: 1 }, "x"), {
    family: "llama",
    hiddenSize: 64,
    intermediateSize: 128,
    layerCount: 2,
    headCount: 8,
    keyValueHeadCount: 2,
    headDim: 8,
    vocabularySize: 100,
    rmsNormEpsilon: 1e-5,
    ropeTheta: 500000,
    tiedHead: false,
    queryKeyValueBias: false,
    maximumPositions: 4096,
    bosTokenId: 1,
    eosTokenIds: [2],
  });
});

suite("rope scaling, in both generations' keys", () => {
  const old = { ...llama, rope_scaling: { ...llama3, rope_type: "llama3" } };
  const recent = {
    ...llama,
    rope_theta: undefined,
    rope_parameters: { ...llama3, rope_type: "llama3", rope_theta: 10 },
  };
  assert.equal(parseModelConfig(old, "x").ropeScaling, llama3Parsed);
  assert.is(parseModelConfig(old, "x").ropeTheta, 500000);
  assert.equal(parseModelConfig(recent, "x").ropeScaling, llama3Parsed);
  assert.is(parseModelConfig(recent, "x").ropeTheta, 10);
  const linear = { ...llama, rope_scaling: { type: "linear", factor: 4, rope_theta: 20 } };
  assert.equal(parseModelConfig(linear, "x").ropeScaling, { type: "linear", factor: 4 });
  const plain = { ...llama, rope_scaling: { type: "default" } };
  assert.is(parseModelConfig(plain, "x").ropeScaling, undefined);
});

suite("end tokens: a number, a list, null, and generation_config.json's", () => {
  const ends = (value: unknown, generation?: unknown): readonly number[] =>
    parseModelConfig({ ...llama, eos_token_id: value }, "x", generation).eosTokenIds;
  assert.equal(ends(7), [7]);
  assert.equal(ends([7, 8]), [7, 8]);
  assert.equal(ends(null), []);
  assert.equal(ends(7, { eos_token_id: [8, 7] }), [7, 8]);
  assert.equal(ends(null, { eos_token_id: 9, temperature: 1 }), [9]);
});

suite("defaults where keys are missing", () => {
  const { hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, vocab_size } =
    llama;
  const config = parseModelConfig(
    {
      model_type: "qwen2",
      hidden_size,
      intermediate_size,
      num_hidden_layers,
      num_attention_heads,
      vocab_size,
      sliding_window: 4096,
      use_sliding_window: false,
    },
    "x",
  );
  assert.is(config.keyValueHeadCount, 8);
  assert.is(config.ropeTheta, 10000);
  assert.is(config.rmsNormEpsilon, 1e-6);
  assert.is(config.maximumPositions, 32768);
  assert.is(config.queryKeyValueBias, true);
  assert.not.ok("bosTokenId" in config);
});

suite("what is not supported or absurd is refused in one line", async () => {
  const cases: [object, RegExp][] = [
    [{ model_type: "mistral" }, /"mistral" is not supported/],
    [{ architectures: ["LlamaForSequenceClassification"] }, /LlamaForSequenceClassification/],
    [{ hidden_act: "gelu" }, /activation "gelu"/],
    [{ mlp_bias: true }, /mlp_bias/],
    [{ attention_bias: true }, /attention_bias/],
    [{ use_sliding_window: true }, /use_sliding_window/],
    [{ layer_types: ["full_attention", "sliding_attention"] }, /"sliding_attention"/],
    [{ rope_scaling: { type: "linear" } }, /"factor"/],
    [{ rope_scaling: { type: "dynamic", factor: 2 } }, /"dynamic" is not supported/],
    [{ rope_scaling: { rope_type: "yarn", factor: 2 } }, /"yarn" is not supported/],
    [{ rope_parameters: { rope_type: "longrope" } }, /"longrope" is not supported/],
    [{ rope_scaling: { rope_type: "llama3", factor: 2 } }, /low_freq_factor/],
    [{ rope_scaling: { ...llama3, rope_type: "llama3", high_freq_factor: 1 } }, /greater/],
    [{ partial_rotary_factor: 0.5 }, /partial_rotary_factor/],
    [{ quantization_config: { bits: 4 } }, /quantization_config/],
    [{ hidden_size: 1e15 }, /"hidden_size"/],
    [{ hidden_size: -1 }, /"hidden_size"/],
    [{ hidden_size: "64" }, /"hidden_size"/],
    [{ hidden_size: 65 }, /even whole number/],
    [{ head_dim: 7 }, /even whole number/],
    [{ num_hidden_layers: 1e6 }, /"num_hidden_layers"/],
    [{ num_key_value_heads: 3 }, /multiple/],
    [{ vocab_size: undefined }, /"vocab_size"/],
    [{ eos_token_id: "</s>" }, /"eos_token_id"/],
    [{ rms_norm_eps: -1 }, /"rms_norm_eps"/],
  ];
  for (const [change, message] of cases) {
    const label = JSON.stringify(change);
    await assertRefused(() => parseModelConfig({ ...llama, ...change }, "here"), message, label);
    await assertRefused(() => parseModelConfig({ ...llama, ...change }, "here"), /^here/, label);
  }
  await assertRefused(() => parseModelConfig([], "here"), /here/, "a list");
  await assertRefused(() => parseModelConfig(null, "here"), /here/, "null");
});

testWithShared(suite, "goldens", "the reference models' files", () => {
  const llamaConfig = parseModelConfig(readShared("goldens/llama/model/config.json"), "llama");
  assert.is(llamaConfig.ropeTheta, 100000);
  assert.is(llamaConfig.tiedHead, true);
  assert.equal(llamaConfig.eosTokenIds, [2]);
  const qwen = parseModelConfig(readShared("goldens/qwen2/model/config.json"), "qwen2");
  assert.is(qwen.family, "qwen2");
  assert.is(qwen.ropeTheta, 1000000);
  assert.is(qwen.headDim, 8);
  assert.is(qwen.tiedHead, false);
  assert.equal(qwen.eosTokenIds, []);
});

suite.run();
