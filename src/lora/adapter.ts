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

/** Rank and alpha of one module's adapter. */
export interface ModuleForm {
  /** PEFT's r. */
  readonly rank: number;
  /** PEFT's lora_alpha. */
  readonly alpha: number;
}

/** What an adapter is beside its values. */
export interface AdapterForm {
  /** PEFT's r; the largest of its modules. */
  readonly rank: number;
  /** PEFT's lora_alpha; its output is scaled by alpha / rank. */
  readonly alpha: number;
  /** PEFT's lora_dropout in training; generation has none. */
  readonly dropout: number;
  /** The adapted linear layers, in the order of `TARGET_NAMES`. */
  readonly targets: readonly TargetName[];
  /** Scaling is alpha / sqrt(rank) (rsLoRA, Kalajdzievski 2023) instead of alpha / rank. */
  readonly rslora?: boolean;
  /**
   * By module path, where not every target of every layer has this rank and alpha (PEFT's patterns and choices of
   * layers); a module that is not named has no adapter.
   */
  readonly modules?: ReadonlyMap<string, ModuleForm>;
}

/** A LoRA adapter. */
export interface Adapter extends AdapterForm {
  /** By PEFT's names: `…lora_A.weight` [rank, in] and `…lora_B.weight` [out, rank]. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

/** PEFT's name of a matrix in adapter_model.safetensors. */
export function adapterTensorName(layer: number, target: TargetName, matrix: "A" | "B"): string {
  return `base_model.model.${modulePath(layer, target)}.lora_${matrix}.weight`;
}

/** An adapter's form, which holds on to none of its values. */
export function formOf({ rank, alpha, dropout, targets, rslora, modules }: Adapter): AdapterForm {
  const own = { ...(rslora ? { rslora } : {}), ...(modules ? { modules } : {}) };
  return { rank, alpha, dropout, targets, ...own };
}

/** Rank and alpha of a module; undefined where it has no adapter. */
export function moduleForm(
  { rank, alpha, targets, modules }: AdapterForm,
  layer: number,
  target: TargetName,
): ModuleForm | undefined {
  if (modules) return modules.get(modulePath(layer, target));
  return targets.includes(target) ? { rank, alpha } : undefined;
}

/** What a module's A B is multiplied by. */
export function scalingOf({ rslora }: AdapterForm, { rank, alpha }: ModuleForm): number {
  return alpha / (rslora ? Math.sqrt(rank) : rank);
}

/** The scaling that all modules of an adapter have; undefined where they have several. */
export function commonScaling(form: AdapterForm): number | undefined {
  const scalings = [...(form.modules?.values() ?? [form])].map((own) => scalingOf(form, own));
  return scalings.every((own) => own === scalings[0]) ? scalings[0] : undefined;
}

/** A module's matrices and their scaling; undefined where it has no adapter. */
export function moduleMatrices(
  adapter: Adapter,
  layer: number,
  target: TargetName,
): { a: HostTensor; b: HostTensor; rank: number; scaling: number } | undefined {
  const form = moduleForm(adapter, layer, target);
  const a = adapter.tensors.get(adapterTensorName(layer, target, "A"));
  const b = adapter.tensors.get(adapterTensorName(layer, target, "B"));
  return form && a && b ? { a, b, rank: form.rank, scaling: scalingOf(adapter, form) } : undefined;
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
