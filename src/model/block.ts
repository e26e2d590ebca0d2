/** One transformer layer: forward, and its gradient by hand down to the adapters and the layer's input. */
import * as tf from "@tensorflow/tfjs";
import { scoped } from "../engine/scope";
import type { LayerAdapters, ProjectionName } from "./adapters";
import {
  attended,
  attendGradient,
  gatedOutput,
  gatedUnit,
  gatedUnitGradient,
  normWeightGradient,
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

/** Gradients of a layer's own weights, in their shapes; its matrices are plain. */
export type LayerWeightGradients = LayerWeights;

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
    const output = apply(toTokens(asRows(attention.output, layout), layout), "output");
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

/**
 * Gradient of `blockForward` for the gradient of its output [tokens, hidden]; with `trained`, of the layer's own weights
 * too. The caller disposes what is returned.
 */
export function blockBackward(
  context: PassContext,
  weights: LayerWeights,
  adapters: LayerAdapters | undefined,
  saved: BlockSaved,
  gradient: tf.Tensor2D,
  trained = false,
): { input: tf.Tensor2D; adapters: LayerGradients; weights?: LayerWeightGradients } {
  return scoped(() => {
    const { config, layout, positions } = context;
    const back = (
      output: tf.Tensor2D,
      name: ProjectionName,
    ): { input: tf.Tensor2D; branches: BranchGradients[] } =>
      projectGradient(config, output, weights[name], name, adapters, layout, saved.branches[name]);

    const down = back(gradient, "down");
    const gatedGradient = gatedUnitGradient(down.input, saved.gated);
    const gateUp = back(gatedGradient, "gateUp");
    const throughNorm = rmsNormGradient(
      gateUp.input,
      weights.postAttentionNorm,
      saved.postAttentionNorm,
    );
    const middle = tf.add(gradient, throughNorm) as tf.Tensor2D;

    const output = back(middle, "output");
    const batch = layout.adapters * layout.rowsPerAdapter;
    const attention = tf.reshape(toRows(output.input, layout), [batch, layout.time, -1]);
    const heads = attendGradient(config, attention as tf.Tensor3D, saved.attention, positions);
    const headsGradient = toTokens(asRows(heads, layout), layout);
    const qkv = back(headsGradient, "queryKeyValue");
    const throughInput = rmsNormGradient(qkv.input, weights.inputNorm, saved.inputNorm);
    return {
      input: tf.add(middle, throughInput) as tf.Tensor2D,
      adapters: {
        queryKeyValue: qkv.branches,
        output: output.branches,
        gateUp: gateUp.branches,
        down: down.branches,
      },
      ...(trained
        ? {
            weights: {
              inputNorm: normWeightGradient(qkv.input, saved.inputNorm),
              postAttentionNorm: normWeightGradient(gateUp.input, saved.postAttentionNorm),
              ...matrixGradients(context, weights, saved, {
                queryKeyValue: headsGradient,
                output: middle,
                gateUp: gatedGradient,
                down: gradient,
              }),
            },
          }
        : {}),
    };
  });
}

/** Gradients of a layer's matrices, and of its bias, for those of what they give, [tokens, out]. */
function matrixGradients(
  { config, layout }: PassContext,
  weights: LayerWeights,
  saved: BlockSaved,
  gradients: Readonly<Record<ProjectionName, tf.Tensor2D>>,
): Omit<LayerWeightGradients, "inputNorm" | "postAttentionNorm"> {
  const batch = layout.adapters * layout.rowsPerAdapter;
  const heads = attended(config, saved.attention, batch, layout.time);
  const inputs: Readonly<Record<ProjectionName, tf.Tensor2D>> = {
    queryKeyValue: tf.mul(saved.inputNorm.normalised, weights.inputNorm),
    output: toTokens(asRows(heads, layout), layout),
    gateUp: tf.mul(saved.postAttentionNorm.normalised, weights.postAttentionNorm),
    down: gatedOutput(saved.gated),
  };
  const of = (name: ProjectionName): tf.Tensor2D =>
    tf.matMul(inputs[name], gradients[name], true, false);
  return {
    queryKeyValue: of("queryKeyValue"),
    ...(weights.queryKeyValueBias
      ? { queryKeyValueBias: tf.sum<tf.Tensor1D>(gradients.queryKeyValue, 0) }
      : {}),
    output: of("output"),
    gateUp: of("gateUp"),
    down: of("down"),
  };
}

/** [batch, time, width] -> [adapters, rowsPerAdapter * time, width] */
function asRows(x: tf.Tensor3D, layout: Layout): tf.Tensor3D {
  return tf.reshape(x, [layout.adapters, layout.rowsPerAdapter * layout.time, x.shape[2]]);
}
