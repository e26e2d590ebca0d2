/** Checkpoints of pretraining: everything that a stopped run needs to go on exactly. */
import { existsSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../../src/messages/errors";
import { readSafetensors, writeSafetensors } from "../../src/model/safetensors";
import { valuesOf } from "./files";
import type { PretrainingState } from "./step";

/** What a checkpoint keeps beside the state, for the report. */
export interface PretrainingProgress {
  /** In fp32's precision. */
  readonly seconds: number;
  /** Losses of the last steps, in fp32. */
  readonly losses: readonly number[];
  /** What the training is of, as canonical JSON. */
  readonly settings: string;
}

/** Writes weights, optimizer state, step and progress; the file appears whole or not at all. */
export async function saveCheckpoint(
  file: string,
  state: PretrainingState,
  { seconds, losses, settings }: PretrainingProgress,
): Promise<void> {
  const tensors = await valuesOf(new Map([...state.variables, ...state.optimizer]));
  tensors.set("step", { shape: [1], values: Float32Array.of(state.step) });
  tensors.set("seconds", { shape: [1], values: Float32Array.of(seconds) });
  tensors.set("losses", { shape: [losses.length], values: Float32Array.from(losses) });
  const letters = Float32Array.from(Buffer.from(settings));
  tensors.set("settings", { shape: [letters.length], values: letters });
  await writeSafetensors(file, tensors);
}

/** What a checkpoint holds, not yet put back. */
export interface Checkpoint extends PretrainingProgress {
  /** Puts weights, optimizer state and step into a fresh state of the same settings. */
  readonly restore: (state: PretrainingState) => void;
}

/** Reads a checkpoint; undefined where there is none. Documents and schedule follow from the step, so that nothing more is needed. */
export async function readCheckpoint(file: string): Promise<Checkpoint | undefined> {
  if (!existsSync(file)) return undefined;
  const tensors = await readSafetensors(file);
  const values = (name: string): Float32Array => {
    const found = tensors.get(name);
    if (!found)
      throw new UserError(`${file} is not a checkpoint of this program's: it lacks ${name}.`);
    return found.values;
  };
  return {
    seconds: values("seconds")[0],
    losses: [...values("losses")],
    settings: Buffer.from(values("settings")).toString(),
    restore: (state) => {
      for (const [name, variable] of [...state.variables, ...state.optimizer])
        tf.tidy(() => variable.assign(tf.tensor(values(name), variable.shape)));
      state.step = values("step")[0];
    },
  };
}
