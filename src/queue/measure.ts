/** Measures the queue on this machine: the same groups by 1, 2, 4 … worker processes; and what the simulation says of it. */
import { spawn, type ChildProcess } from "node:child_process";
import os from "node:os";
import path from "node:path";
import type { Model } from "../model/load";
import { createRandom } from "../random";
import type { GroupWork } from "../restem/group";
import { openQueueExecutor } from "./executor";
import { DEFAULT_SCALING, scalingTable, type ScalingModel } from "./scaling";
import { queueStatus } from "./status";

/** Measured and predicted time of all groups, in seconds. */
export interface MeasuredScaling {
  readonly workers: number;
  readonly measured: number;
  readonly predicted: number;
}

/** What was measured, and the model that was fitted to one worker. */
export interface Measurement {
  readonly model: ScalingModel;
  readonly rows: MeasuredScaling[];
  /** Mean number of processes that wanted a core in the minute before and after; 0 on a quiet machine. */
  readonly loadBefore: number;
  readonly loadAfter: number;
}

/**
 * Runs the groups by each number of workers. The fit takes the mean time of a group from one worker; the cores are this
 * machine's. `group` gives groups that differ, since equal ones are computed once.
 */
export async function measureScaling(
  queue: string,
  model: Model,
  group: (number: number) => GroupWork,
  { groups = 16, counts = [1, 2, 4] } = {},
): Promise<Measurement> {
  const [loadBefore] = os.loadavg();
  const measured: number[] = [];
  let next = 0;
  for (const count of counts) {
    const work = Array.from({ length: groups }, () => group(next++));
    measured.push(await timeOf(queue, model, work, count));
  }
  const fitted: ScalingModel = {
    ...DEFAULT_SCALING,
    steps: 1,
    groupsPerStep: groups,
    groupSeconds: measured[0] / groups,
    groupSpread: 0,
    workerSpread: 0,
    serialSeconds: 0,
    lookSeconds: 0,
    redisSeconds: 0,
    stepBytes: 0,
    startSeconds: 0,
    failuresPerHour: 0,
    cores: os.availableParallelism(),
  };
  const predicted = scalingTable(fitted, counts, createRandom, 1);
  const rows = counts.map((workers, i) => ({
    workers,
    measured: measured[i],
    predicted: predicted[i].seconds,
  }));
  return { model: fitted, rows, loadBefore, loadAfter: os.loadavg()[0] };
}

/** Seconds from handing out to the last result, with workers that are ready. */
async function timeOf(
  queue: string,
  model: Model,
  groups: readonly GroupWork[],
  count: number,
): Promise<number> {
  const workers = Array.from({ length: count }, () => startWorker(queue, model.id));
  const executor = await openQueueExecutor({ queue, name: `scaling ${count}` });
  try {
    while ((await queueStatus(queue)).workers.length < count) await sleep(200);
    const started = performance.now();
    await Promise.all(groups.map((group) => executor.execute(model, group)));
    return (performance.now() - started) / 1000;
  } finally {
    await executor.close();
    const ended = workers.map((worker) => new Promise((resolve) => worker.once("exit", resolve)));
    for (const worker of workers) worker.kill("SIGTERM");
    await Promise.all(ended);
  }
}

function startWorker(queue: string, model: string): ChildProcess {
  const cli = path.join(__dirname, `../cli${path.extname(__filename)}`);
  const args = [...process.execArgv, cli, "worker", "--queue", queue, "--model", model];
  return spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
