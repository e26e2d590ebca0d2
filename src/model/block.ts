/** One transformer layer: forward, and its gradient by hand down to the adapters and the layer's input. */
import * as tf from "@tensorflow/tfjs";
import { scoped } from "../engine/scope";
import type { LayerAdapters, ProjectionName } from "./adapters";
import {
  attendGradient,
  gatedUnit,
  gatedUnitGradient,
  rmsNorm,
  rmsNormGradient,
  splitHeads,
  type AttentionSaved,
  type GatedSaved,
  type Heads,
  type NormSaved,
  type Positions,
} from "./layers";
import { toRows, toTokens, type Layout } from "./layout";
import { project, projectGradient, type BranchGradients, type BranchSaved } from "./projection";
import type { ModelConfig } from "./types";
import type { LayerWeights } from "./weights";

/** What every layer of one forward pass shares. */
export interface PassContext {
  readonly config: ModelConfig;
  readonly layout: Layout;
  readonly positions: Positions;
  /** Attention over this pass's own keys, or over a cache too. */
  readonly attend: (heads: Heads) => { output: tf.Tensor3D; weights: tf.Tensor3D };
}

/** What a layer's gradient needs; disposed by the backward pass as it goes. */
export interface BlockSaved {
  readonly inputNorm: NormSaved;
  readonly attention: AttentionSaved;
  readonly postAttentionNorm: NormSaved;
  readonly gated: GatedSaved;
  readonly branches: Readonly<Record<ProjectionName, readonly BranchSaved[]>>;
}

/** Gradients of a layer's adapters, by projection. */
export type LayerGradients = Readonly<Record<ProjectionName, readonly BranchGradients[]>>;

/** x [tokens, hidden] -> [tokens, hidden]. Everything returned is the caller's to dispose. */
export function blockForward(
  context: PassContext,
  weights: LayerWeights,
  adapters: LayerAdapters | undefined,
  x: tf.Tensor2D,
): { output: tf.Tensor2D; saved: BlockSaved } {
  return scoped(() => {
    const { config, layout, positions } = context;
    const apply = (
      input: tf.Tensor2D,
      name: ProjectionName,
    ): { output: tf.Tensor2D; saved: BranchSaved[] } =>
      project(config, input, weights[name], name, adapters, layout);

    const inputNorm = rmsNorm(x, config.rmsNormEpsilon);
    const qkv = apply(
      tf.mul<tf.Tensor2D>(inputNorm.normalised, weights.inputNorm),
      "queryKeyValue",
    );
    const biased = weights.queryKeyValueBias
      ? tf.add(qkv.output, weights.queryKeyValueBias)
      : qkv.output;
    const batch = layout.adapters * layout.rowsPerAdapter;
    const rows = tf.reshape(toRows(biased as tf.Tensor2D, layout), [batch, layout.time, -1]);
    const heads = splitHeads(config, rows as tf.Tensor3D, positions);
    const attention = context.attend(heads);
    const attended = toTokens(asRows(attention.output, layout), layout);
    const output = apply(attended, "output");
    const middle = tf.add<tf.Tensor2D>(x, output.output);

    const postAttentionNorm = rmsNorm(middle, config.rmsNormEpsilon);
    const gateUp = apply(
      tf.mul<tf.Tensor2D>(postAttentionNorm.normalised, weights.postAttentionNorm),
      "gateUp",
    );
    const gated = gatedUnit(gateUp.output);
    const down = apply(gated.output, "down");
    return {
      output: tf.add(middle, down.output) as tf.Tensor2D,
      saved: {
        inputNorm,
        attention: { ...heads, weights: attention.weights },
        postAttentionNorm,
        gated: gated.saved,
        branches: {
          queryKeyValue: qkv.saved,
          output: output.saved,
          gateUp: gateUp.saved,
          down: down.saved,
        },
      },
    };
  });
}

/** Gradient of `blockForward` for the gradient of its output [tokens, hidden]. The caller disposes what is returned. */
export function blockBackward(
  context: PassContext,
  weights: LayerWeights,
  adapters: LayerAdapters | undefined,
  saved: BlockSaved,
  gradient: tf.Tensor2D,
): { input: tf.Tensor2D; adapters: LayerGradients } {
  return scoped(() => {
    const { config, layout, positions } = context;
    const back = (
      output: tf.Tensor2D,
      name: ProjectionName,
    ): { input: tf.Tensor2D; branches: BranchGradients[] } =>
      projectGradient(config, output, weights[name], name, adapters, layout, saved.branches[name]);

    const down = back(gradient, "down");
    const gateUp = back(gatedUnitGradient(down.input, saved.gated), "gateUp");
    const throughNorm = rmsNormGradient(
      gateUp.input,
      weights.postAttentionNorm,
      saved.postAttentionNorm,
    );
    const middle = tf.add(gradient, throughNorm) as tf.Tensor2D;

    const output = back(middle, "output");
    const batch = layout.adapters * layout.rowsPerAdapter;
    const attended = tf.reshape(toRows(output.input, layout), [batch, layout.time, -1]);
    const heads = attendGradient(config, attended as tf.Tensor3D, saved.attention, positions);
    const qkv = back(toTokens(asRows(heads, layout), layout), "queryKeyValue");
    const throughInput = rmsNormGradient(qkv.input, weights.inputNorm, saved.inputNorm);
    return {
      input: tf.add(middle, throughInput) as tf.Tensor2D,
      adapters: {
        queryKeyValue: qkv.branches,
        output: output.branches,
        gateUp: gateUp.branches,
        down: down.branches,
      },
    };
  });
}

/** [batch, time, width] -> [adapters, rowsPerAdapter * time, width] */
function asRows(x: tf.Tensor3D, layout: Layout): tf.Tensor3D {
  return tf.reshape(x, [layout.adapters, layout.rowsPerAdapter * layout.time, x.shape[2]]);
}
