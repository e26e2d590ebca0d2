/**
 * The cost of a run on 1 to 1,000 workers by simulation, and, with a Redis server's address, the measured time of 1, 2
 * and 4 workers on this machine beside the simulation's.
 *
 *     node -r tsx/cjs experiments/bench/scale.ts [redis://host]
 */
import path from "node:path";
import { textTable } from "../../src/commands/output";
import { disposeModel, loadModel } from "../../src/model/load";
import { figureLines } from "../../src/plot/lines";
import type { Figure } from "../../src/plot/figure";
import { renderFigure } from "../../src/plot/render";
import { measureScaling, type Measurement } from "./measure";
import { DEFAULT_SCALING, scalingTable, type ScalingResult } from "./scaling";
import { createRandom } from "../../src/statistics/random";
import type { GroupWork } from "../../src/restem/group";
import { writeFileAtomic } from "../../src/files/files";

const COUNTS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
const results = path.join(__dirname, "../../results/bench");

/** Eight adapters for random words; token ids below 60 are words of every small-world model. */
function group(number: number): GroupWork {
  const random = createRandom(`scale/${number}`);
  const ids = (length: number): number[] => Array.from({ length }, () => 3 + random.integer(57));
  return {
    candidates: Array.from({ length: 8 }, (_, c) => ({
      sequences: [{ ids: ids(30) }, { ids: ids(40) }],
      settings: { rank: 8, epochs: 40, seed: `${number}/${c}` },
      prompts: [ids(10)],
    })),
    concurrency: 8,
    answerTokens: 2,
  };
}

/** The figure of a simulation: what more workers are good for, and where they no longer are. */
function speedups(rows: readonly ScalingResult[]): Figure {
  return figureLines(
    [{ label: "SEAL's round", x: rows.map((r) => r.workers), y: rows.map((r) => r.speedup) }],
    {
      title: "Speed-up by the number of workers (simulated)",
      note: "times of a group and of the coordinator are assumed; see scaling.json",
      xTitle: "workers",
      yTitle: "times as fast as one worker",
    },
  );
}

function printSimulation(rows: readonly ScalingResult[]): void {
  const cells = rows.map(({ workers, seconds, speedup, efficiency, dollars, repeated }) =>
    [
      workers,
      (seconds / 3600).toFixed(2),
      speedup.toFixed(1),
      `${(100 * efficiency).toFixed(0)}%`,
      dollars.toFixed(2),
      repeated.toFixed(1),
    ].map(String),
  );
  const header = ["workers", "hours", "speed-up", "efficiency", "dollars", "groups repeated"];
  console.log(textTable(header, cells));
}

function printMeasurement({ rows, model, loadBefore }: Measurement): void {
  const cells = rows.map(({ workers, measured, predicted }) => [
    String(workers),
    measured.toFixed(2),
    predicted.toFixed(2),
    `${(100 * (predicted / measured - 1)).toFixed(0)}%`,
  ]);
  console.log(textTable(["workers", "measured s", "simulated s", "difference"], cells));
  console.log(
    `${model.cores} cores, each at ${(100 * model.busySpeed).toFixed(0)}% of its speed when all are busy; load before: ${loadBefore.toFixed(2)}`,
  );
}

async function main(address: string | undefined): Promise<void> {
  const rows = scalingTable(DEFAULT_SCALING, COUNTS, createRandom);
  printSimulation(rows);
  let here: Measurement | undefined;
  if (address !== undefined) {
    const model = await loadModel("tiny:biographies");
    here = await measureScaling(address, model, group);
    disposeModel(model);
    printMeasurement(here);
  }
  const all = { simulated: { assumptions: DEFAULT_SCALING, rows }, ...(here ? { here } : {}) };
  const text = JSON.stringify(
    all,
    (_, value: unknown) => (value === Infinity ? "one each" : value),
    2,
  );
  await writeFileAtomic(path.join(results, "scaling.json"), `${text}\n`);
  await renderFigure(speedups(rows), path.join(results, "figures/speed-ups"));
}

void main(process.argv[2]);
