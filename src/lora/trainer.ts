/**
 * The inner loop: trains K adapters at once on one frozen base, each as if it were alone.
 * At every step the rows of all jobs go through the frozen weights together; each job keeps its own order of
 * mini-batches, schedule, clipping and loss mean. A job that is done, or diverged, gives its place to the next.
 */
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../errors";
import { createRandom, type Random } from "../random";
import type { Network } from "../model/transformer";
import { createAdapter, type Adapter } from "./adapter";
import { adamStep, clipFactor, createMoments, gradientNorms, type Moments } from "./optimizer";
import { lossTokenCount, planSteps, stepCount, type Step, type TokenSequence } from "./plan";
import { learningRateAt } from "./schedule";
import { MAXIMUM_STEPS, type LoraSettings } from "./settings";
import { stepGradients } from "./step";
import {
  gatherAdapters,
  stackAdapters,
  stackShape,
  unstackAdapter,
  type StackShape,
  type StackTensors,
} from "./stack";

/** One adapter to train. */
export interface TrainingJob {
  readonly sequences: readonly TokenSequence[];
  readonly settings: LoraSettings;
  /** Start from this adapter instead of a fresh one; its rank, alpha and targets then hold. */
  readonly initial?: Adapter;
}

/** How a job ended. Only "ok" has an adapter. */
export interface TrainingResult {
  readonly status: "ok" | "rejected" | "diverged";
  readonly reason?: string;
  readonly adapter?: Adapter;
  /** Loss of each step, before its update. */
  readonly losses: readonly number[];
  /** Global gradient norm of each step, before clipping. */
  readonly gradientNorms: readonly number[];
  /** Tokens read in training, padding not counted. */
  readonly tokens: number;
}

/** Options of `trainJobs`. */
export interface TrainingOptions {
  /** Adapters trained at once, 8 unless told. */
  readonly concurrency?: number;
  /** Called after every step with the number of optimizer steps done, of all jobs together, and their total. */
  readonly onStep?: (done: number, total: number) => void;
}

interface ActiveJob {
  readonly index: number;
  readonly settings: LoraSettings;
  readonly adapter: Adapter;
  readonly steps: readonly Step[];
  readonly dropout: Random;
  readonly losses: number[];
  readonly norms: number[];
  tokens: number;
}

/** Trains every job and returns their results in the same order. The base weights are only read. */
export async function trainJobs(
  network: Network,
  jobs: readonly TrainingJob[],
  options: TrainingOptions = {},
): Promise<TrainingResult[]> {
  const results = jobs.map((job) => refusal(network, job));
  const waiting = jobs.map((_, index) => index).filter((index) => !results[index]);
  if (waiting.length > 0) {
    const run = new TrainingRun(network, jobs, waiting, results, options);
    try {
      while (run.admit()) {
        run.step();
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      run.dispose();
    }
  }
  return results as TrainingResult[];
}

/** Owns the stacked tensors of the jobs in training. */
class TrainingRun {
  private readonly shape: StackShape;
  private readonly totalSteps: number;
  private readonly concurrency: number;
  private doneSteps = 0;
  private active: ActiveJob[] = [];
  private parameters: StackTensors = [];
  private moments: Moments = { first: [], second: [] };

  constructor(
    private readonly network: Network,
    private readonly jobs: readonly TrainingJob[],
    private readonly waiting: number[],
    private readonly results: (TrainingResult | undefined)[],
    private readonly options: TrainingOptions,
  ) {
    const admitted = waiting.map((index) => jobs[index]);
    const dropout = admitted.some((job) => (job.initial ?? job.settings).dropout > 0);
    this.shape = stackShape(
      network.config,
      admitted.map((job) => job.initial ?? job.settings),
      dropout,
    );
    this.totalSteps = admitted.reduce(
      (sum, j) => sum + stepCount(j.sequences.length, j.settings),
      0,
    );
    this.concurrency = Math.max(1, options.concurrency ?? 8);
  }

  /** Fills free places with waiting jobs; false when nothing is left to do. */
  admit(): boolean {
    const room = this.concurrency - this.active.length;
    const joining = this.waiting.splice(0, room).map((index) => this.start(index));
    if (joining.length > 0) {
      const fresh = stackAdapters(
        this.shape,
        joining.map((job) => job.adapter),
      );
      const moments = createMoments(fresh);
      this.parameters = appended(this.parameters, fresh);
      this.moments = {
        first: appended(this.moments.first, moments.first),
        second: appended(this.moments.second, moments.second),
      };
      this.active.push(...joining);
    }
    return this.active.length > 0;
  }

  /** One optimizer step of every active job. */
  step(): void {
    const members = this.active.map((job) => ({
      adapter: job.adapter,
      dropout: job.dropout,
      step: job.steps[job.losses.length],
    }));
    const { losses, gradients } = stepGradients(this.network, this.shape, this.parameters, members);
    this.update(
      gradients,
      losses,
      members.map(({ step }) => step),
    );
    tf.dispose(gradients);
    this.settle();
  }

  dispose(): void {
    tf.dispose([...this.parameters, ...this.moments.first, ...this.moments.second]);
  }

  private start(index: number): ActiveJob {
    const { settings, sequences, initial } = this.jobs[index];
    const random = (purpose: string): Random => createRandom(`${settings.seed}/${purpose}`);
    return {
      index,
      settings,
      adapter: initial ?? createAdapter(this.network.config, settings, random("adapter")),
      steps: planSteps(sequences.map(cut(settings)), settings, random("order")),
      dropout: random("dropout"),
      losses: [],
      norms: [],
      tokens: 0,
    };
  }

  private update(gradients: StackTensors, losses: number[], steps: readonly Step[]): void {
    const norms = gradientNorms(gradients);
    const updates = this.active.map((job, k) => {
      const { settings } = job;
      const step = job.losses.length;
      job.losses.push(losses[k]);
      job.norms.push(norms[k]);
      job.tokens += steps[k].reduce((sum, row) => sum + row.sequence.ids.length, 0);
      return {
        step,
        learningRate: learningRateAt(settings, step, job.steps.length),
        weightDecay: settings.weightDecay,
        gradientScale: clipFactor(norms[k], settings.clipNorm),
      };
    });
    adamStep(this.parameters, gradients, this.moments, updates);
    this.doneSteps += this.active.length;
    this.options.onStep?.(this.doneSteps, this.totalSteps);
  }

  /** Takes out the jobs that are done or diverged. */
  private settle(): void {
    const staying: number[] = [];
    this.active.forEach((job, k) => {
      const last = job.losses.length - 1;
      const { losses, norms: gradientNorms, tokens } = job;
      if (!Number.isFinite(losses[last]) || !Number.isFinite(gradientNorms[last])) {
        const reason = `loss ${losses[last]} and gradient norm ${gradientNorms[last]} at step ${last + 1}`;
        this.results[job.index] = { status: "diverged", reason, losses, gradientNorms, tokens };
        this.doneSteps += job.steps.length - losses.length;
      } else if (losses.length === job.steps.length) {
        const adapter = unstackAdapter(this.shape, this.parameters, k, job.adapter);
        this.results[job.index] = finished(adapter, { losses, gradientNorms, tokens });
      } else staying.push(k);
    });
    if (staying.length === this.active.length) return;
    this.active = staying.map((k) => this.active[k]);
    this.parameters = kept(this.parameters, staying);
    this.moments = {
      first: kept(this.moments.first, staying),
      second: kept(this.moments.second, staying),
    };
  }
}

/** The result of a job that cannot be trained at all, before any work. */
function refusal(network: Network, job: TrainingJob): TrainingResult | undefined {
  const reject = (reason: string): TrainingResult => ({
    status: "rejected",
    reason,
    losses: [],
    gradientNorms: [],
    tokens: 0,
  });
  const { sequences, settings } = job;
  if (sequences.length === 0) return reject("no training sequences");
  const short = sequences.findIndex((sequence) => lossTokenCount(cut(settings)(sequence)) === 0);
  if (short >= 0) return reject(`training sequence ${short + 1} has no token to predict`);
  const { vocabularySize } = network.config;
  if (sequences.some(({ ids }) => ids.some((id) => !(id >= 0 && id < vocabularySize))))
    throw new UserError(`A training sequence has a token id outside 0 to ${vocabularySize - 1}.`);
  const steps = stepCount(sequences.length, settings);
  if (steps > MAXIMUM_STEPS) return reject(`${steps} steps are more than ${MAXIMUM_STEPS}`);
  return undefined;
}

function finished(
  adapter: Adapter,
  record: Pick<TrainingResult, "losses" | "gradientNorms" | "tokens">,
): TrainingResult {
  const finite = [...adapter.tensors.values()].every(({ values }) => values.every(Number.isFinite));
  return finite
    ? { status: "ok", adapter, ...record }
    : { status: "diverged", reason: "the adapter has values that are not finite", ...record };
}

const cut =
  (settings: LoraSettings) =>
  (sequence: TokenSequence): TokenSequence =>
    sequence.ids.length > settings.maximumTokens
      ? { ...sequence, ids: sequence.ids.slice(0, settings.maximumTokens) }
      : sequence;

function appended(tensors: StackTensors, more: StackTensors): StackTensors {
  if (tensors.length === 0) return more;
  const joined = tensors.map((tensor, i) => tf.concat([tensor, more[i]], 1));
  tf.dispose([...tensors, ...more]);
  return joined;
}

function kept(tensors: StackTensors, indices: readonly number[]): StackTensors {
  const left = indices.length > 0 ? gatherAdapters(tensors, indices) : [];
  tf.dispose(tensors);
  return left;
}
