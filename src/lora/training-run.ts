/** One group of jobs in training, together from the first step on; which jobs make a group is `trainer.ts`'s. */
import * as tf from "@tensorflow/tfjs";
import { hasFusedKernels } from "../engine/fused";
import { giveBackWhenIdle } from "../engine/memory";
import { scoped } from "../engine/scope";
import type { Network } from "../model/transformer";
import { createRandom, type Random } from "../statistics/random";
import { createAdapter, formOf, type Adapter, type AdapterForm } from "./adapter";
import type { Resumable, TrainingCheckpoint, TrainingState } from "./checkpoint";
import { cutSequence, type TrainingJob, type TrainingResult } from "./job";
import { adamStep, clipFactor, createMoments, gradientNorms, type Moments } from "./optimizer";
import { planSteps, type Step } from "./plan";
import { learningRateAt } from "./schedule";
import type { LoraSettings } from "./settings";
import {
  gatherAdapters,
  ownScalings,
  scaleStack,
  stackEach,
  stackShape,
  unstackAdapter,
  type StackShape,
  type StackTensors,
} from "./stack";
import { readLosses, stepGradients, type StepMember } from "./step";

interface ActiveJob {
  readonly index: number;
  readonly settings: LoraSettings;
  readonly form: AdapterForm;
  readonly steps: readonly Step[];
  dropout: Random;
  readonly losses: number[];
  readonly norms: number[];
  tokens: number;
}

/**
 * Trains all jobs at once and returns their results in order. `onStep` is told the steps done, of all jobs together.
 * A checkpoint is of one job.
 */
export async function trainTogether(
  network: Network,
  jobs: readonly TrainingJob[],
  onStep: (done: number) => void,
  checkpoint?: TrainingCheckpoint,
): Promise<TrainingResult[]> {
  const run = new TrainingRun(network, jobs, onStep);
  try {
    await checkpoint?.restore(run);
    while (await run.step()) {
      await new Promise((resolve) => setImmediate(resolve));
      await checkpoint?.keep(run);
    }
    return run.results as TrainingResult[];
  } finally {
    run.dispose();
    giveBackWhenIdle();
  }
}

/** Owns the stacked tensors of the jobs in training. */
class TrainingRun implements Resumable {
  readonly results: (TrainingResult | undefined)[];
  private readonly shape: StackShape;
  private doneSteps = 0;
  private active: ActiveJob[];
  private parameters: StackTensors;
  private moments: Moments;
  private scalings: StackTensors | undefined;
  /** The last step's gradients, whose memory the next step's take where they can. */
  private gradients: StackTensors | undefined;

  constructor(
    private readonly network: Network,
    jobs: readonly TrainingJob[],
    private readonly onStep: (done: number) => void,
  ) {
    this.results = jobs.map(() => undefined);
    const kinds = jobs.map((job) => job.initial ?? job.settings);
    const dropout = kinds.some((kind) => kind.dropout > 0);
    this.shape = stackShape(network.config, kinds, dropout);
    this.active = [];
    this.parameters = stackEach(this.shape, jobs.length, (k) => {
      const { adapter, ...job } = started(network, jobs[k], k);
      this.active.push(job);
      return adapter;
    });
    this.moments = createMoments(this.parameters);
    this.scalings = this.scalingsOf(this.active);
  }

  /** One optimizer step of every active job; false when none is left. */
  async step(): Promise<boolean> {
    const members = this.active.map((job) => ({
      form: job.form,
      dropout: job.dropout,
      step: job.steps[job.losses.length],
      remade: job.settings.gradientCheckpointing,
    }));
    // In a scope, so that an engine that runs out of memory on the way leaves nothing behind.
    const { passes, gradients } = scoped(() => this.gradientsFor(members));
    if (this.gradients !== undefined && this.gradients !== gradients) tf.dispose(this.gradients);
    this.gradients = gradients;
    const steps = members.map(({ step }) => step);
    await this.update(gradients, await readLosses(passes, steps), steps);
    if (!hasFusedKernels()) this.dropGradients();
    this.doneSteps += members.length;
    this.onStep(this.doneSteps);
    await this.settle();
    return this.active.length > 0;
  }

  get stepsLeft(): number {
    return Math.max(0, ...this.active.map(({ steps, losses }) => steps.length - losses.length));
  }

  async state(): Promise<TrainingState> {
    const [{ losses, norms, tokens, dropout }] = this.active;
    const tensors = await Promise.all(
      this.tensors().map(async (tensor) => ({
        shape: tensor.shape,
        values: await tensor.data<"float32">(),
      })),
    );
    return { losses, gradientNorms: norms, tokens, dropout: dropout.state(), tensors };
  }

  restore({ losses, gradientNorms, tokens, dropout, tensors }: TrainingState): void {
    const [job] = this.active;
    job.losses.push(...losses);
    job.norms.push(...gradientNorms);
    job.tokens = tokens;
    if (dropout) job.dropout = createRandom({ state: dropout });
    tf.dispose(this.tensors());
    const count = this.parameters.length;
    const made = tensors.map(({ shape, values }) =>
      tf.tensor4d(values, shape as [number, number, number, number]),
    );
    this.parameters = made.slice(0, count);
    this.moments = { first: made.slice(count, 2 * count), second: made.slice(2 * count) };
    this.doneSteps = losses.length;
    this.onStep(this.doneSteps);
  }

  dispose(): void {
    tf.dispose(this.tensors());
    if (this.scalings) tf.dispose(this.scalings);
    this.dropGradients();
  }

  private gradientsFor(members: readonly StepMember[]): ReturnType<typeof stepGradients> {
    const { network, shape, parameters, scalings } = this;
    if (!scalings) return stepGradients(network, shape, parameters, members, this.gradients);
    // B goes through the model times its scaling, and so its gradient comes back.
    const scaled = scaleStack(parameters, scalings);
    const { passes, gradients } = stepGradients(network, shape, scaled, members);
    return { passes, gradients: scaleStack(gradients, scalings) };
  }

  private scalingsOf(jobs: readonly ActiveJob[]): StackTensors | undefined {
    return ownScalings(
      this.shape,
      jobs.map(({ form }) => form),
    );
  }

  private dropGradients(): void {
    if (this.gradients) tf.dispose(this.gradients);
    this.gradients = undefined;
  }

  private tensors(): StackTensors {
    return [...this.parameters, ...this.moments.first, ...this.moments.second];
  }

  private async update(
    gradients: StackTensors,
    losses: readonly number[],
    steps: readonly Step[],
  ): Promise<void> {
    const norms = await gradientNorms(gradients);
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
  }

  /** Takes out the jobs that are done or diverged. */
  private async settle(): Promise<void> {
    const { active } = this;
    const diverged = ({ losses, norms }: ActiveJob): boolean =>
      !Number.isFinite(losses.at(-1)) || !Number.isFinite(norms.at(-1));
    const goesOn = (job: ActiveJob): boolean =>
      !diverged(job) && job.losses.length < job.steps.length;
    const staying = active.flatMap((job, k) => (goesOn(job) ? [k] : []));
    if (staying.length === active.length) return;
    // Before the adapters are read out, which takes memory of its own.
    this.dropGradients();
    this.moments = {
      first: kept(this.moments.first, staying),
      second: kept(this.moments.second, staying),
    };
    for (const [k, job] of active.entries()) {
      if (goesOn(job)) continue;
      const { losses, norms, tokens } = job;
      const record = { losses, gradientNorms: norms, tokens };
      if (diverged(job)) {
        const reason = `loss ${losses.at(-1)} and gradient norm ${norms.at(-1)} at step ${losses.length}`;
        this.results[job.index] = { status: "diverged", reason, ...record };
      } else {
        const adapter = await unstackAdapter(this.shape, this.parameters, k, job.form);
        this.results[job.index] = finished(adapter, record);
      }
    }
    this.active = staying.map((k) => active[k]);
    this.parameters = kept(this.parameters, staying);
    if (this.scalings) tf.dispose(this.scalings);
    this.scalings = this.scalingsOf(this.active);
  }
}

/** A job before its first step, and the adapter that it starts from, whose values the stack will hold. */
function started(
  network: Network,
  job: TrainingJob,
  index: number,
): ActiveJob & { readonly adapter: Adapter } {
  const { settings, sequences, initial } = job;
  const random = (purpose: string): Random => createRandom(`${settings.seed}/${purpose}`);
  const cut = sequences.map((sequence) => cutSequence(settings, sequence));
  const adapter = initial ?? createAdapter(network.config, settings, random("adapter"));
  return {
    index,
    settings,
    adapter,
    form: formOf(adapter),
    steps: planSteps(cut, settings, random("order")),
    dropout: random("dropout"),
    losses: [],
    norms: [],
    tokens: 0,
  };
}

function finished(
  adapter: Adapter,
  record: Pick<TrainingResult, "losses" | "gradientNorms" | "tokens">,
): TrainingResult {
  // A sum in double precision is finite just where all of these fp32 numbers are.
  const finite = [...adapter.tensors.values()].every(({ values }) => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i];
    return Number.isFinite(sum);
  });
  return finite
    ? { status: "ok", adapter, ...record }
    : { status: "diverged", reason: "the adapter has values that are not finite", ...record };
}

function kept(tensors: StackTensors, indices: readonly number[]): StackTensors {
  const left = indices.length > 0 ? gatherAdapters(tensors, indices) : [];
  tf.dispose(tensors);
  return left;
}
