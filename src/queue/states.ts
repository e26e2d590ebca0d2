/** Who is at the queue: runs and workers tell of themselves in Redis every few seconds. What is done with it is elsewhere. */
import type { Redis } from "ioredis";
import type { z } from "zod";
import { PREFIX } from "./connection";
import { runStateSchema, workerStateSchema, type RunState, type WorkerState } from "./messages";

/** How often a run or a worker tells of itself, in milliseconds. */
export const TELL_MS = 2000;
/** One that has been silent for so long is taken for gone, in milliseconds. */
const GONE_MS = 15_000;
/** It is forgotten after so long. */
const FORGOTTEN_MS = 86_400_000;

const RUNS = `${PREFIX}:runs`;
const WORKERS = `${PREFIX}:workers`;
const QUEUES = `${PREFIX}:queues`;

/** The runs that have lately told of themselves. */
export function liveRuns(client: Redis): Promise<RunState[]> {
  return live(client, RUNS, runStateSchema);
}

/** The workers that have lately told of themselves. */
export function liveWorkers(client: Redis): Promise<WorkerState[]> {
  return live(client, WORKERS, workerStateSchema);
}

/** Names of all queues that a run has used. */
export function knownQueues(client: Redis): Promise<string[]> {
  return client.smembers(QUEUES);
}

/** A run tells of itself. */
export async function tellRun(client: Redis, state: RunState): Promise<void> {
  await client.sadd(QUEUES, state.queue);
  await client.hset(RUNS, state.id, JSON.stringify(state));
}

/** A worker tells of itself. */
export async function tellWorker(client: Redis, state: WorkerState): Promise<void> {
  await client.hset(WORKERS, state.id, JSON.stringify(state));
}

/** A run or a worker takes its leave. */
export async function takeLeave(client: Redis, id: string): Promise<void> {
  await client.hdel(RUNS, id);
  await client.hdel(WORKERS, id);
}

async function live<S extends z.ZodType<{ seen: number }>>(
  client: Redis,
  key: string,
  schema: S,
): Promise<z.output<S>[]> {
  const now = Date.now();
  const found: z.output<S>[] = [];
  for (const [id, text] of Object.entries(await client.hgetall(key))) {
    const state = schema.safeParse(parsed(text));
    const age = state.success ? now - state.data.seen : Infinity;
    if (state.success && age < GONE_MS) found.push(state.data);
    else if (age > FORGOTTEN_MS) await client.hdel(key, id);
  }
  return found;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
