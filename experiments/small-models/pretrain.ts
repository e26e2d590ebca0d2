/** A whole pretraining from its first step, or its checkpoint, to its last. Writing the model is files.ts's. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../src/messages/errors";
import { canonicalJson } from "../../src/files/files";
import type { ModelConfig } from "../../src/model/types";
import { settingsChanges } from "../../src/schema/changes";
import { readCheckpoint, saveCheckpoint } from "./checkpoint";
import type { Variables } from "./network";
import { startPretraining, type PretrainingState, type StepSettings } from "./step";

/** What is to be trained. */
export interface Pretraining<S extends StepSettings> {
  readonly config: ModelConfig;
  readonly settings: S;
  /** Name of the engine: another one's checkpoint is not gone on with. */
  readonly engine: string;
  /** The state before the first step, as usual unless told. */
  readonly start?: () => PretrainingState;
  /** Takes the next step and gives its loss. */
  readonly step: (state: PretrainingState) => number;
  /** What is told beside the loss, every 50 steps. */
  readonly watch: (variables: Variables) => string;
}

/** A finished training; `done` removes its checkpoint. */
export interface Pretrained {
  readonly variables: Variables;
  /** Losses of the last steps. */
  readonly losses: readonly number[];
  readonly seconds: number;
  readonly done: () => Promise<void>;
}

const REPORT_EVERY = 50;

/** Trains to the last step, telling of it on the console; a stopped run resumes from the checkpoint in `folder`. */
export async function pretrain<S extends StepSettings>(
  folder: string,
  { config, settings, engine, start, step, watch }: Pretraining<S>,
): Promise<Pretrained> {
  const state = start?.() ?? startPretraining(config, settings);
  await mkdir(folder, { recursive: true });
  const checkpoint = join(folder, "checkpoint.partial.safetensors");
  const determining = canonicalJson({ config, settings, engine });
  const earlier = await readCheckpoint(checkpoint);
  if (earlier !== undefined) {
    const changes = settingsChanges(JSON.parse(earlier.settings), JSON.parse(determining));
    if (changes.length > 0)
      throw new UserError(
        `${checkpoint} is of other settings: ${changes.join(", ")}.\nSet them back, or delete it to start anew.`,
      );
    earlier.restore(state);
    console.log(`resumed after step ${state.step}`);
  }
  let seconds = earlier?.seconds ?? 0;
  let losses: number[] = [...(earlier?.losses ?? [])];
  while (state.step < settings.steps) {
    const start = performance.now();
    losses.push(Math.fround(step(state)));
    seconds += (performance.now() - start) / 1000;
    if (state.step % REPORT_EVERY !== 0 && state.step < settings.steps) continue;
    losses = losses.slice(-REPORT_EVERY);
    console.log(
      `step ${state.step} of ${settings.steps}, ${seconds.toFixed(0)} s: loss ${mean(losses).toFixed(3)}, ${watch(state.variables)}`,
    );
    await saveCheckpoint(checkpoint, state, { seconds, losses, settings: determining });
  }
  const done = (): Promise<void> => rm(checkpoint, { force: true });
  return { variables: state.variables, losses, seconds, done };
}

/** Number of weights. */
export function parameterCount(variables: Variables): number {
  return [...variables.values()].reduce((sum, { size }) => sum + size, 0);
}

/** Arithmetic mean. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
