/** Whole passes of the network in fused operations (fused.ts): what every layer shares, losses and their gradients. */
import * as tf from "@tensorflow/tfjs";
import {
  hasFusedKernels,
  layerForward,
  layerGradient,
  type FusedInputs,
  type ProjectionAdapters,
} from "../engine/fused";
import { free } from "../engine/scope";
import {
  PROJECTIONS,
  targetShape,
  type LayerAdapters,
  type ProjectionName,
  type TargetName,
} from "./adapters";
import type { Layout } from "./layout";
import { ropeTables } from "./rope";
import { embed, headLoss, type LossToken, type Network } from "./transformer";
import type { ModelConfig } from "./types";

/** The stacked adapters of a projection, and whose they are. */
export interface FusedBranch extends Omit<ProjectionAdapters, "columns"> {
  readonly targets: readonly TargetName[];
  /** Its place in the stack. */
  readonly layer: number;
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

/** What a pass reads at every layer beside its weights and its place in the text. */
export type FusedPosition = Pick<FusedInputs, "cos" | "sin" | "rows" | "keys" | "values">;

/** What all layers of a pass share; owns its small tensors. */
export interface FusedContext {
  /** [0] */
  readonly nothing: tf.Tensor1D;
  readonly inputs: (layer: number, position: FusedPosition) => FusedInputs;
  dispose(): void;
}

/** Context of a pass over `counts[k]` tokens of each adapter. */
export function fusedContext(
  config: ModelConfig,
  adapters: FusedAdapters | undefined,
  counts: readonly number[],
): FusedContext {
  const names = Object.keys(PROJECTIONS) as ProjectionName[];
  const nothing = tf.tensor1d([], "float32");
  const first = adapters?.layer(0) ?? {};
  const columns = names.map((name) => targetColumns(config, name, first[name]?.targets ?? []));
  const ends = counts.map((_, k) => counts.slice(0, k + 1).reduce((a, b) => a + b, 0));
  const ranges = tf.tensor1d(Int32Array.from([0, ...ends]), "int32");
  const scaling = adapters?.scaling ?? (nothing as tf.Tensor as tf.Tensor3D);
  const { headCount, keyValueHeadCount, rmsNormEpsilon } = config;
  const shared = { headCount, keyValueHeadCount, rmsNormEpsilon, ranges, scaling, nothing };
  return {
    nothing,
    inputs: (layer, position) => {
      const branches = adapters?.layer(layer) ?? {};
      const own = names.map((name, p): ProjectionAdapters => {
        const branch = branches[name];
        return branch
          ? { ...branch, columns: columns[p] }
          : { a: nothing, b: [], columns: columns[p] };
      });
      const place = Object.values(branches)[0]?.layer ?? 0;
      return { ...shared, ...position, adapters: own, layer: place };
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

/** [rows, 4] for `FusedInputs`: whole rows from position 0, of which only the first `keyLengths` keys are read. */
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
  const pass = startPass(network, context, layout);
  let x = embed(network.weights, layout.ids);
  network.weights.layers.forEach((layer, l) => {
    const { output, saved } = layerForward(x, layer, pass.inputs(l), false);
    free([x, saved]);
    x = output;
  });
  const { losses, gradient } = headLoss(network, x, tokens, false);
  free([x, gradient]);
  pass.dispose();
  context.dispose();
  return losses;
}

/**
 * As `lossAndGradients`; the adapters' gradients are put where `adapters` says. Where a layer is to be `remade`, only what goes
 * into it is kept for the way back.
 */
export function fusedLossAndGradients(
  network: Network,
  adapters: FusedAdapters,
  layout: Layout,
  tokens: readonly LossToken[],
  keyLengths?: readonly number[],
  remade = false,
): tf.Tensor1D {
  const { config, weights } = network;
  const context = fusedContext(config, adapters, tokenCounts(layout));
  const pass = startPass(network, context, layout, keyLengths);
  const kept: { readonly x: tf.Tensor2D; saved: tf.Tensor[] }[] = [];
  let x = embed(weights, layout.ids);
  weights.layers.forEach((layer, l) => {
    const { output, saved } = layerForward(x, layer, pass.inputs(l), !remade);
    kept.push({ x, saved });
    x = output;
  });
  const head = headLoss(network, x, tokens, true);
  x.dispose();
  let { gradient } = head;
  for (let l = kept.length - 1; l >= 0; l--) {
    const own = kept[l];
    if (remade) {
      const again = layerForward(own.x, weights.layers[l], pass.inputs(l), true);
      free([own.saved, again.output]);
      own.saved = again.saved;
    }
    // Below the first layer there is nothing to train.
    const next = layerGradient(
      gradient,
      own.x,
      own.saved,
      weights.layers[l],
      pass.inputs(l),
      l > 0,
    );
    free([gradient, own]);
    gradient = next;
  }
  gradient.dispose();
  pass.dispose();
  context.dispose();
  return head.losses;
}

/** A pass over whole rows; owns where they lie. */
function startPass(
  { config }: Network,
  { nothing, inputs }: FusedContext,
  { lengths, time }: Layout,
  keyLengths?: readonly number[],
): { inputs: (layer: number) => FusedInputs; dispose: () => void } {
  const rows = wholeRows(lengths, keyLengths);
  const positions = Array.from({ length: time }, (_, t) => t);
  const { cos, sin } = ropeTables(config, positions);
  const position = { rows, cos, sin, keys: nothing, values: nothing };
  return {
    inputs: (layer) => inputs(layer, position),
    dispose: () => free([rows, cos, sin]),
  };
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
