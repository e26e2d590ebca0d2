/**
 * A transformer layer in fused operations (engine/fused.ts): the same arithmetic as block.ts, over a flat list of tokens without
 * padding. Only where `hasFusedKernels`; dropout and portable engines are block.ts's.
 */
import * as tf from "@tensorflow/tfjs";
import {
  attention,
  attentionGradient,
  gated,
  gatedGradient,
  norm,
  normGradient,
  project,
  projectGradient,
  type AdapterRanges,
  type AttentionInputs,
  type ProjectionAdapters,
} from "../engine/fused";
import { scoped } from "../engine/scope";
import type { ProjectionName } from "./adapters";
import type { ModelConfig } from "./types";
import type { LayerWeights } from "./weights";

/** What all layers of a pass share. */
export interface FusedContext extends AdapterRanges {
  readonly config: ModelConfig;
  readonly layer: (layer: number) => Readonly<Record<ProjectionName, ProjectionAdapters>>;
}

/** Hidden states in two parts, still to be added. */
export interface Residual {
  readonly x: tf.Tensor2D;
  readonly delta: tf.Tensor;
}

interface Normed {
  readonly sum: tf.Tensor2D;
  readonly output: tf.Tensor2D;
  readonly inverse: tf.Tensor1D;
}

/** What a layer's gradient needs. */
export interface FusedSaved {
  readonly attention: AttentionInputs;
  readonly inputNorm: Normed;
  readonly qkv: tf.Tensor2D;
  readonly attended: tf.Tensor2D;
  readonly postAttentionNorm: Normed;
  readonly gateUp: tf.Tensor2D;
  readonly gated: tf.Tensor2D;
  /** x A by projection. */
  readonly hidden: Readonly<Record<ProjectionName, tf.Tensor2D>>;
}

/** One layer. Everything returned is the caller's to dispose, but for `attention`, which is given back. */
export function fusedForward(
  context: FusedContext,
  weights: LayerWeights,
  layer: number,
  { x, delta }: Residual,
  inputs: AttentionInputs,
): { output: Residual; saved: FusedSaved } {
  return scoped(() => {
    const { config } = context;
    const adapters = context.layer(layer);
    const apply = (
      input: tf.Tensor2D,
      name: ProjectionName,
    ): { output: tf.Tensor2D; hidden: tf.Tensor2D } =>
      project(input, weights[name], adapters[name], context);
    const inputNorm = norm(x, delta, weights.inputNorm, config.rmsNormEpsilon);
    const plain = apply(inputNorm.output, "queryKeyValue");
    const bias = weights.queryKeyValueBias;
    const qkv = bias ? tf.add<tf.Tensor2D>(plain.output, bias) : plain.output;
    const attended = attention(qkv, inputs, config.headCount);
    const output = apply(attended, "output");
    const postAttentionNorm = norm(
      inputNorm.sum,
      output.output,
      weights.postAttentionNorm,
      config.rmsNormEpsilon,
    );
    const gateUp = apply(postAttentionNorm.output, "gateUp");
    const unit = gated(gateUp.output);
    const down = apply(unit, "down");
    return {
      // A clone, so that what is saved and what goes on can be freed apart.
      output: { x: tf.clone(postAttentionNorm.sum), delta: down.output },
      saved: {
        attention: inputs,
        inputNorm,
        qkv,
        attended,
        postAttentionNorm,
        gateUp: gateUp.output,
        gated: unit,
        hidden: {
          queryKeyValue: plain.hidden,
          output: output.hidden,
          gateUp: gateUp.hidden,
          down: down.hidden,
        },
      },
    };
  });
}

/** Gradient of `fusedForward` for the gradient of its output; the adapters' are put in place. */
export function fusedBackward(
  context: FusedContext,
  weights: LayerWeights,
  layer: number,
  saved: FusedSaved,
  gradient: tf.Tensor2D,
): tf.Tensor2D {
  return tf.tidy(() => {
    const { config } = context;
    const adapters = context.layer(layer);
    const back = (output: tf.Tensor2D, input: tf.Tensor2D, name: ProjectionName): tf.Tensor2D =>
      projectGradient(output, input, weights[name], saved.hidden[name], adapters[name], context);
    const { inputNorm, postAttentionNorm, gateUp } = saved;
    const throughGate = gatedGradient(back(gradient, saved.gated, "down"), gateUp);
    const middle = normGradient(
      back(throughGate, postAttentionNorm.output, "gateUp"),
      postAttentionNorm,
      weights.postAttentionNorm,
      gradient,
    );
    const attended = back(middle, saved.attended, "output");
    const qkv = attentionGradient(attended, saved.qkv, saved.attention, config.headCount);
    return normGradient(
      back(qkv, inputNorm.output, "queryKeyValue"),
      inputNorm,
      weights.inputNorm,
      middle,
    );
  });
}
