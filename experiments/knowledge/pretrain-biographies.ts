/**
 * Trains the model tiny:biographies from scratch and writes its folder; a stopped run resumes from its checkpoint.
 *
 *     node -r tsx/cjs experiments/knowledge/pretrain-biographies.ts [folder]
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { startEngine } from "../../src/engine";
import { errorMessage, UserError } from "../../src/errors";
import { canonicalJson } from "../../src/files";
import { settingsChanges } from "../../src/settings-changes";
import { readCheckpoint, saveCheckpoint } from "../../src/tasks/biographies/checkpoint";
import { valuesOf, writeModelFiles } from "../../src/tasks/biographies/model-files";
import {
  biographiesConfig,
  documentsOfStep,
  pretrainingSettings as settings,
  pretrainingStep,
  startPretraining,
} from "../../src/tasks/biographies/pretraining";
import { pretrainingAccuracy } from "../../src/tasks/biographies/pretraining-accuracy";
import { createWorld } from "../../src/tasks/biographies/world";

const reportEvery = 50;
const watchedPeople = 20;
const measuredPeople = 100;

async function main(folder: string): Promise<void> {
  const engine = await startEngine();
  const config = biographiesConfig();
  const world = createWorld(0);
  const state = startPretraining(config, settings);
  await mkdir(folder, { recursive: true });
  const checkpoint = join(folder, "checkpoint.partial.safetensors");
  const determining = canonicalJson({ config, settings, engine: engine.name });
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
    losses.push(Math.fround(pretrainingStep(config, world, settings, state).loss));
    seconds += (performance.now() - start) / 1000;
    if (state.step % reportEvery !== 0 && state.step < settings.steps) continue;
    losses = losses.slice(-reportEvery);
    const now = pretrainingAccuracy(config, world, state.variables, watchedPeople);
    console.log(
      `step ${state.step} of ${settings.steps}, ${seconds.toFixed(0)} s: loss ${mean(losses).toFixed(3)}, ` +
        `known ${now.known.toFixed(3)}, transferred ${now.transferred.toFixed(3)}, open book ${now.openBook.toFixed(3)}, names ${now.names.toFixed(3)}`,
    );
    await saveCheckpoint(checkpoint, state, { seconds, losses, settings: determining });
  }
  const parameters = [...state.variables.values()].reduce((sum, { size }) => sum + size, 0);
  const counts = Array.from({ length: settings.steps }, (_, step) => {
    const { long, short } = documentsOfStep(world, settings, step);
    return long.length + short.length;
  });
  await writeModelFiles(folder, config, await valuesOf(state.variables), {
    settings,
    parameters,
    documents: counts.reduce((sum, count) => sum + count, 0),
    loss: mean(losses),
    lossSteps: losses.length,
    people: measuredPeople,
    accuracy: pretrainingAccuracy(config, world, state.variables, measuredPeople),
    engine: engine.name,
    minutes: seconds / 60,
  });
  await rm(checkpoint, { force: true });
  console.log(`written: ${folder}`);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

main(process.argv[2] ?? join(__dirname, "../../results/models/biographies")).catch(
  (error: unknown) => {
    console.error(errorMessage(error));
    process.exitCode = 1;
  },
);
