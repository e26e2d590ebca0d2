/**
 * Checkpoints of a long training of one adapter: weights, optimizer, losses and random state in one file, so that a
 * stopped training goes on exactly. Order and schedule follow from the settings and the number of steps done.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { UserError } from "../messages/errors";
import { canonicalJson, makeFolder } from "../files/files";
import { readSafetensors, writeSafetensors, type TensorValues } from "../model/safetensors";
import type { RandomState } from "../statistics/random";
import { settingsChanges } from "../schema/changes";

/** Where a training is in the middle. */
export interface TrainingState {
  readonly losses: readonly number[];
  readonly gradientNorms: readonly number[];
  readonly tokens: number;
  /** State of the dropout's generator, where there is dropout. */
  readonly dropout?: RandomState;
  /** Parameters and the optimizer's moments, in an order of the training's own. */
  readonly tensors: readonly TensorValues[];
}

/** A training that can be left and taken up again. */
export interface Resumable {
  readonly stepsLeft: number;
  state(): Promise<TrainingState>;
  restore(state: TrainingState): void;
}

/** Options of a checkpoint. */
export interface CheckpointOptions {
  /** Where the training is kept. */
  readonly file: string;
  /** Seconds between two writings; SEAL_CHECKPOINT_SECONDS or 60 unless told. What takes less is not written at all. */
  readonly everySeconds?: number;
}

/** Keeps a training in a file. */
export interface TrainingCheckpoint {
  /** Takes up what the file holds, if it is there. Throws UserError where that is another training. */
  restore(run: Resumable): Promise<void>;
  /** Called after every step. Throws UserError where the file cannot be written. */
  keep(run: Resumable): Promise<void>;
}

const STATE = "state";

/** A checkpoint of the training that `determining` (plain data) describes in full. */
export function trainingCheckpoint(
  { file, everySeconds = Number(process.env.SEAL_CHECKPOINT_SECONDS ?? 60) }: CheckpointOptions,
  determining: unknown,
): TrainingCheckpoint {
  let last = performance.now();
  let written = false;
  return {
    async restore(run) {
      if (!existsSync(file)) return;
      run.restore(await read(file, determining));
      written = true;
    },
    async keep(run) {
      const due = performance.now() - last >= 1000 * everySeconds;
      // Before the last step, so that a training that is over is not made again from further back.
      if (run.stepsLeft === 0 || !(due || (written && run.stepsLeft === 1))) return;
      await write(file, await run.state(), determining);
      last = performance.now();
      written = true;
    },
  };
}

async function write(file: string, state: TrainingState, determining: unknown): Promise<void> {
  const { tensors, ...rest } = state;
  // Numbers and random states pass through JSON unchanged; its bytes are stored as numbers, which safetensors holds.
  const letters = Float32Array.from(Buffer.from(canonicalJson({ determining, ...rest })));
  await makeFolder(path.dirname(file), file);
  const named = tensors.map((tensor, i) => [String(i), tensor] as const);
  await writeSafetensors(
    file,
    new Map([...named, [STATE, { shape: [letters.length], values: letters }]]),
  );
}

type Stored = Omit<TrainingState, "tensors"> & { readonly determining: unknown };

async function read(file: string, determining: unknown): Promise<TrainingState> {
  const stored = await readSafetensors(file);
  const letters = stored.get(STATE);
  if (!letters) throw new UserError(`${file} is not a checkpoint of this program's; move it away.`);
  const { determining: before, ...rest } = JSON.parse(
    Buffer.from(letters.values).toString(),
  ) as Stored;
  const changes = settingsChanges(before, determining);
  if (changes.length > 0)
    throw new UserError(
      `${file} is of another training: ${changes.slice(0, 5).join(", ")}.\nSet it back to go on, or delete the file to start anew.`,
    );
  const tensors = Array.from({ length: stored.size - 1 }, (_, i) => stored.get(String(i))!);
  return { ...rest, tensors };
}
