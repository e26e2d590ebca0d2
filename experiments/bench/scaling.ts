/**
 * How long a run takes with W workers, and what it costs: a simulation of the queue, event by event. Assumptions: groups
 * of one step are handed out at once and the next step waits for the last of them; what the coordinator does between
 * steps (writing self-edits, fine-tuning) does not grow with W; workers are alike but for a spread; a worker that dies
 * gives its group back after the lock's time and is not replaced until `restartSeconds` later; Redis serves one request
 * after the other.
 */
import type { Random } from "../../src/statistics/random";

/** What a run asks for. Seconds, bytes, dollars. */
export interface ScalingModel {
  /** Steps that wait for one another (arms, rounds, seeds). */
  readonly steps: number;
  /** Groups in each step. */
  readonly groupsPerStep: number;
  /** Mean time of a group on a worker that has a core to itself. */
  readonly groupSeconds: number;
  /** Standard deviation of a group's time over its mean. */
  readonly groupSpread: number;
  /** Standard deviation of workers' speeds over their mean. */
  readonly workerSpread: number;
  /** The coordinator's own work before each step. */
  readonly serialSeconds: number;
  /** From a result in Redis to the coordinator's next look at it. */
  readonly lookSeconds: number;
  /** Time that Redis takes for one group: job, blobs, result. */
  readonly redisSeconds: number;
  /** Bytes that every worker fetches before a step (a policy's adapters). */
  readonly stepBytes: number;
  /** Of the server, shared by all workers, in bytes a second. */
  readonly bandwidth: number;
  /** Starting a worker: process, engine, model. */
  readonly startSeconds: number;
  /** Failures of one worker in an hour. */
  readonly failuresPerHour: number;
  /** Until a dead worker's group is given to another. */
  readonly lockSeconds: number;
  readonly restartSeconds: number;
  /** Cores that all workers share; Infinity where each has its own machine. A worker keeps one core busy. */
  readonly cores: number;
  /** Speed of a core while all the shared ones are busy, over its speed while the others are idle (memory, clock). */
  readonly busySpeed: number;
  /** Price of a worker for an hour. */
  readonly dollarsPerHour: number;
}

/** A first guess: SEAL's own round (750 inner loops of 5 minutes a group of 5) on rented machines; measure before believing. */
export const DEFAULT_SCALING: ScalingModel = {
  steps: 4,
  groupsPerStep: 250,
  groupSeconds: 300,
  groupSpread: 0.2,
  workerSpread: 0.1,
  serialSeconds: 120,
  lookSeconds: 0.5,
  redisSeconds: 0.005,
  stepBytes: 50e6,
  bandwidth: 100e6,
  startSeconds: 30,
  failuresPerHour: 0.01,
  lockSeconds: 45,
  restartSeconds: 60,
  cores: Infinity,
  busySpeed: 1,
  dollarsPerHour: 0.5,
};

/** What the simulation says of W workers. */
export interface ScalingResult {
  readonly workers: number;
  readonly seconds: number;
  /** Time of one worker over this time. */
  readonly speedup: number;
  /** Share of the workers' time that went into groups that counted. */
  readonly efficiency: number;
  readonly dollars: number;
  /** Groups that were begun again after a failure. */
  readonly repeated: number;
}

/** Simulates one run. */
export function simulate(
  model: ScalingModel,
  workers: number,
  random: Random,
): Omit<ScalingResult, "speedup"> {
  const speeds = Array.from({ length: workers }, () =>
    Math.max(0.1, 1 + model.workerSpread * random.normal()),
  );
  const share = coreShare(model, workers);
  const free = speeds.map(() => model.startSeconds);
  const state = { repeated: 0, useful: 0 };
  let now = 0;
  for (let step = 0; step < model.steps; step++) {
    now += model.serialSeconds;
    // All workers fetch at once what the step needs.
    const fetched =
      now + (Math.min(workers, model.groupsPerStep) * model.stepBytes) / model.bandwidth;
    const ready = free.map((time) => Math.max(time, fetched));
    now = runStep(model, { speeds, share, ready, random, state }) + model.lookSeconds;
    free.splice(0, workers, ...ready);
  }
  const seconds = now;
  return {
    workers,
    seconds,
    efficiency: state.useful / (seconds * workers * share),
    dollars: (seconds / 3600) * workers * model.dollarsPerHour,
    repeated: state.repeated,
  };
}

/** Speed of a worker among so many, over that of one alone: cores get slower as more are busy, and then are shared. */
function coreShare({ cores, busySpeed }: ScalingModel, workers: number): number {
  const busy = Math.min(workers, cores);
  const crowded = Number.isFinite(cores) && cores > 1 ? (busy - 1) / (cores - 1) : 0;
  return (busy / workers) * (1 - crowded * (1 - busySpeed));
}

interface StepState {
  readonly speeds: readonly number[];
  readonly share: number;
  /** When each worker is free; changed. */
  readonly ready: number[];
  readonly random: Random;
  readonly state: { repeated: number; useful: number };
}

/** When the last group of a step is done. */
function runStep(model: ScalingModel, { speeds, share, ready, random, state }: StepState): number {
  const { groupSeconds, groupSpread, redisSeconds, failuresPerHour } = model;
  // Lognormal with the mean and the spread asked for.
  const sigma = Math.sqrt(Math.log(1 + groupSpread ** 2));
  const waiting: { from: number; work: number }[] = Array.from(
    { length: model.groupsPerStep },
    () => ({
      from: 0,
      work: groupSeconds * Math.exp(sigma * random.normal() - sigma ** 2 / 2),
    }),
  );
  let [redisFree, last] = [0, 0];
  while (waiting.length > 0) {
    const worker = ready.indexOf(Math.min(...ready));
    const { from, work } = waiting.shift() ?? { from: 0, work: 0 };
    const begin = Math.max(ready[worker], from, redisFree) + redisSeconds;
    redisFree = begin;
    const took = work / (speeds[worker] * share);
    const failure =
      failuresPerHour > 0 ? (-3600 / failuresPerHour) * Math.log(1 - random.next()) : Infinity;
    if (failure < took) {
      state.repeated++;
      waiting.push({ from: begin + failure + model.lockSeconds, work });
      waiting.sort((a, b) => a.from - b.from);
      ready[worker] = begin + failure + model.restartSeconds + model.startSeconds;
    } else {
      state.useful += work / speeds[worker];
      ready[worker] = begin + took;
      last = Math.max(last, begin + took);
    }
  }
  return last;
}

/** The same for several numbers of workers, each the mean of `repeats` simulations; speed-up against one worker. */
export function scalingTable(
  model: ScalingModel,
  workerCounts: readonly number[],
  createRandom: (seed: string) => Random,
  repeats = 20,
): ScalingResult[] {
  const average = (workers: number): Omit<ScalingResult, "speedup"> => {
    const runs = Array.from({ length: repeats }, (_, r) =>
      simulate(model, workers, createRandom(`scaling/${r}`)),
    );
    const mean = (key: "seconds" | "efficiency" | "dollars" | "repeated"): number =>
      runs.reduce((sum, run) => sum + run[key], 0) / repeats;
    return {
      workers,
      seconds: mean("seconds"),
      efficiency: mean("efficiency"),
      dollars: mean("dollars"),
      repeated: mean("repeated"),
    };
  };
  const alone = average(1).seconds;
  return workerCounts.map((workers) => {
    const result = average(workers);
    return { ...result, speedup: alone / result.seconds };
  });
}
