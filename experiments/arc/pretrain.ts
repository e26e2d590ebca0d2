/**
 * Trains the model tiny:arc from scratch and writes its folder; a stopped run resumes from its checkpoint.
 *
 *     node -r tsx/cjs experiments/arc/pretrain.ts [folder]
 */
import { join } from "node:path";
import { prepareEngine, startEngine } from "../../src/engine";
import { errorMessage } from "../../src/messages/errors";
import { mean, parameterCount, pretrain } from "../small-models/pretrain";
import { valuesOf, writeModelFolder } from "../small-models/files";
import {
  documentsOfStep,
  ruleAccuracy,
  type Shown,
  worldConfig,
  worldModelTexts,
  worldPretrainingSettings as settings,
  worldStep,
} from "../small-models/arc/pretraining";
import { startWorld } from "../small-models/arc/start";

const watchedGrids = 20;
const measuredGrids = 200;

async function main(folder: string): Promise<void> {
  prepareEngine("tiny:arc");
  const engine = await startEngine();
  const config = worldConfig();
  const { variables, losses, seconds, done } = await pretrain(folder, {
    ...{ config, settings, engine: engine.name },
    start: () => startWorld(config, settings),
    step: (state) => worldStep(config, settings, state),
    watch: (now) => {
      const of = (shown: Shown): string =>
        Object.entries(ruleAccuracy(config, now, watchedGrids, shown))
          .map(([kind, { grids }]) => `${kind} ${(100 * grids).toFixed(0)}`)
          .join(", ");
      return `grids right\n  named: ${of("name")}\n  demonstrated: ${of("demonstrations")}`;
    },
  });
  const counts = Array.from(
    { length: settings.steps },
    (_, step) => documentsOfStep(settings, step).flat().length,
  );
  const report = {
    settings,
    parameters: parameterCount(variables),
    documents: counts.reduce((sum, count) => sum + count, 0),
    loss: mean(losses),
    lossSteps: losses.length,
    grids: measuredGrids,
    accuracy: {
      name: ruleAccuracy(config, variables, measuredGrids, "name"),
      demonstrations: ruleAccuracy(config, variables, measuredGrids, "demonstrations"),
      nothing: ruleAccuracy(config, variables, measuredGrids, "nothing"),
    },
    engine: engine.name,
    minutes: seconds / 60,
  };
  await writeModelFolder(
    folder,
    config,
    await valuesOf(variables),
    worldModelTexts(config, report),
  );
  await done();
  console.log(`written: ${folder}`);
}

main(process.argv[2] ?? join(__dirname, "../../results/models/arc")).catch((error: unknown) => {
  console.error(errorMessage(error));
  process.exitCode = 1;
});
