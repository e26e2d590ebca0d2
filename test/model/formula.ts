/** Tiny models whose every weight follows from its name by a formula; test/fixtures/formula.py makes the same ones in PyTorch. */
import { parseModelConfig } from "../../src/model/config";
import { TARGET_NAMES, targetShape } from "../../src/model/adapters";
import type { Network } from "../../src/model/transformer";
import type { ModelConfig, TensorInfo } from "../../src/model/types";
import { loadWeights, modulePath } from "../../src/model/weights";

/** Uniform in ±scale / 2, by a generator that the name seeds (FNV-1a, then a linear congruence). */
export function formulaValues(name: string, count: number, scale: number): Float32Array {
  let state = 2166136261;
  for (const byte of Buffer.from(name)) state = Math.imul(state ^ byte, 16777619) >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * scale;
  });
}

/** The model of a config.json, on the engine that runs. */
export async function formulaNetwork(configJson: unknown): Promise<Network> {
  const config = parseModelConfig(configJson, "the fixture");
  const tensors = new Map(
    shapesOf(config).map(([name, shape]) => [name, { name, dtype: "F32", shape }]),
  );
  const read = (name: string): Promise<Float32Array> => {
    const { shape } = tensors.get(name)!;
    const norm = name.includes("norm");
    const count = shape.reduce((product, size) => product * size, 1);
    const values = formulaValues(name, count, norm ? 0.5 : 1);
    return Promise.resolve(norm ? values.map((value) => 1 + value) : values);
  };
  const weights = await loadWeights(config, { tensors, read, close: () => Promise.resolve() });
  return { config, weights };
}

/** Every tensor of the model by transformers' name. */
export function shapesOf(config: ModelConfig): [name: string, shape: TensorInfo["shape"]][] {
  const { hiddenSize: hidden, vocabularySize: vocabulary } = config;
  const layers = Array.from({ length: config.layerCount }, (_, l) => [
    ...["input", "post_attention"].map((place): [string, number[]] => [
      `model.layers.${l}.${place}_layernorm.weight`,
      [hidden],
    ]),
    ...TARGET_NAMES.flatMap((target): [string, number[]][] => {
      const { input, output } = targetShape(config, target);
      const biased = config.queryKeyValueBias && /^[qkv]_/.test(target);
      const path = modulePath(l, target);
      return [
        [`${path}.weight`, [output, input]],
        ...(biased ? [[`${path}.bias`, [output]] as [string, number[]]] : []),
      ];
    }),
  ]);
  return [
    ["model.embed_tokens.weight", [vocabulary, hidden]],
    ...layers.flat(),
    ["model.norm.weight", [hidden]],
    ...(config.tiedHead ? [] : [["lm_head.weight", [vocabulary, hidden]] as [string, number[]]]),
  ];
}
