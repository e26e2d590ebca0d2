/** A training of all weights, step by step: AdamW on plain copies of them, of which the model itself knows nothing. */
import * as tf from "@tensorflow/tfjs";
import { giveBackWhenIdle } from "../engine/memory";
import { scoped } from "../engine/scope";
import type { Resumable, TrainingCheckpoint, TrainingState } from "../lora/checkpoint";
import { cutSequence, type SequenceJob } from "../lora/job";
import {
  adamStep,
  clipFactor,
  createMoments,
  gradientNorms,
  type Moments,
} from "../lora/optimizer";
import { planSteps, type Step } from "../lora/plan";
import { learningRateAt } from "../lora/schedule";
import type { TrainingSettings } from "../lora/settings";
import type { StackTensors } from "../lora/stack";
import { keyLengths, lossTokens, readIds, readLosses } from "../lora/step";
import { lossAndWeightGradients } from "../model/full-pass";
import { createLayout, disposeLayout } from "../model/layout";
import type { Network } from "../model/transformer";
import { mapWeights, plainWeights, storedWeights, weightTensors } from "../model/weight-tree";
import type { ModelWeights } from "../model/weights";
import { createRandom } from "../statistics/random";

/** Tokens of a step above which its rows go in several passes: what is kept for the way back is of one pass at a time. */
const TOKENS_PER_PASS = 1024;

/** What a training has gone through, and the weights that came of it; none where they are not finite. */
export interface TrainedWeights {
  /** In the form of the model's; the caller's to dispose. */
  readonly weights?: ModelWeights;
  readonly losses: readonly number[];
  readonly gradientNorms: readonly number[];
  readonly tokens: number;
}

/** Trains all weights; those of `network` are only read. `onStep` is told the steps done. */
export async function trainWeights(
  network: Network,
  job: SequenceJob,
  onStep: (done: number, total: number) => void,
  checkpoint?: TrainingCheckpoint,
): Promise<TrainedWeights> {
  const run = new FullRun(network, job, onStep);
  try {
    await checkpoint?.restore(run);
    while (await run.step()) {
      await new Promise((resolve) => setImmediate(resolve));
      await checkpoint?.keep(run);
    }
    const { losses, norms, tokens } = run;
    const record = { losses, gradientNorms: norms, tokens };
    return (await run.isFinite()) ? { ...record, weights: run.takeWeights() } : record;
  } finally {
    run.dispose();
    giveBackWhenIdle();
  }
}

/** Owns the weights in training, as the optimizer has them, and its moments. */
class FullRun implements Resumable {
  readonly losses: number[] = [];
  readonly norms: number[] = [];
  tokens = 0;
  private readonly settings: TrainingSettings;
  private readonly steps: readonly Step[];
  /** The form of the weights, its tensors disposed, and the shape of each of them. */
  private readonly form: ModelWeights;
  private readonly shapes: readonly number[][];
  private parameters: StackTensors;
  private moments: Moments;

  constructor(
    private readonly network: Network,
    { sequences, settings }: SequenceJob,
    private readonly onStep: (done: number, total: number) => void,
  ) {
    this.settings = settings;
    const cut = sequences.map((sequence) => cutSequence(settings, sequence));
    this.steps = planSteps(cut, settings, createRandom(`${settings.seed}/order`));
    // In a scope, so that an engine that runs out of memory on the way leaves nothing behind.
    const made = scoped(() => {
      const form = plainWeights(network.config, network.weights);
      const shapes = weightTensors(form).map(({ shape }) => shape);
      const parameters = weightTensors(form).map(asParameter);
      const moments = createMoments(parameters);
      return { form: () => form, shapes, parameters, moments };
    });
    this.form = made.form();
    this.shapes = made.shapes;
    this.parameters = made.parameters;
    this.moments = made.moments;
  }

  get stepsLeft(): number {
    return this.steps.length - this.losses.length;
  }

  /** One optimizer step; false where it was the last, or went astray. */
  async step(): Promise<boolean> {
    const step = this.steps[this.losses.length];
    const { passes, gradients } = scoped(() => this.gradientsOf(step));
    let loss = 0;
    for (const { rows, losses } of passes)
      loss += (await readLosses([{ group: [0], losses }], [rows]))[0];
    const [norm] = await gradientNorms(gradients);
    const { settings } = this;
    const index = this.losses.length;
    const update = {
      step: index,
      learningRate: learningRateAt(settings, index, this.steps.length),
      weightDecay: settings.weightDecay,
      gradientScale: clipFactor(norm, settings.clipNorm),
    };
    adamStep(this.parameters, gradients, this.moments, [update]);
    tf.dispose(gradients);
    this.losses.push(loss);
    this.norms.push(norm);
    this.tokens += step.reduce((sum, { sequence }) => sum + sequence.ids.length, 0);
    this.onStep(this.losses.length, this.steps.length);
    return Number.isFinite(loss) && Number.isFinite(norm) && this.stepsLeft > 0;
  }

  /** Whether all weights, losses and norms are finite numbers. */
  async isFinite(): Promise<boolean> {
    const [norm] = await gradientNorms(this.parameters);
    return [norm, this.losses.at(-1), this.norms.at(-1)].every(Number.isFinite);
  }

  /** The weights as the engine keeps them, the caller's; the run cannot go on. */
  takeWeights(): ModelWeights {
    tf.dispose([this.moments.first, this.moments.second]);
    this.moments = { first: [], second: [] };
    return scoped(() => storedWeights(this.weights()));
  }

  async state(): Promise<TrainingState> {
    const { losses, norms, tokens } = this;
    const tensors = [];
    for (const tensor of this.tensors())
      tensors.push({ shape: tensor.shape, values: await tensor.data<"float32">() });
    return { losses, gradientNorms: norms, tokens, tensors };
  }

  restore({ losses, gradientNorms: norms, tokens, tensors }: TrainingState): void {
    this.losses.push(...losses);
    this.norms.push(...norms);
    this.tokens = tokens;
    const count = this.parameters.length;
    this.dispose();
    const made = tensors.map(({ shape, values }) => tf.tensor4d(values, shape as FourDimensions));
    this.parameters = made.slice(0, count);
    this.moments = { first: made.slice(count, 2 * count), second: made.slice(2 * count) };
    this.onStep(losses.length, this.steps.length);
  }

  dispose(): void {
    tf.dispose(this.tensors());
  }

  private tensors(): StackTensors {
    return [...this.parameters, ...this.moments.first, ...this.moments.second];
  }

  /** The weights in training in the model's form; new tensors of the same memory. */
  private weights(): ModelWeights {
    let next = 0;
    return mapWeights(this.form, () => {
      const i = next++;
      return tf.reshape(this.parameters[i], this.shapes[i]);
    });
  }

  /** Losses of each pass's rows, and the sum of the passes' gradients. */
  private gradientsOf(step: Step): {
    passes: { rows: Step; losses: tf.Tensor1D }[];
    gradients: StackTensors;
  } {
    const weights = this.weights();
    let gradients: StackTensors | undefined;
    const passes = passesOf(step).map((rows) => {
      const part = scoped(() => this.passGradients(weights, rows));
      const before = gradients;
      gradients = before ? before.map((sum, i) => tf.add(sum, part.gradients[i])) : part.gradients;
      if (before) tf.dispose([before, part.gradients]);
      return { rows, losses: part.losses };
    });
    return { passes, gradients: gradients! };
  }

  private passGradients(
    weights: ModelWeights,
    rows: Step,
  ): { losses: tf.Tensor1D; gradients: StackTensors } {
    const layout = createLayout(readIds([rows]));
    const { losses, gradients } = lossAndWeightGradients(
      { ...this.network, weights },
      layout,
      lossTokens([rows], layout),
      keyLengths([rows], layout),
      this.settings.gradientCheckpointing,
    );
    disposeLayout(layout);
    return { losses, gradients: weightTensors(gradients).map(asParameter) };
  }
}

type FourDimensions = [number, number, number, number];

/** A weight as the optimizer takes it, one adapter's that has a layer for each row: so its work is shared out among threads. */
function asParameter(tensor: tf.Tensor): tf.Tensor4D {
  const [first, second] = tensor.shape;
  return tf.reshape(tensor, second === undefined ? [1, 1, 1, first] : [first, 1, 1, second]);
}

/** Rows by pass: neighbours, whose padded rectangle is not too large. */
function passesOf(step: Step): Step[] {
  const passes: Step[number][][] = [];
  let longest = 0;
  for (const row of step) {
    const current = passes.at(-1);
    longest = Math.max(longest, row.sequence.ids.length);
    if (current && (current.length + 1) * longest <= TOKENS_PER_PASS) current.push(row);
    else {
      passes.push([row]);
      longest = row.sequence.ids.length;
    }
  }
  return passes;
}
