/** Whole passes of the network in fused operations (fused.ts): what every layer shares, losses and their gradients. */
import * as tf from "@tensorflow/tfjs";
import { hasFusedKernels, type AttentionInputs, type ProjectionAdapters } from "../engine/fused";
import { free } from "../engine/scope";
import {
  PROJECTIONS,
  targetShape,
  type LayerAdapters,
  type ProjectionName,
  type TargetName,
} from "./adapters";
import {
  fusedBackward,
  fusedForward,
  type FusedContext,
  type FusedSaved,
  type Residual,
} from "./fused";
import type { Layout } from "./layout";
import { ropeTables } from "./rope";
import { embed, headLoss, type LossToken, type Network } from "./transformer";
import type { ModelConfig } from "./types";

/** The stacked adapters of a projection, and whose they are. */
export interface FusedBranch extends Omit<ProjectionAdapters, "columns"> {
  readonly targets: readonly TargetName[];
}

/** Stacked adapters as a fused pass reads them. */
export interface FusedAdapters {
  /** [k, 1, 1] alpha / rank */
  readonly scaling: tf.Tensor3D;
  readonly layer: (layer: number) => Readonly<Partial<Record<ProjectionName, FusedBranch>>>;
}

/** Whether a pass with these adapters can be fused: the engine has the operations, and nothing is dropped out. */
export function canFuse(adapters: readonly LayerAdapters[] | undefined): boolean {
  return (
    hasFusedKernels() &&
    (adapters ?? []).every(({ branches, dropout }) =>
      dropout ? false : Object.values(branches).every((own) => own.length === 1),
    )
  );
}

/** The views of single layers, as decoding and scoring have them. */
export function fusedViews(views: readonly LayerAdapters[]): FusedAdapters {
  return {
    scaling: views[0].scaling,
    layer: (layer) => {
      const entries = Object.entries(views[layer].branches);
      return Object.fromEntries(entries.map(([name, [branch]]) => [name, { ...branch, layer: 0 }]));
    },
  };
}

/** A context that owns its small tensors. */
export interface OwnedContext extends FusedContext {
  /** [0] */
  readonly nothing: tf.Tensor1D;
  dispose(): void;
}

/** Context of a pass over `counts[k]` tokens of each adapter. */
export function fusedContext(
  config: ModelConfig,
  adapters: FusedAdapters | undefined,
  counts: readonly number[],
): OwnedContext {
  const names = Object.keys(PROJECTIONS) as ProjectionName[];
  const nothing = tf.tensor1d([], "float32");
  const none = { layer: 0, a: nothing, b: [] };
  const first = adapters?.layer(0) ?? {};
  const columns = names.map((name) => targetColumns(config, name, first[name]?.targets ?? []));
  const ends = counts.map((_, k) => counts.slice(0, k + 1).reduce((a, b) => a + b, 0));
  const ranges = tf.tensor1d(Int32Array.from([0, ...ends]), "int32");
  return {
    config,
    nothing,
    ranges,
    scaling: adapters?.scaling ?? (nothing as tf.Tensor as tf.Tensor3D),
    layer: (layer) => {
      const branches = adapters?.layer(layer) ?? {};
      const of = (name: ProjectionName): ProjectionAdapters => {
        const branch: Omit<ProjectionAdapters, "columns"> = branches[name] ?? none;
        return { ...branch, columns: columns[names.indexOf(name)] };
      };
      return {
        queryKeyValue: of("queryKeyValue"),
        output: of("output"),
        gateUp: of("gateUp"),
        down: of("down"),
      };
    },
    dispose: () => free([nothing, ranges, columns]),
  };
}

/** Tokens of each adapter. */
export function tokenCounts({ adapters, rowsPerAdapter, lengths }: Layout): number[] {
  return Array.from({ length: adapters }, (_, k) =>
    lengths
      .slice(k * rowsPerAdapter, (k + 1) * rowsPerAdapter)
      .reduce((sum, length) => sum + length, 0),
  );
}

/** [rows, 4] for `AttentionInputs`: whole rows from position 0, of which only the first `keyLengths` keys are read. */
export function wholeRows(lengths: readonly number[], keyLengths?: readonly number[]): tf.Tensor2D {
  let first = 0;
  const values = lengths.flatMap((length, r) => {
    first += length;
    return [first - length, length, 0, keyLengths?.[r] ?? length];
  });
  return tf.tensor2d(Int32Array.from(values), [lengths.length, 4], "int32");
}

/** As `tokenLosses`. */
export function fusedTokenLosses(
  network: Network,
  views: readonly LayerAdapters[] | undefined,
  layout: Layout,
  tokens: readonly LossToken[],
): tf.Tensor1D {
  const context = fusedContext(network.config, views && fusedViews(views), tokenCounts(layout));
  const hidden = wholeForward(network, context, layout, undefined, ({ saved }) => free(saved));
  const { losses, gradient } = headLoss(network, hidden, tokens, false);
  tf.dispose([hidden, gradient]);
  context.dispose();
  return losses;
}

/** As `lossAndGradients`; the adapters' gradients are put where `adapters` says. */
export function fusedLossAndGradients(
  network: Network,
  adapters: FusedAdapters,
  layout: Layout,
  tokens: readonly LossToken[],
  keyLengths?: readonly number[],
): tf.Tensor1D {
  const context = fusedContext(network.config, adapters, tokenCounts(layout));
  const kept: { saved: FusedSaved; inputs: AttentionInputs }[] = [];
  const hidden = wholeForward(network, context, layout, keyLengths, (one) => kept.push(one));
  const head = headLoss(network, hidden, tokens, true);
  hidden.dispose();
  let { gradient } = head;
  for (let l = kept.length - 1; l >= 0; l--) {
    const next = fusedBackward(context, network.weights.layers[l], l, kept[l].saved, gradient);
    free([gradient, kept[l].saved]);
    gradient = next;
  }
  gradient.dispose();
  context.dispose();
  return head.losses;
}

/** Hidden states after the last layer, before the final norm. `onLayer` disposes what is saved. */
function wholeForward(
  network: Network,
  context: OwnedContext,
  layout: Layout,
  keyLengths: readonly number[] | undefined,
  onLayer: (layer: { saved: FusedSaved; inputs: AttentionInputs }) => void,
): tf.Tensor2D {
  const { config, weights } = network;
  const { lengths, time } = layout;
  const positions = Array.from({ length: time }, (_, t) => t);
  const rows = wholeRows(lengths, keyLengths);
  const { cos, sin } = ropeTables(config, positions);
  const shape: [number, number, number, number] = [
    lengths.length,
    config.keyValueHeadCount,
    time,
    config.headDim,
  ];
  let state: Residual = { x: embed(weights, layout.ids), delta: context.nothing };
  weights.layers.forEach((layer, l) => {
    const inputs: AttentionInputs = {
      rows: tf.clone(rows),
      cos: tf.clone(cos),
      sin: tf.clone(sin),
      keys: tf.fill(shape, 0),
      values: tf.fill(shape, 0),
    };
    const { output, saved } = fusedForward(context, layer, l, state, inputs);
    dropState(state, context);
    state = output;
    onLayer({ saved, inputs });
  });
  const hidden = tf.add<tf.Tensor2D>(state.x, state.delta);
  dropState(state, context);
  tf.dispose([rows, cos, sin]);
  return hidden;
}

function dropState({ x, delta }: Residual, { nothing }: OwnedContext): void {
  x.dispose();
  if (delta !== nothing) delta.dispose();
}

/** Where each target's columns begin in the fused output of its projection, [targets] int32. */
function targetColumns(
  config: ModelConfig,
  name: ProjectionName,
  targets: readonly TargetName[],
): tf.Tensor1D {
  const all: readonly TargetName[] = PROJECTIONS[name];
  const starts = targets.map((target) =>
    all
      .slice(0, all.indexOf(target))
      .reduce((sum, earlier) => sum + targetShape(config, earlier).output, 0),
  );
  return tf.tensor1d(Int32Array.from(starts), "int32");
}
