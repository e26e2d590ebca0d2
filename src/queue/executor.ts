/**
 * Executes groups by the workers of a queue. A group's key is the hash of all that determines its result, so that it is
 * in the queue once however often it is given; what comes back is checked as if a stranger had sent it.
 */
import { randomUUID } from "node:crypto";
import { Queue, type Job } from "bullmq";
import type { Redis } from "ioredis";
import { errorMessage } from "../messages/errors";
import type { Model } from "../model/load";
import { sha256OfWeights } from "../model/weights";
import type { Executor, GroupResult, GroupWork } from "../restem/group";
import { mergedAdapters } from "../restem/policy";
import { checkData } from "../schema/schema";
import { putAdapter } from "./adapters";
import { blobName, folderBlobs, redisBlobs, type BlobStore } from "./blobs";
import { connectionOptions, connectQueue, PREFIX, withoutPassword } from "./connection";
import { executeParts } from "./local";
import { thisMachine, type Machine } from "./machine";
import {
  blobOfJson,
  groupAnswerSchema,
  jobReturnSchema,
  jsonOfBlob,
  mismatch,
  queueName,
  weightsHash,
  type GroupJob,
  type ModelReference,
  type RunState,
} from "./messages";
import { liveWorkers, takeLeave, TELL_MS, tellRun } from "./states";

/** Options of `openQueueExecutor`. */
export interface QueueOptions {
  /** The Redis server's address, `redis://…`. */
  readonly queue: string;
  /** The run's name, shown by `seal status`. */
  readonly name: string;
  /** A folder that all machines see, for models and adapters; they go through Redis unless told. */
  readonly blobs?: string;
  /** What of a worker with another version, engine or number of threads: "refuse" it, or "record" it with its results; "refuse" unless told. */
  readonly otherWorkers?: "refuse" | "record";
  /** In how many parts a group is handed out, each with its share of the concurrency; 1 unless told. */
  readonly parts?: number;
  /** Candidates of the run; not shown unless told. */
  readonly total?: number;
  /** Tries of one group, 3 unless told; after that its candidates have failed. */
  readonly attempts?: number;
  /** Called with each line for the user; nothing is called unless told. */
  readonly log?: (line: string) => void;
}

/** An executor that holds connections. Close it. */
export interface QueueExecutor extends Executor {
  /** Who has computed how many groups. */
  machines(): { machine: Machine; groups: number }[];
  close(): Promise<void>;
}

const KEPT_SECONDS = 86_400;
const BACKOFF_MS = 1000;
const FIRST_LOOK_MS = 50;
const LONGEST_LOOK_MS = 1000;
const NOBODY_MS = 10_000;

/** Connects to the queue and announces the run. Throws UserError where it cannot. */
export async function openQueueExecutor(options: QueueOptions): Promise<QueueExecutor> {
  const client = await connectQueue(options.queue);
  return new Coordinator(client, options, await thisMachine());
}

/** A group that is in the queue. */
interface Outstanding {
  readonly hash: string;
  readonly bytes: Uint8Array;
  readonly work: GroupWork;
  readonly exactly: GroupJob["exactly"];
  readonly queue: Queue;
  /** Results that were refused. */
  refused: number;
  readonly resolve: (result: GroupResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Owns the connections of a run, and what is under way. */
class Coordinator implements QueueExecutor {
  readonly groupsAtOnce = 1000;
  private readonly blobs: BlobStore;
  private readonly queues = new Map<string, Queue>();
  private readonly outstanding = new Map<string, Outstanding>();
  private readonly results = new Map<string, Promise<GroupResult>>();
  private readonly references = new WeakMap<Model, Promise<ModelReference>>();
  private readonly counts = new Map<string, { machine: Machine; groups: number }>();
  private readonly id = randomUUID();
  private readonly started = Date.now();
  private state: RunState | undefined;
  private loop: Promise<void> | undefined;
  private told = 0;
  private waitingSince = Date.now();
  private attempts: number;

  constructor(
    private readonly client: Redis,
    private readonly options: QueueOptions,
    private readonly machine: Machine,
  ) {
    this.blobs = options.blobs === undefined ? redisBlobs(client) : folderBlobs(options.blobs);
    this.attempts = options.attempts ?? 3;
  }

  machines(): { machine: Machine; groups: number }[] {
    return [...this.counts.values()];
  }

  execute(
    model: Model,
    work: GroupWork,
    onFinished?: (candidates: number) => void,
  ): Promise<GroupResult> {
    return executeParts(work, this.options.parts ?? 1, onFinished, (part) =>
      this.executePart(model, part),
    );
  }

  private async executePart(model: Model, work: GroupWork): Promise<GroupResult> {
    const reference = await this.reference(model);
    const { version, engine, engineVersion, threads } = this.machine;
    const exactly =
      this.options.otherWorkers === "record"
        ? undefined
        : { version, engine, engineVersion, threads };
    const job: GroupJob = { schema: 1, model: reference, exactly, work };
    const bytes = blobOfJson(job);
    const hash = blobName(bytes);
    const known = this.results.get(hash);
    if (known) return known;
    const result = new Promise<GroupResult>((resolve, reject) => {
      const queue = this.queueOf(reference, exactly);
      const one = { hash, bytes, work, exactly, queue, refused: 0, resolve, reject };
      this.outstanding.set(hash, one);
      this.submit(one).catch(reject);
    });
    this.results.set(hash, result);
    this.loop ??= this.watch();
    try {
      return await result;
    } finally {
      this.results.delete(hash);
    }
  }

  async close(): Promise<void> {
    this.outstanding.clear();
    await this.loop;
    await takeLeave(this.client, this.id);
    for (const queue of this.queues.values()) await queue.close();
    await this.client.quit();
  }

  /** The model in words that another machine understands; adapters that were merged in are stored first. */
  private reference(model: Model): Promise<ModelReference> {
    const known = this.references.get(model);
    if (known) return known;
    const made = (async () => {
      const merged: string[] = [];
      for (const adapter of mergedAdapters(model))
        merged.push(await putAdapter(this.blobs, adapter));
      const reference = { id: model.id, weights: weightsHash(model), merged };
      const exact = merged.length > 0 && this.options.otherWorkers !== "record";
      return exact ? { ...reference, policy: await sha256OfWeights(model.weights) } : reference;
    })();
    this.references.set(model, made);
    return made;
  }

  private queueOf({ id, weights }: ModelReference, exactly: GroupJob["exactly"]): Queue {
    const name = queueName(weights);
    const known = this.queues.get(name);
    if (known) return known;
    const connection = connectionOptions(this.options.queue);
    const queue = new Queue(name, { connection, prefix: PREFIX });
    // Interruptions are waited out by the client.
    queue.on("error", () => undefined);
    this.queues.set(name, queue);
    this.state = {
      id: this.id,
      name: this.options.name.slice(0, 200),
      model: id,
      weights,
      queue: name,
      exactly,
      done: 0,
      ...(this.options.total === undefined ? {} : { total: this.options.total }),
      started: this.started,
      seen: this.started,
    };
    return queue;
  }

  /** Puts a group into the queue, unless it is there; one that failed in an earlier run is tried anew. */
  private async submit({ hash, bytes, queue }: Outstanding): Promise<void> {
    await this.blobs.put(bytes);
    const earlier = (await queue.getJob(hash)) as Job | undefined;
    if (earlier && (await earlier.isFailed())) await earlier.remove();
    await queue.add(
      "group",
      { job: hash },
      {
        jobId: hash,
        attempts: this.attempts,
        backoff: { type: "exponential", delay: BACKOFF_MS },
        removeOnComplete: { age: KEPT_SECONDS },
        removeOnFail: { age: KEPT_SECONDS },
      },
    );
  }

  /** Looks at what is outstanding until nothing is. What Redis has lost when it went down is put there again. */
  private async watch(): Promise<void> {
    let wait = FIRST_LOOK_MS;
    while (this.outstanding.size > 0) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      await this.tell();
      const before = this.outstanding.size;
      await Promise.all(
        [...this.outstanding.values()].map((one) =>
          this.look(one).catch((error: unknown) => this.settle(one, () => one.reject(error))),
        ),
      );
      const news = this.outstanding.size < before;
      wait = news ? FIRST_LOOK_MS : Math.min(1.5 * wait, LONGEST_LOOK_MS);
    }
    this.loop = undefined;
  }

  private async look(one: Outstanding): Promise<void> {
    const job = (await one.queue.getJob(one.hash)) as Job | undefined;
    if (!job) {
      // Just submitted, or lost with the server's memory.
      if (this.outstanding.has(one.hash)) await this.submit(one);
    } else if (job.finishedOn !== undefined && job.returnvalue !== null) await this.take(one, job);
    else if (job.finishedOn !== undefined && (await job.isFailed()))
      this.settle(one, () => one.resolve(failed(one.work, job.failedReason ?? "no reason given")));
  }

  /** A result: taken where it is in the schema and answers the question, refused otherwise. */
  private async take(one: Outstanding, job: Job): Promise<void> {
    let taken: { machine: Machine; result: GroupResult };
    try {
      taken = await this.readResult(one, job.returnvalue);
    } catch (error) {
      one.refused++;
      const reason = `a result was refused: ${errorMessage(error)}`;
      this.options.log?.(reason);
      if (one.refused >= this.attempts)
        return this.settle(one, () => one.resolve(failed(one.work, reason)));
      await job.remove();
      return this.submit(one);
    }
    const { machine, result } = taken;
    const key = JSON.stringify(machine);
    const count = this.counts.get(key) ?? { machine, groups: 0 };
    count.groups++;
    this.counts.set(key, count);
    this.settle(one, () => one.resolve(result));
  }

  private async readResult(
    { hash, work, exactly }: Outstanding,
    returned: unknown,
  ): Promise<{ machine: Machine; result: GroupResult }> {
    const { result: name, machine } = checkData(
      jobReturnSchema,
      returned,
      "what a worker returned",
    );
    const problem = mismatch(machine, exactly);
    if (problem) throw new Error(`from another machine: ${problem}`);
    const answer = checkData(groupAnswerSchema, jsonOfBlob(await this.blobs.get(name)), "result");
    if (answer.job !== hash) throw new Error("it answers another group");
    requireComplete(work, answer.result);
    return { machine, result: answer.result };
  }

  private settle(one: Outstanding, tell: () => void): void {
    if (!this.outstanding.delete(one.hash)) return;
    if (this.state) this.state.done += one.work.candidates.length;
    tell();
  }

  /** Tells of the run every few seconds, and the user where nobody works. */
  private async tell(): Promise<void> {
    const now = Date.now();
    if (!this.state || now - this.told < TELL_MS) return;
    this.told = now;
    this.state.seen = now;
    await tellRun(this.client, this.state);
    const workers = await liveWorkers(this.client);
    if (workers.some(({ queue }) => queue === this.state?.queue)) this.waitingSince = now;
    if (now - this.waitingSince < NOBODY_MS) return;
    this.waitingSince = Infinity;
    this.options.log?.(
      `Nobody works on this yet; anywhere: seal worker --queue ${withoutPassword(this.options.queue)}`,
    );
  }
}

/** Throws an Error where a result is not one of this group. */
function requireComplete({ candidates, answerTokens }: GroupWork, result: GroupResult): void {
  if (result.candidates.length !== candidates.length)
    throw new Error(`${result.candidates.length} candidates for ${candidates.length}`);
  result.candidates.forEach(({ status, answers, answerLosses }, i) => {
    const expected = status === "ok" ? candidates[i].prompts.length : 0;
    const decoded = answerTokens > 0 ? expected : 0;
    if (answers.length !== decoded)
      throw new Error(`candidate ${i + 1}: ${answers.length} answers for ${expected} prompts`);
    const losses = candidates[i].gold ? expected : 0;
    if ((answerLosses?.length ?? 0) !== losses)
      throw new Error(`candidate ${i + 1}: not the ${losses} losses that were asked for`);
  });
}

/** Every candidate of a group that could not be executed. */
function failed({ candidates }: GroupWork, reason: string): GroupResult {
  return {
    candidates: candidates.map(() => ({
      status: "failed",
      reason,
      answers: [],
      seconds: { train: 0, answer: 0 },
    })),
  };
}
