/** Recovers Llama 3.x's rope scaling from the per-frequency factors that a GGUF file stores in its place. */
import { UserError } from "../../messages/errors";
import type { Llama3RopeScaling, ModelConfig } from "../types";

/** What every Llama 3.x release uses but for the factor (8 or 32), which the file's largest factor tells. */
const llama3 = {
  type: "llama3",
  lowFrequencyFactor: 1,
  highFrequencyFactor: 4,
  originalMaximumPositions: 8192,
} as const;

/** Relative; the stored factors are fp32. */
const tolerance = 1e-5;

/**
 * The scaling whose factors are the given ones ([headDim / 2]); undefined where all are 1.
 * Throws UserError where they are not those of Llama 3.x.
 */
export function ropeScalingOfFactors(
  factors: Float32Array,
  config: ModelConfig,
  where: string,
): Llama3RopeScaling | undefined {
  if (factors.length === config.headDim / 2) {
    if (factors.every((factor) => factor === 1)) return undefined;
    const scaling: Llama3RopeScaling = { factor: Math.max(...factors), ...llama3 };
    const expected = llama3RopeFactors(scaling, config);
    const same = expected.every((value, i) => Math.abs(factors[i] / value - 1) < tolerance);
    if (same) return scaling;
  }
  throw new UserError(
    `${where}: rope_freqs.weight is not Llama 3.x's scaling (1, 4, 8192); use the safetensors form`,
  );
}

/** What each rotary frequency is divided by, [headDim / 2], as llama.cpp's converter computes it. */
export function llama3RopeFactors(
  scaling: Llama3RopeScaling,
  { headDim, ropeTheta }: Pick<ModelConfig, "headDim" | "ropeTheta">,
): number[] {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high } = scaling;
  return Array.from({ length: headDim / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * ropeTheta ** ((2 * i) / headDim);
    const turns = scaling.originalMaximumPositions / wavelength;
    if (turns > high) return 1;
    if (turns < low) return factor;
    const smooth = (turns - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}
