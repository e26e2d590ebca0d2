/** One adapter as plain data: what training makes, what PEFT's files hold, what generation takes. No tensors. */
import type { Random } from "../statistics/random";
import { TARGET_NAMES, targetShape, type TargetName } from "../model/adapters";
import type { ModelConfig } from "../model/types";
import { modulePath } from "../model/weights";

/** Values with their shape, row-major. */
export interface HostTensor {
  /** Length of each dimension. */
  readonly shape: readonly number[];
  /** The values, the last dimension fastest. */
  readonly values: Float32Array;
}

/** A LoRA adapter. */
export interface Adapter {
  /** PEFT's r. */
  readonly rank: number;
  /** PEFT's lora_alpha; its output is scaled by alpha / rank. */
  readonly alpha: number;
  /** PEFT's lora_dropout in training; generation has none. */
  readonly dropout: number;
  /** The adapted linear layers, in the order of `TARGET_NAMES`. */
  readonly targets: readonly TargetName[];
  /** By PEFT's names: `…lora_A.weight` [rank, in] and `…lora_B.weight` [out, rank]. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

/** PEFT's name of a matrix in adapter_model.safetensors. */
export function adapterTensorName(layer: number, target: TargetName, matrix: "A" | "B"): string {
  return `base_model.model.${modulePath(layer, target)}.lora_${matrix}.weight`;
}

/** Targets in their canonical order. */
export function orderedTargets(targets: readonly TargetName[]): TargetName[] {
  return TARGET_NAMES.filter((name) => targets.includes(name));
}

/**
 * A fresh adapter: A uniform in ±1/sqrt(in) (PEFT's kaiming_uniform with a = sqrt 5), B zero, so that it starts
 * as no change at all.
 */
export function createAdapter(
  config: ModelConfig,
  settings: { rank: number; alpha: number; dropout: number; targets: readonly TargetName[] },
  random: Random,
): Adapter {
  const { rank, alpha, dropout } = settings;
  const targets = orderedTargets(settings.targets);
  const tensors = new Map<string, HostTensor>();
  for (let layer = 0; layer < config.layerCount; layer++) {
    for (const target of targets) {
      const { input, output } = targetShape(config, target);
      const bound = 1 / Math.sqrt(input);
      const a = new Float32Array(rank * input);
      for (let i = 0; i < a.length; i++) a[i] = (2 * random.next() - 1) * bound;
      const b = new Float32Array(output * rank);
      tensors.set(adapterTensorName(layer, target, "A"), { shape: [rank, input], values: a });
      tensors.set(adapterTensorName(layer, target, "B"), { shape: [output, rank], values: b });
    }
  }
  return { rank, alpha, dropout, targets, tensors };
}
