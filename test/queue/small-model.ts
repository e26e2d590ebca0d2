/** A tiny model with random weights and the small world's words, as a folder that every process can load; and groups for it. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createRandom } from "../../src/statistics/random";
import { TARGET_NAMES, targetShape } from "../../src/model/adapters";
import { parseModelConfig } from "../../src/model/config";
import { writeSafetensors, type TensorValues } from "../../src/model/safetensors";
import { modulePath } from "../../src/model/weights";
import type { GroupWork } from "../../src/restem/group";
import { tokenizerFile, vocabulary } from "../../experiments/small-models/biographies/vocabulary";
import { configFile } from "../../src/model/config-file";

/** Writes the model's folder; another seed gives other weights under the same name. */
export async function writeSmallModel(folder: string, seed = 1): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const json = configFile({
    family: "llama",
    hiddenSize: 16,
    intermediateSize: 24,
    layerCount: 1,
    headCount: 2,
    keyValueHeadCount: 1,
    headDim: 8,
    vocabularySize: vocabulary().length,
    rmsNormEpsilon: 1e-6,
    ropeTheta: 10_000,
    tiedHead: true,
    queryKeyValueBias: false,
    maximumPositions: 256,
    eosTokenIds: [1],
  });
  const config = parseModelConfig(json, folder);
  const random = createRandom(seed);
  const tensors = new Map<string, TensorValues>();
  const add = (name: string, shape: number[], value: () => number): void => {
    const size = shape.reduce((product, n) => product * n, 1);
    tensors.set(name, { shape, values: Float32Array.from({ length: size }, value) });
  };
  const normal = (): number => 0.2 * random.normal();
  const one = (): number => 1;
  add("model.embed_tokens.weight", [config.vocabularySize, config.hiddenSize], normal);
  add("model.norm.weight", [config.hiddenSize], one);
  for (let l = 0; l < config.layerCount; l++) {
    add(`model.layers.${l}.input_layernorm.weight`, [config.hiddenSize], one);
    add(`model.layers.${l}.post_attention_layernorm.weight`, [config.hiddenSize], one);
    for (const target of TARGET_NAMES) {
      const { output, input } = targetShape(config, target);
      add(`${modulePath(l, target)}.weight`, [output, input], normal);
    }
  }
  writeFileSync(path.join(folder, "config.json"), JSON.stringify(json));
  writeFileSync(path.join(folder, "tokenizer.json"), JSON.stringify(tokenizerFile()));
  await writeSafetensors(path.join(folder, "model.safetensors"), tensors);
}

/** A group of two candidates to be trained for `epochs`, with two questions each; `number` makes it differ from the others. */
export function smallGroup(number: number, epochs = 2): GroupWork {
  const random = createRandom(`group ${number}`);
  const ids = (length: number): number[] => Array.from({ length }, () => 3 + random.integer(60));
  return {
    candidates: [0, 1].map((c) => ({
      sequences: [{ ids: ids(8) }, { ids: ids(5) }],
      settings: { rank: 2, alpha: 4, epochs, learningRate: 0.01, seed: `${number}/${c}` },
      prompts: [ids(4), ids(6)],
    })),
    concurrency: 2,
    answerTokens: 4,
  };
}
