/**
 * A worker of the queue: takes groups, has its training process execute them, sends the results. This process only
 * waits, so that the lock of its job is renewed in time whatever the training process is doing.
 */
import { randomUUID } from "node:crypto";
import os from "node:os";
import { DelayedError, UnrecoverableError, Worker, type Job } from "bullmq";
import type { Redis } from "ioredis";
import { errorMessage, UserError } from "../messages/errors";
import { defaultModel } from "../model/sources";
import { checkData } from "../schema/schema";
import { getAdapterFiles } from "./adapters";
import { folderBlobs, redisBlobs, type BlobStore } from "./blobs";
import { connectionOptions, connectQueue, PREFIX } from "./connection";
import {
  blobOfJson,
  groupJobSchema,
  jobDataSchema,
  jsonOfBlob,
  mismatch,
  queueName,
  type GroupJob,
  type RunState,
  type WorkerState,
} from "./messages";
import { liveRuns, takeLeave, TELL_MS, tellWorker } from "./states";
import { TrainingProcess, type Readiness } from "./training-process";

/** Options of `runWorker`. */
export interface WorkerOptions {
  /** `redis://…`. */
  readonly queue: string;
  /** The model to serve; else that of a run at the queue, if it is one of the package's own. */
  readonly model?: string;
  /** A folder that all machines see, for blobs; else they go through Redis. */
  readonly blobs?: string;
  /** Ends after so long without work; never unless told. */
  readonly idleSeconds?: number;
  /** A job whose worker has not renewed its lock for so long is given to another; 30. */
  readonly lockSeconds?: number;
  /** A training process without a sign of life for so long is killed; 600. */
  readonly silenceSeconds?: number;
  readonly log?: (line: string) => void;
  /** Ends the worker after the group that it is at. */
  readonly signal?: AbortSignal;
}

/** What a worker has done. */
export type WorkerSummary = Pick<WorkerState, "groups" | "candidates" | "busySeconds">;

/** How often a job may be found without a living worker before it counts as failed. */
const MOST_STALLS = 10;
const REFUSED_DELAY_MS = 1000;
const LOOK_MS = 500;

/**
 * Works until the signal, or until it has been idle for long enough. Throws UserError where the queue cannot be
 * reached, the model cannot be loaded, or this machine is not what the runs at the queue ask for.
 */
export async function runWorker(options: WorkerOptions): Promise<WorkerSummary> {
  const client = await connectQueue(options.queue);
  let training: TrainingProcess | undefined;
  try {
    const model = options.model ?? (await modelOfRun(client, options));
    if (model === undefined) return { groups: 0, candidates: 0, busySeconds: 0 };
    training = new TrainingProcess(model, options.silenceSeconds ?? 600);
    const readiness = await training.start();
    requireAgreement(await liveRuns(client), model, readiness);
    return await new QueueWorker(client, training, model, readiness, options).run();
  } finally {
    training?.stop();
    await client.quit();
  }
}

/** Models that a run may name without the worker's owner having said so: the package's own. */
function isOwnModel(id: string): boolean {
  return id === defaultModel || /^tiny:\w[\w-]*$/.test(id);
}

async function modelOfRun(
  client: Redis,
  { idleSeconds = Infinity, signal, log }: WorkerOptions,
): Promise<string | undefined> {
  const until = Date.now() + 1000 * idleSeconds;
  for (let told = false; Date.now() < until && !signal?.aborted;) {
    const runs = await liveRuns(client);
    const own = runs.find(({ model }) => isOwnModel(model));
    if (own) return own.model;
    if (runs.length > 0)
      throw new UserError(
        `The run at this queue is of ${runs[0].model}; say --model ${runs[0].model} to load it here.`,
      );
    if (!told) log?.("No run is at this queue yet: waiting.");
    told = true;
    await sleep(LOOK_MS);
  }
  return undefined;
}

/** Throws UserError where runs of this model are at the queue and none of them can be served from here. */
function requireAgreement(runs: readonly RunState[], model: string, here: Readiness): void {
  const wanted = runs.filter((run) => run.model === model || run.weights === here.weights);
  const problems = wanted.map((run) => problemWith(run, here));
  if (problems.length > 0 && problems.every((problem) => problem !== undefined))
    throw new UserError(`Refused by the run ${wanted[0].name}: ${problems[0]}.`);
}

function problemWith(run: RunState, { machine, weights }: Readiness): string | undefined {
  if (run.weights !== weights)
    return `other weights here (SHA-256 ${weights.slice(0, 12)}… of the model's files, the run's ${run.weights.slice(0, 12)}…)`;
  return mismatch(machine, run.exactly);
}

/** Owns the connection to the queue while it works. */
class QueueWorker {
  private readonly blobs: BlobStore;
  private readonly state: WorkerState;
  private adapters = "none";
  private refusal: string | undefined;
  private lastWork = Date.now();

  constructor(
    private readonly client: Redis,
    private readonly training: TrainingProcess,
    private readonly model: string,
    private readonly readiness: Readiness,
    private readonly options: WorkerOptions,
  ) {
    this.blobs = options.blobs === undefined ? redisBlobs(client) : folderBlobs(options.blobs);
    this.state = {
      id: randomUUID(),
      host: os.hostname().slice(0, 200),
      pid: process.pid,
      machine: readiness.machine,
      model,
      queue: queueName(readiness.weights),
      groups: 0,
      candidates: 0,
      busySeconds: 0,
      started: Date.now(),
      seen: Date.now(),
    };
  }

  async run(): Promise<WorkerSummary> {
    const { queue, lockSeconds = 30, idleSeconds = Infinity, signal } = this.options;
    const log = this.options.log ?? (() => undefined);
    const worker = new Worker(this.state.queue, (job, token) => this.take(job, token), {
      connection: connectionOptions(queue),
      prefix: PREFIX,
      concurrency: 1,
      lockDuration: 1000 * lockSeconds,
      stalledInterval: 500 * lockSeconds,
      maxStalledCount: MOST_STALLS,
      drainDelay: 1,
    });
    // Interruptions are waited out by the client, and a lost lock means that another has taken the job.
    worker.on("error", (error) => log(`queue: ${errorMessage(error)}`));
    worker.on("failed", (job, error) => log(`group ${job?.id?.slice(0, 12)}: ${error.message}`));
    log(`Working on ${this.model} (${this.state.machine.engine}), queue ${this.state.queue}.`);
    const { engine, engineVersion, threads } = this.state.machine;
    log(`Engine: ${engine} ${engineVersion}, ${threads} threads`);
    const stopped = untilAborted(signal);
    while (!signal?.aborted && !this.refusal && Date.now() - this.lastWork < 1000 * idleSeconds) {
      await this.tell();
      await Promise.race([sleep(TELL_MS), stopped]);
    }
    await worker.close();
    await takeLeave(this.client, this.state.id);
    if (this.refusal) throw new UserError(`Refused by a run: ${this.refusal}.`);
    const { groups, candidates, busySeconds } = this.state;
    return { groups, candidates, busySeconds };
  }

  private async tell(): Promise<void> {
    this.state.seen = Date.now();
    if (this.state.job) this.lastWork = Date.now();
    await tellWorker(this.client, this.state);
  }

  /** One job from the queue to its result. What it throws is the job's failure, not the worker's. */
  private async take(job: Job, token: string | undefined): Promise<unknown> {
    const { hash, group } = await this.readJob(job);
    const other = this.disagreement(group);
    if (other !== undefined) return this.refuse(other, job, token);
    const started = performance.now();
    this.state.job = hash;
    await this.tell();
    try {
      const result = await this.execute(group);
      const answer = { schema: 1, job: hash, result };
      const stored = await this.blobs.put(blobOfJson(answer));
      this.state.groups++;
      this.state.candidates += group.work.candidates.length;
      this.state.busySeconds += (performance.now() - started) / 1000;
      return { result: stored, machine: this.state.machine };
    } catch (error) {
      if (error instanceof UserError) return await this.refuse(error.message, job, token);
      throw error;
    } finally {
      this.state.job = undefined;
      this.lastWork = Date.now();
    }
  }

  /** Gives a job back: another worker may do it, and this one ends. */
  private async refuse(reason: string, job: Job, token: string | undefined): Promise<never> {
    this.refusal = reason;
    await job.moveToDelayed(Date.now() + REFUSED_DELAY_MS, token);
    throw new DelayedError();
  }

  private async readJob(job: Job): Promise<{ hash: string; group: GroupJob }> {
    try {
      const { job: hash } = checkData(jobDataSchema, job.data, "job");
      const bytes = await this.blobs.get(hash);
      return { hash, group: checkData(groupJobSchema, jsonOfBlob(bytes), `job ${hash}`) };
    } catch (error) {
      if (error instanceof UserError) throw new UnrecoverableError(error.message);
      throw error;
    }
  }

  private disagreement({ model, exactly }: GroupJob): string | undefined {
    if (model.weights !== this.readiness.weights) return "its model has other weights";
    return mismatch(this.state.machine, exactly);
  }

  private async execute({ model, work }: GroupJob): ReturnType<TrainingProcess["execute"]> {
    if (!this.training.running) {
      this.adapters = "none";
      await this.training.start();
    }
    const wanted = model.merged.join() || "none";
    const files = [];
    if (wanted !== this.adapters)
      for (const name of model.merged) files.push(await getAdapterFiles(this.blobs, name));
    const adapters = wanted === this.adapters ? null : files;
    // Known only once it is done: a process that dies in between has none.
    this.adapters = "unknown";
    const { policy } = model;
    const result = await this.training.execute({ work, adapters, ...(policy ? { policy } : {}) });
    this.adapters = wanted;
    return result;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function untilAborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) =>
    signal?.addEventListener("abort", () => resolve(), { once: true }),
  );
}
