/**
 * The cost of a run on 1 to 1,000 workers by simulation, and, with a Redis server's address, the measured time of 1, 2
 * and 4 workers on this machine beside the simulation's.
 *
 *     node -r tsx/cjs experiments/bench/scale.ts [redis://host]
 */
import path from "node:path";
import { textTable } from "../../src/commands/output";
import { disposeModel, loadModel } from "../../src/model/load";
import { measureScaling } from "../../src/queue/measure";
import { DEFAULT_SCALING, scalingTable } from "../../src/queue/scaling";
import { createRandom } from "../../src/random";
import type { GroupWork } from "../../src/restem/group";
import { writeFileAtomic } from "../../src/files";

const COUNTS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
const results = path.join(__dirname, "../../results/bench");

/** Eight adapters for random words; token ids below 60 are words of every small-world model. */
function group(number: number): GroupWork {
  const random = createRandom(`scale/${number}`);
  const ids = (length: number): number[] => Array.from({ length }, () => 3 + random.integer(57));
  return {
    candidates: Array.from({ length: 8 }, (_, c) => ({
      sequences: [{ ids: ids(30) }, { ids: ids(40) }],
      settings: { rank: 8, epochs: 10, seed: `${number}/${c}` },
      prompts: [ids(10)],
    })),
    concurrency: 8,
    answerTokens: 2,
  };
}

async function main(address: string | undefined): Promise<void> {
  const rows = scalingTable(DEFAULT_SCALING, COUNTS, createRandom);
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
  const simulation = { assumptions: DEFAULT_SCALING, rows };
  await writeFileAtomic(
    path.join(results, "scaling.json"),
    `${JSON.stringify(simulation, (_, value: unknown) => (value === Infinity ? "one each" : value), 2)}\n`,
  );
  if (address === undefined) return;
  const model = await loadModel("tiny:biographies");
  const measurement = await measureScaling(address, model, group);
  disposeModel(model);
  const measured = measurement.rows.map((row) => [
    String(row.workers),
    row.measured.toFixed(2),
    row.predicted.toFixed(2),
    `${(100 * (row.predicted / row.measured - 1)).toFixed(0)}%`,
  ]);
  console.log(textTable(["workers", "measured s", "simulated s", "difference"], measured));
  console.log(
    `load of this machine: ${measurement.loadBefore} before, ${measurement.loadAfter} after`,
  );
  await writeFileAtomic(
    path.join(results, "scaling-measured.json"),
    `${JSON.stringify(measurement, null, 2)}\n`,
  );
}

void main(process.argv[2]);
