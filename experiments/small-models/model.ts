/** The shape and the optimizer's rates that the small worlds' models share. */
import type { ModelConfig } from "../../src/model/types";
import type { FullOptimizerSettings } from "./muon";

/** Muon for the matrices, AdamW for the rest; chosen on the biographies (results/LOG.md). */
export const smallOptimizer: FullOptimizerSettings = {
  muonRate: 0.02,
  muonMomentum: 0.95,
  adamRate: 3e-3,
  adamBeta1: 0.9,
  adamBeta2: 0.99,
};

/** Llama, 3 layers of width 96, tied head, for a world's vocabulary. */
export function smallConfig(
  world: Pick<ModelConfig, "vocabularySize" | "maximumPositions" | "eosTokenIds">,
): ModelConfig {
  return {
    family: "llama",
    hiddenSize: 96,
    intermediateSize: 256,
    layerCount: 3,
    headCount: 4,
    keyValueHeadCount: 4,
    headDim: 24,
    rmsNormEpsilon: 1e-5,
    ropeTheta: 10000,
    tiedHead: true,
    queryKeyValueBias: false,
    ...world,
  };
}
