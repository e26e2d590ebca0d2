/**
 * The gradients of one step of all jobs in training. Jobs whose rows are of similar length go through the model
 * together: where one long row would make the others carry much padding, they go in a pass of their own.
 */
import * as tf from "@tensorflow/tfjs";
import { hasFusedKernels } from "../engine/fused";
import { free } from "../engine/scope";
import type { Random } from "../statistics/random";
import type { LayerAdapters, ProjectionName } from "../model/adapters";
import { fusedLossAndGradients, type FusedAdapters } from "../model/fused-pass";
import { createFlatLayout, createLayout, disposeLayout, type Layout } from "../model/layout";
import { lossAndGradients, lossIndex, type LossToken, type Network } from "../model/transformer";
import type { AdapterForm } from "./adapter";
import type { Step } from "./plan";
import {
  gatherAdapters,
  layerAdapters,
  stackBranches,
  stackScaling,
  type StackShape,
  type StackTensors,
} from "./stack";

/** A job's part in a step. */
export interface StepMember {
  readonly form: AdapterForm;
  /** Generator of its dropout. */
  readonly dropout: Random;
  readonly step: Step;
  /** Whether layers are made again on the way back (gradientCheckpointing); one member's wish is all members'. */
  readonly remade: boolean;
}

/** Members that went through the model together, by their places, and the losses of their tokens in order. */
export interface PassLosses {
  readonly group: readonly number[];
  /** [tokens that count] */
  readonly losses: tf.Tensor1D;
}

/** Padded places that a further pass must save to be worth its own operations. */
const PLACES_PER_PASS = 1024;

/** Tokens above which a fused step goes in several passes: what is kept for the way back is of one pass at a time. */
const TOKENS_PER_PASS = 512;

/**
 * The losses, for `readLosses`, and the stacked gradients, all of which the caller disposes. Where `into` is given and fused
 * kernels run, the gradients are put there: memory that has been used before is much cheaper than new memory.
 */
export function stepGradients(
  network: Network,
  shape: StackShape,
  parameters: StackTensors,
  members: readonly StepMember[],
  into?: StackTensors,
): { passes: PassLosses[]; gradients: StackTensors } {
  const all = members.map((_, k) => k);
  if (hasFusedKernels() && members.every(({ form }) => form.dropout === 0))
    return fusedGradients(network, shape, parameters, members, into);
  const groups = similarLengths(members.map(({ step }) => step));
  if (groups.length === 1) {
    const { losses, gradients } = passGradients(network, shape, parameters, members);
    return { passes: [{ group: all, losses }], gradients };
  }
  const parts = groups.map((group) => {
    const own = gatherAdapters(parameters, group);
    const part = passGradients(
      network,
      shape,
      own,
      group.map((k) => members[k]),
    );
    tf.dispose(own);
    return part;
  });
  const order = groups.flat();
  const placeOf = all.map((k) => order.indexOf(k));
  const gradients = parameters.map((_, i) =>
    tf.tidy(() =>
      tf.gather(
        tf.concat<tf.Tensor4D>(
          parts.map((part) => part.gradients[i]),
          1,
        ),
        tf.tensor1d(placeOf, "int32"),
        1,
      ),
    ),
  );
  parts.forEach((part) => free(part.gradients));
  return { passes: groups.map((group, g) => ({ group, losses: parts[g].losses })), gradients };
}

/** Each member's loss, the weighted sum over its tokens; frees the tensors. Awaited, since a GPU gives nothing at once. */
export async function readLosses(
  passes: readonly PassLosses[],
  steps: readonly Step[],
): Promise<number[]> {
  const sums = new Array<number>(steps.length).fill(0);
  for (const { group, losses } of passes) {
    const values = await losses.data();
    losses.dispose();
    let next = 0;
    for (const k of group)
      for (const row of steps[k])
        for (let t = firstLoss(row); t < row.sequence.ids.length; t++)
          sums[k] += row.weight * values[next++];
  }
  return sums;
}

/** The first token of a row that counts in the loss; all after it do. */
function firstLoss({ sequence }: Step[number]): number {
  return Math.max(1, sequence.lossFrom ?? 1);
}

/**
 * Members in groups of similar length, each group in rising order of place. Longest rows are split off while that
 * saves enough padding.
 */
export function similarLengths(steps: readonly Step[]): number[][] {
  const places = steps.map((step) => ({
    rows: step.length,
    time: Math.max(...step.map((row) => row.sequence.ids.length)),
  }));
  const split = (group: readonly number[]): number[][] => {
    const sorted = [...group].sort((a, b) => places[a].time - places[b].time || a - b);
    const cost = (some: readonly number[]): number =>
      some.length *
      Math.max(...some.map((k) => places[k].rows)) *
      Math.max(...some.map((k) => places[k].time));
    const cuts = sorted.slice(1).map((_, i) => ({
      at: i + 1,
      cost: cost(sorted.slice(0, i + 1)) + cost(sorted.slice(i + 1)),
    }));
    const best = cuts.reduce<(typeof cuts)[number] | undefined>(
      (least, one) => (least && least.cost <= one.cost ? least : one),
      undefined,
    );
    if (!best || cost(group) - best.cost < PLACES_PER_PASS)
      return [[...group].sort((a, b) => a - b)];
    return [...split(sorted.slice(0, best.at)), ...split(sorted.slice(best.at))];
  };
  return split(steps.map((_, k) => k));
}

/** Passes without padding. A member without tokens in a pass leaves its gradients as they are. */
function fusedGradients(
  network: Network,
  shape: StackShape,
  parameters: StackTensors,
  members: readonly StepMember[],
  into: StackTensors | undefined,
): { passes: PassLosses[]; gradients: StackTensors } {
  const gradients = into ?? parameters.map((parameter) => tf.fill(parameter.shape, 0));
  const scaling = stackScaling(members.map(({ form }) => form));
  const adapters: FusedAdapters = { scaling, layer: stackBranches(shape, parameters, gradients) };
  const remade = members.some((member) => member.remade);
  const passes = passGroups(members.map(({ step }) => step)).map((group) => {
    const steps = members.map(({ step }, k) => (group.includes(k) ? step : []));
    const layout = createFlatLayout(readIds(steps));
    const tokens = lossTokens(steps, layout);
    const keys = keyLengths(steps, layout);
    const losses = fusedLossAndGradients(network, adapters, layout, tokens, keys, remade);
    return { group, losses };
  });
  scaling.dispose();
  return { passes, gradients };
}

/** Members by pass: neighbours, about equally many tokens each. */
export function passGroups(steps: readonly Step[]): number[][] {
  const tokens = steps.map((step) => step.reduce((sum, row) => sum + row.sequence.ids.length, 0));
  const total = tokens.reduce((sum, own) => sum + own, 0);
  const share = total / Math.ceil(total / TOKENS_PER_PASS);
  const groups: number[][] = [];
  let before = 0;
  tokens.forEach((own, k) => {
    // A member goes where its middle lies.
    const pass = Math.floor((before + own / 2) / share);
    (groups[pass] ??= []).push(k);
    before += own;
  });
  return groups.filter((group) => group !== undefined);
}

/** Losses and gradients of members that go through the model together. */
function passGradients(
  network: Network,
  shape: StackShape,
  parameters: StackTensors,
  members: readonly StepMember[],
): { losses: tf.Tensor1D; gradients: StackTensors } {
  const steps = members.map(({ step }) => step);
  const layout = createLayout(readIds(steps));
  const tokens = lossTokens(steps, layout);
  const byLayer: tf.Tensor3D[][] = [];
  const adapters = adaptersByLayer(shape, parameters, members, layout);
  const losses = lossAndGradients(
    network,
    adapters,
    layout,
    tokens,
    (byProjection, layer) => {
      orderedGradients(shape, byProjection).forEach((gradient, position) => {
        (byLayer[position] ??= [])[layer] = gradient;
      });
    },
    keyLengths(steps, layout),
    members.some(({ remade }) => remade),
  );
  free(adapters);
  disposeLayout(layout);
  const gradients = byLayer.map((layers) => {
    const all = tf.stack(layers) as tf.Tensor4D;
    tf.dispose(layers);
    return all;
  });
  return { losses, gradients };
}

function adaptersByLayer(
  shape: StackShape,
  parameters: StackTensors,
  members: readonly StepMember[],
  layout: Layout,
): LayerAdapters[] {
  const scaling = stackScaling(members.map(({ form }) => form));
  const dropout = members.some(({ form }) => form.dropout > 0);
  return Array.from({ length: shape.layers }, (_, layer) => {
    const views = layerAdapters(shape, parameters, scaling, layer);
    return dropout ? { ...views, dropout: dropoutMasks(shape, members, layout) } : views;
  });
}

/** The ids that go through the model: nothing is predicted from a sequence's last, and no other attends to it. */
export function readIds(steps: readonly Step[]): number[][][] {
  return steps.map((step) => step.map(({ sequence }) => sequence.ids.slice(0, -1)));
}

/** The tokens that count in the loss, in the order in which `readLosses` takes them. */
export function lossTokens(steps: readonly Step[], layout: Layout): LossToken[] {
  const tokens: LossToken[] = [];
  steps.forEach((step, k) => {
    step.forEach((own, r) => {
      const { ids } = own.sequence;
      const row = k * layout.rowsPerAdapter + r;
      for (let t = firstLoss(own); t < ids.length; t++)
        tokens.push({ index: lossIndex(layout, row, t), label: ids[t], weight: own.weight });
    });
  });
  return tokens;
}

/** Per row, the number of ids that may be attended to; undefined where that is all of them. */
export function keyLengths(steps: readonly Step[], layout: Layout): number[] | undefined {
  if (!steps.some((step) => step.some((row) => row.sequence.padFrom !== undefined)))
    return undefined;
  return steps.flatMap((step) =>
    Array.from(
      { length: layout.rowsPerAdapter },
      (_, r) => step[r]?.sequence.padFrom ?? layout.time,
    ),
  );
}

/** A layer's gradients in the order of the stack's tensors. */
function orderedGradients(
  shape: StackShape,
  byProjection: Readonly<
    Record<ProjectionName, readonly { a: tf.Tensor3D; b: readonly tf.Tensor3D[] }[]>
  >,
): tf.Tensor3D[] {
  const seen: Partial<Record<ProjectionName, number>> = {};
  return shape.branches.flatMap(({ projection }) => {
    const position = seen[projection] ?? 0;
    seen[projection] = position + 1;
    const { a, b } = byProjection[projection][position];
    return [a, ...b];
  });
}

/** Fresh masks for one layer: 0, or 1 / (1 - rate), drawn for each job's own tokens from its own generator. */
function dropoutMasks(
  shape: StackShape,
  members: readonly StepMember[],
  layout: Layout,
): Partial<Record<ProjectionName, tf.Tensor3D[]>> {
  const { rowsPerAdapter, time, lengths } = layout;
  const masks: Partial<Record<ProjectionName, tf.Tensor3D[]>> = {};
  for (const { projection, input } of shape.branches) {
    const values = new Float32Array(lengths.length * time * input).fill(1);
    lengths.forEach((length, row) => {
      const { form, dropout } = members[Math.floor(row / rowsPerAdapter)];
      if (form.dropout === 0) return;
      const kept = 1 / (1 - form.dropout);
      const start = row * time * input;
      for (let i = start; i < start + length * input; i++)
        values[i] = dropout.next() < form.dropout ? 0 : kept;
    });
    const places = rowsPerAdapter * time;
    (masks[projection] ??= []).push(tf.tensor3d(values, [members.length, places, input]));
  }
  return masks;
}
