/**
 * Trains the model tiny:biographies from scratch and writes its folder; a stopped run resumes from its checkpoint.
 *
 *     node -r tsx/cjs experiments/knowledge/pretrain-biographies.ts [folder]
 */
import { join } from "node:path";
import { startEngine } from "../../src/engine";
import { errorMessage } from "../../src/messages/errors";
import { mean, parameterCount, pretrain } from "../small-models/pretrain";
import { writeModelFiles } from "../small-models/biographies/model-files";
import {
  biographiesConfig,
  documentsOfStep,
  pretrainingSettings as settings,
  pretrainingStep,
} from "../small-models/biographies/pretraining";
import { pretrainingAccuracy } from "../small-models/biographies/pretraining-accuracy";
import { createWorld } from "../../src/tasks/biographies/world";
import { valuesOf } from "../small-models/files";

const watchedPeople = 20;
const measuredPeople = 100;

async function main(folder: string): Promise<void> {
  const engine = await startEngine();
  const config = biographiesConfig();
  const world = createWorld(0);
  const { variables, losses, seconds, done } = await pretrain(folder, {
    ...{ config, settings, engine: engine.name },
    step: (state) => pretrainingStep(config, world, settings, state).loss,
    watch: (now) => {
      const { known, transferred, openBook, names } = pretrainingAccuracy(
        config,
        world,
        now,
        watchedPeople,
      );
      return `known ${known.toFixed(3)}, transferred ${transferred.toFixed(3)}, open book ${openBook.toFixed(3)}, names ${names.toFixed(3)}`;
    },
  });
  const counts = Array.from({ length: settings.steps }, (_, step) => {
    const { long, short } = documentsOfStep(world, settings, step);
    return long.length + short.length;
  });
  await writeModelFiles(folder, config, await valuesOf(variables), {
    settings,
    parameters: parameterCount(variables),
    documents: counts.reduce((sum, count) => sum + count, 0),
    loss: mean(losses),
    lossSteps: losses.length,
    people: measuredPeople,
    accuracy: pretrainingAccuracy(config, world, variables, measuredPeople),
    engine: engine.name,
    minutes: seconds / 60,
  });
  await done();
  console.log(`written: ${folder}`);
}

main(process.argv[2] ?? join(__dirname, "../../results/models/biographies")).catch(
  (error: unknown) => {
    console.error(errorMessage(error));
    process.exitCode = 1;
  },
);
