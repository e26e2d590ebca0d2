/** Measures the queue on this machine: the same groups by 1, 2, 4 … worker processes; and what the simulation says of it. */
import { spawn, type ChildProcess } from "node:child_process";
import os from "node:os";
import path from "node:path";
import type { Model } from "../../src/model/load";
import { createRandom } from "../../src/statistics/random";
import type { GroupWork } from "../../src/restem/group";
import { openQueueExecutor } from "../../src/queue/executor";
import type { Machine } from "../../src/queue/machine";
import { DEFAULT_SCALING, scalingTable, type ScalingModel } from "./scaling";
import { queueStatus } from "../../src/queue/status";
import { TrainingProcess } from "../../src/queue/training-process";

/** Measured and predicted time of all groups, in seconds. */
export interface MeasuredScaling {
  readonly workers: number;
  readonly measured: number;
  readonly predicted: number;
}

/** What was measured, and the model whose only fitted numbers are the time of a group and the speed of busy cores. */
export interface Measurement {
  readonly model: ScalingModel;
  readonly rows: MeasuredScaling[];
  readonly machine: Machine;
  readonly candidatesPerGroup: number;
  /** Mean number of processes that wanted a core in the minute before; 0 on a quiet machine. */
  readonly loadBefore: number;
}

/** So that a worker keeps one core busy, as the model has it. */
const THREADS = 1;
/** Groups that each worker does before time is taken, as compilers are slow at first. */
const WARM_UP = 3;

/**
 * Runs the groups by each number of workers, one thread each. The model knows of the queue only what one worker took;
 * what the cores give together is measured without a queue, by bare training processes. `group` gives groups that
 * differ, since equal ones are computed once.
 */
export async function measureScaling(
  queue: string,
  model: Model,
  group: (number: number) => GroupWork,
  { groups = 24, counts = [1, 2, 4] } = {},
): Promise<Measurement> {
  const [loadBefore] = os.loadavg();
  const cores = os.availableParallelism();
  let next = 0;
  const more = (count: number): GroupWork[] => Array.from({ length: count }, () => group(next++));
  const busySpeed = await speedOfBusyCores(model.id, cores, () => more(4));
  const runs: Timed[] = [];
  for (const count of counts)
    runs.push(await timeOf(queue, model, count, more(WARM_UP * count), more(groups)));
  const measured = runs.map(({ seconds }) => seconds);
  const fitted: ScalingModel = {
    ...DEFAULT_SCALING,
    steps: 1,
    groupsPerStep: groups,
    groupSeconds: (measured[0] * counts[0]) / groups,
    groupSpread: 0,
    workerSpread: 0,
    serialSeconds: 0,
    lookSeconds: 0,
    redisSeconds: 0,
    stepBytes: 0,
    startSeconds: 0,
    failuresPerHour: 0,
    cores,
    busySpeed,
  };
  const predicted = scalingTable(fitted, counts, createRandom, 1);
  const rows = counts.map((workers, i) => ({
    workers,
    measured: measured[i],
    predicted: predicted[i].seconds,
  }));
  const [{ machine }] = runs;
  return {
    model: fitted,
    rows,
    machine,
    candidatesPerGroup: group(0).candidates.length,
    loadBefore,
  };
}

/** Time of the same work in one process while the other cores are idle, over its time in each of as many as there are cores. */
async function speedOfBusyCores(
  model: string,
  cores: number,
  work: () => GroupWork[],
): Promise<number> {
  const processes = Array.from({ length: cores }, () => new TrainingProcess(model, 600, THREADS));
  const timeIn = async (process: TrainingProcess, groups: GroupWork[]): Promise<number> => {
    const started = performance.now();
    for (const group of groups) await process.execute({ work: group, adapters: [] });
    return performance.now() - started;
  };
  try {
    for (const process of processes) {
      await process.start();
      await timeIn(process, work());
    }
    const alone: number[] = [];
    for (const process of processes) alone.push(await timeIn(process, work()));
    const together = await Promise.all(processes.map((process) => timeIn(process, work())));
    return sum(alone) / sum(together);
  } finally {
    for (const process of processes) process.stop();
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

interface Timed {
  readonly seconds: number;
  readonly machine: Machine;
}

/** Seconds from handing out to the last result, with workers that are ready and have done some groups already. */
async function timeOf(
  queue: string,
  model: Model,
  count: number,
  warmUp: readonly GroupWork[],
  groups: readonly GroupWork[],
): Promise<Timed> {
  const workers = Array.from({ length: count }, () => startWorker(queue, model.id));
  const otherWorkers = "record";
  const executor = await openQueueExecutor({ queue, name: `scaling ${count}`, otherWorkers });
  try {
    while ((await queueStatus(queue)).workers.length < count) await sleep(200);
    const execute = (all: readonly GroupWork[]): Promise<unknown> =>
      Promise.all(all.map((group) => executor.execute(model, group)));
    await execute(warmUp);
    const started = performance.now();
    await execute(groups);
    const seconds = (performance.now() - started) / 1000;
    return { seconds, machine: executor.machines()[0].machine };
  } finally {
    await executor.close();
    const ended = workers.map((worker) => new Promise((resolve) => worker.once("exit", resolve)));
    for (const worker of workers) worker.kill("SIGTERM");
    await Promise.all(ended);
  }
}

function startWorker(queue: string, model: string): ChildProcess {
  const cli = path.join(__dirname, "../../src/cli.ts");
  const args = [...process.execArgv, cli, "worker", "--queue", queue, "--model", model];
  const env = { ...process.env, TF_NUM_INTRAOP_THREADS: String(THREADS) };
  return spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"], env });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
