/** Checkpoints of pretraining: everything that a stopped run needs to go on exactly. */
import { existsSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { readSafetensors, writeSafetensors } from "../../model/safetensors";
import { valuesOf } from "./model-files";
import type { PretrainingState } from "./pretraining";

/** What a checkpoint keeps beside the state, for the report. */
export interface PretrainingProgress {
  readonly seconds: number;
  /** Losses of the last steps. */
  readonly losses: readonly number[];
}

/** Writes weights, optimizer state, step and progress; the file appears whole or not at all. */
export async function saveCheckpoint(
  file: string,
  state: PretrainingState,
  { seconds, losses }: PretrainingProgress,
): Promise<void> {
  const tensors = await valuesOf(new Map([...state.variables, ...state.optimizer]));
  tensors.set("step", { shape: [1], values: Float32Array.of(state.step) });
  tensors.set("seconds", { shape: [1], values: Float32Array.of(seconds) });
  tensors.set("losses", { shape: [losses.length], values: Float32Array.from(losses) });
  await writeSafetensors(file, tensors);
}

/** Puts a checkpoint back into a fresh state; undefined where there is none. */
export async function restoreCheckpoint(
  file: string,
  state: PretrainingState,
): Promise<PretrainingProgress | undefined> {
  if (!existsSync(file)) return undefined;
  const tensors = await readSafetensors(file);
  for (const [name, variable] of [...state.variables, ...state.optimizer]) {
    const { values } = tensors.get(name)!;
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
  state.step = tensors.get("step")!.values[0];
  return { seconds: tensors.get("seconds")!.values[0], losses: [...tensors.get("losses")!.values] };
}
