/**
 * K adapters stacked beside the frozen weights, as the forward and backward passes see them.
 * Making, training and storing adapters is `src/lora`'s work.
 *
 * A projection with an adapter gives x W + scaling (x A) B   (Hu et al. 2021; A is PEFT's lora_A transposed, B lora_B transposed)
 */
import * as tf from "@tensorflow/tfjs";
import type { ModelConfig } from "./types";

/** The linear layers that can have an adapter, by PEFT's target_modules names, in the order of the fused weights. */
export const TARGET_NAMES = [
  "q_proj",
  "k_proj",
  "v_proj",
  "o_proj",
  "gate_proj",
  "up_proj",
  "down_proj",
] as const;
/** One of `TARGET_NAMES`. */
export type TargetName = (typeof TARGET_NAMES)[number];

/** Targets that read the same input share one fused frozen weight. */
export const PROJECTIONS = {
  queryKeyValue: ["q_proj", "k_proj", "v_proj"],
  output: ["o_proj"],
  gateUp: ["gate_proj", "up_proj"],
  down: ["down_proj"],
} as const satisfies Record<string, readonly TargetName[]>;
export type ProjectionName = keyof typeof PROJECTIONS;

/** Targets with a common input whose A matrices lie side by side. */
export interface Branch<T> {
  readonly targets: readonly TargetName[];
  /** [adapters, in, targets * rank] */
  readonly a: T;
  /** For each target, [adapters, rank, out]. */
  readonly b: readonly T[];
}

/** The adapters of one layer. */
export interface LayerAdapters {
  /** [adapters, 1, 1] alpha / rank of each. */
  readonly scaling: tf.Tensor3D;
  /** Branches by projection; absent where nothing is adapted. With dropout, every target has a branch of its own. */
  readonly branches: Readonly<Partial<Record<ProjectionName, readonly Branch<tf.Tensor3D>[]>>>;
  /** One mask for each branch, [adapters, rows * time, in], already divided by the share kept; absent without dropout. */
  readonly dropout?: Readonly<Partial<Record<ProjectionName, readonly tf.Tensor3D[]>>>;
}

/** Input and output width of a target. */
export function targetShape(
  config: Pick<
    ModelConfig,
    "headCount" | "keyValueHeadCount" | "headDim" | "hiddenSize" | "intermediateSize"
  >,
  target: TargetName,
): { input: number; output: number } {
  const queries = config.headCount * config.headDim;
  const keys = config.keyValueHeadCount * config.headDim;
  const { hiddenSize: hidden, intermediateSize: intermediate } = config;
  switch (target) {
    case "q_proj":
      return { input: hidden, output: queries };
    case "k_proj":
    case "v_proj":
      return { input: hidden, output: keys };
    case "o_proj":
      return { input: queries, output: hidden };
    case "gate_proj":
    case "up_proj":
      return { input: hidden, output: intermediate };
    case "down_proj":
      return { input: intermediate, output: hidden };
  }
}

/** Width of a projection's output: of all its targets side by side. */
export function projectionWidth(
  config: Parameters<typeof targetShape>[0],
  name: ProjectionName,
): number {
  return PROJECTIONS[name].reduce((sum, target) => sum + targetShape(config, target).output, 0);
}
