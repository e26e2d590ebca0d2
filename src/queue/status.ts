/** What goes on at a queue: runs, workers, what is left and how long it will take. Only reads. */
import { Queue } from "bullmq";
import { connectionOptions, connectQueue, PREFIX } from "./connection";
import type { Machine } from "./machine";
import type { RunState, WorkerState } from "./messages";
import { knownQueues, liveRuns, liveWorkers } from "./states";

/** Groups in one queue by state. */
export interface QueueCounts {
  readonly queue: string;
  readonly waiting: number;
  readonly active: number;
  readonly completed: number;
  readonly failed: number;
}

/** A run, with its time left in seconds where that can be said. */
export interface RunStatus {
  readonly name: string;
  readonly model: string;
  readonly queue: string;
  readonly done: number;
  readonly total?: number;
  readonly candidatesPerMinute: number;
  readonly secondsLeft?: number;
}

/** A worker and its rate while it is busy. */
export interface WorkerStatus {
  readonly host: string;
  readonly pid: number;
  readonly model: string;
  readonly queue: string;
  readonly machine: Machine;
  readonly busy: boolean;
  readonly groups: number;
  readonly candidates: number;
  readonly candidatesPerMinute: number;
}

/** The state of a queue. */
export interface QueueStatus {
  readonly runs: RunStatus[];
  readonly workers: WorkerStatus[];
  readonly queues: QueueCounts[];
}

/** Reads the state of the queue at an address. Throws UserError where there is none. */
export async function queueStatus(address: string): Promise<QueueStatus> {
  const client = await connectQueue(address);
  try {
    const queues: QueueCounts[] = [];
    for (const name of (await knownQueues(client)).sort())
      queues.push(await countsOf(address, name));
    return {
      runs: (await liveRuns(client)).map(runStatus),
      workers: (await liveWorkers(client)).map(workerStatus),
      queues,
    };
  } finally {
    await client.quit();
  }
}

async function countsOf(address: string, name: string): Promise<QueueCounts> {
  const queue = new Queue(name, { connection: connectionOptions(address), prefix: PREFIX });
  queue.on("error", () => undefined);
  try {
    const counts = await queue.getJobCounts("wait", "delayed", "active", "completed", "failed");
    const { wait, delayed, active, completed, failed } = counts;
    return { queue: name, waiting: wait + delayed, active, completed, failed };
  } finally {
    await queue.close();
  }
}

/** A run's rate since it began, and what that leaves to do. */
function runStatus({ name, model, queue, done, total, started, seen }: RunState): RunStatus {
  const seconds = (seen - started) / 1000;
  const rate = seconds > 0 ? done / seconds : 0;
  return {
    name,
    model,
    queue,
    done,
    ...(total === undefined ? {} : { total }),
    candidatesPerMinute: 60 * rate,
    ...(total === undefined || rate === 0 ? {} : { secondsLeft: Math.max(0, total - done) / rate }),
  };
}

/** A worker's rate over the time that it was busy. */
function workerStatus(state: WorkerState): WorkerStatus {
  const { host, pid, model, queue, machine, groups, candidates, busySeconds } = state;
  return {
    host,
    pid,
    model,
    queue,
    machine,
    busy: state.job !== undefined,
    groups,
    candidates,
    candidatesPerMinute: busySeconds > 0 ? (60 * candidates) / busySeconds : 0,
  };
}
