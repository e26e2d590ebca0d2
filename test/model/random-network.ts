/** A small Llama-family model with random weights, made in the test from a seed. */
import * as tf from "@tensorflow/tfjs";
import { createRandom } from "../../src/statistics/random";
import { targetShape } from "../../src/model/adapters";
import type { Network } from "../../src/model/transformer";
import type { ModelConfig } from "../../src/model/types";

/** A config with every dimension different, so that a mixed-up axis shows. */
export const smallConfig: ModelConfig = {
  family: "llama",
  hiddenSize: 24,
  intermediateSize: 40,
  layerCount: 2,
  headCount: 6,
  keyValueHeadCount: 2,
  headDim: 4,
  vocabularySize: 53,
  rmsNormEpsilon: 1e-6,
  ropeTheta: 10_000,
  tiedHead: false,
  queryKeyValueBias: false,
  maximumPositions: 256,
  eosTokenIds: [2],
};

/** Random weights for a config (normal, standard deviation 0.2). The caller disposes. */
export function randomNetwork(config: ModelConfig = smallConfig, seed = 1): Network {
  const random = createRandom(seed);
  const matrix = (rows: number, columns: number): tf.Tensor2D =>
    tf.tensor2d(
      Float32Array.from({ length: rows * columns }, () => 0.2 * random.normal()),
      [rows, columns],
    );
  const vector = (size: number): tf.Tensor1D =>
    tf.tensor1d(Float32Array.from({ length: size }, () => 1 + 0.1 * random.normal()));
  const query = targetShape(config, "q_proj").output;
  const key = targetShape(config, "k_proj").output;
  const { hiddenSize: hidden, intermediateSize: intermediate } = config;
  const layers = Array.from({ length: config.layerCount }, () => ({
    inputNorm: vector(hidden),
    postAttentionNorm: vector(hidden),
    queryKeyValue: matrix(hidden, query + 2 * key),
    output: matrix(query, hidden),
    gateUp: matrix(hidden, 2 * intermediate),
    down: matrix(intermediate, hidden),
  }));
  const embedding = matrix(config.vocabularySize, hidden);
  const head = config.tiedHead ? embedding : matrix(config.vocabularySize, hidden);
  return { config, weights: { embedding, layers, finalNorm: vector(hidden), head } };
}
