/**
 * The inner loop: trains adapters, several at once, on one frozen base, each as if it were alone.
 * Rounding depends on which jobs go through the model together, so jobs are taken in order into groups, and a group in
 * which one fails is trained again without it: what is kept comes from the groups of a run that never had the others.
 */
import { errorMessage, UserError } from "../messages/errors";
import type { Network } from "../model/transformer";
import type { TrainingCheckpoint } from "./checkpoint";
import {
  engineMemory,
  jobProblem,
  leastTrainingBytes,
  withoutTraining,
  type TrainingJob,
  type TrainingResult,
} from "./job";
import { stepCount } from "./plan";
import { trainTogether } from "./training-run";

export type { TrainingJob, TrainingResult } from "./job";

/** Options of `trainAdapters`. */
export interface TrainingOptions {
  /** Adapters trained at once, 8 unless told. */
  readonly concurrency?: number;
  /**
   * Called after every step with the number of optimizer steps done, of all jobs together, and their total; nothing is
   * called unless told. The number goes back where a group is trained again.
   */
  readonly onStep?: (done: number, total: number) => void;
  /** Keeps the training of an only job in a file, to go on from; none unless told. */
  readonly checkpoint?: TrainingCheckpoint;
  /** Bytes above which a job is refused; what the engine could give at most unless told. */
  readonly memoryLimit?: number;
}

/** A job's place in the list, and how it ended. */
export interface FinishedJob {
  readonly index: number;
  readonly result: TrainingResult;
}

/** Trains every job and returns their results in the same order. The base weights are only read. */
export async function trainJobs(
  network: Network,
  jobs: readonly TrainingJob[],
  options: TrainingOptions = {},
): Promise<TrainingResult[]> {
  const results: TrainingResult[] = [];
  for await (const group of trainGroups(network, jobs, options))
    for (const { index, result } of group) results[index] = result;
  return results;
}

/**
 * Trains every job and gives them in groups as they are finished: first the refused ones, then those that were
 * trained together and are all "ok", and between them, alone, those that diverged or failed.
 */
export async function* trainGroups(
  network: Network,
  jobs: readonly TrainingJob[],
  options: TrainingOptions = {},
): AsyncGenerator<FinishedJob[], void, undefined> {
  const limit = options.memoryLimit ?? engineMemory();
  const problems = jobs.map((job) =>
    jobProblem(network.config, job, limit, () => leastTrainingBytes(network.config, job)),
  );
  const refused = problems.flatMap((problem, index) =>
    problem === undefined ? [] : [{ index, result: withoutTraining("rejected", problem) }],
  );
  if (refused.length > 0) yield refused;

  const queue = [...jobs.keys()].filter((index) => problems[index] === undefined);
  const stepsOf = ({ sequences, settings }: TrainingJob): number =>
    stepCount(sequences.length, settings);
  const total = queue.reduce((sum, index) => sum + stepsOf(jobs[index]), 0);
  const concurrency = Math.max(1, options.concurrency ?? 8);
  let before = 0;
  let group: number[] = [];
  for (;;) {
    group.push(...queue.splice(0, concurrency - group.length));
    if (group.length === 0) return;
    const results = await attempt(
      network,
      group.map((index) => jobs[index]),
      (done) => options.onStep?.(before + done, total),
      options.checkpoint,
    );
    const ended = group.map((index, i) => ({ index, result: results[i] }));
    const bad = ended.filter(({ result }) => result !== undefined && result.status !== "ok");
    yield (bad.length > 0 ? bad : ended) as FinishedJob[];
    const done = bad.length > 0 ? bad : ended;
    before += done.reduce((sum, { index }) => sum + stepsOf(jobs[index]), 0);
    const gone = new Set(done.map(({ index }) => index));
    group = group.filter((index) => !gone.has(index));
  }
}

/** Results of jobs trained together; where memory ran out, only that of the job that is too large, "failed". */
async function attempt(
  network: Network,
  jobs: readonly TrainingJob[],
  onStep: (done: number) => void,
  checkpoint?: TrainingCheckpoint,
): Promise<(TrainingResult | undefined)[]> {
  try {
    return await trainTogether(network, jobs, onStep, checkpoint);
  } catch (error) {
    if (!isOutOfMemory(error)) throw error;
    const sizes = jobs.map((job) => leastTrainingBytes(network.config, job));
    const largest = sizes.indexOf(Math.max(...sizes));
    if (jobs.length > 1 && (await fits(network, jobs[largest])))
      throw new UserError(
        `${jobs.length} adapters at once do not fit into memory (${errorMessage(error)}).\nTrain fewer at once: lower the concurrency.`,
      );
    const reason = `does not fit into memory: ${errorMessage(error)}`;
    return jobs.map((_, i) => (i === largest ? withoutTraining("failed", reason) : undefined));
  }
}

async function fits(network: Network, job: TrainingJob): Promise<boolean> {
  try {
    await trainTogether(network, [job], () => undefined);
    return true;
  } catch (error) {
    if (isOutOfMemory(error)) return false;
    throw error;
  }
}

/** TensorFlow's "OOM when allocating", JavaScript's and WebAssembly's failed allocations. */
export function isOutOfMemory(error: unknown): boolean {
  return /\bOOM\b|out of memory|allocation failed|invalid (typed )?array length|enlarge memory/i.test(
    errorMessage(error),
  );
}
