/** A small model with all weights trainable: initial weights, and the loss by automatic differentiation. */
import * as tf from "@tensorflow/tfjs";
import { TARGET_NAMES, targetShape, type TargetName } from "../../src/model/adapters";
import { attend, gatedUnit, rmsNorm, splitHeads } from "../../src/model/layers";
import { createLayout } from "../../src/model/layout";
import { causalContext, disposeContext, type CausalContext } from "../../src/model/transformer";
import type { ModelConfig } from "../../src/model/types";
import { modulePath } from "../../src/model/weights";
import type { Random } from "../../src/statistics/random";

/** Variables by Hugging Face name. */
export type Variables = Map<string, tf.Variable>;

/** Normal matrices of the given standard deviation, and ones for the norms; the caller disposes. */
export function initialWeights(config: ModelConfig, deviation: number, random: Random): Variables {
  const variables: Variables = new Map();
  const matrix = (name: string, shape: [number, number]): void => {
    const values = Float32Array.from(
      { length: shape[0] * shape[1] },
      () => random.normal() * deviation,
    );
    variables.set(
      name,
      tf.tidy(() => tf.variable(tf.tensor2d(values, shape))),
    );
  };
  const norm = (name: string): void => {
    variables.set(
      name,
      tf.tidy(() => tf.variable(tf.ones([config.hiddenSize]))),
    );
  };
  matrix("model.embed_tokens.weight", [config.vocabularySize, config.hiddenSize]);
  for (let l = 0; l < config.layerCount; l++) {
    norm(`model.layers.${l}.input_layernorm.weight`);
    norm(`model.layers.${l}.post_attention_layernorm.weight`);
    for (const target of TARGET_NAMES) {
      const { output, input } = targetShape(config, target);
      matrix(`${modulePath(l, target)}.weight`, [output, input]);
    }
  }
  norm("model.norm.weight");
  return variables;
}

/** A word of a batch on which the loss is taken. */
export interface LearnedWord {
  readonly row: number;
  /** Place of the word in its row; its prediction is read one place before. At least 1. */
  readonly place: number;
  readonly weight: number;
}

/** Rows of x [rows, width] by index. tf.gather's own gradient does not exist on the wasm engine. */
function lookUp(x: tf.Tensor2D, indices: Int32Array): tf.Tensor2D {
  const [rows] = x.shape;
  const gather = tf.customGrad((table) => ({
    value: tf.gather(table as tf.Tensor2D, tf.tensor1d(indices, "int32")),
    gradFunc: (gradient: tf.Tensor) => {
      const oneHot = tf.cast(tf.oneHot(tf.tensor1d(indices, "int32"), rows), "float32");
      return tf.matMul(oneHot as tf.Tensor2D, gradient as tf.Tensor2D, true, false);
    },
  }));
  return gather(x) as tf.Tensor2D;
}

/** Logits where `places` (row * time + place) point, [places, vocabulary]; rows are padded to [batch, time]. */
export function logitsOf(
  config: ModelConfig,
  variables: Variables,
  context: CausalContext,
  places: Int32Array,
): tf.Tensor2D {
  const weight = (name: string): tf.Tensor => variables.get(`${name}.weight`)!;
  const linear = (x: tf.Tensor, layer: number, ...targets: TargetName[]): tf.Tensor2D =>
    tf.matMul(
      x as tf.Tensor2D,
      tf.concat(targets.map((target) => weight(modulePath(layer, target)) as tf.Tensor2D)),
      false,
      true,
    );
  const { layout, positions, mask } = context;
  const batch = layout.rowsPerAdapter;
  const embedding = weight("model.embed_tokens") as tf.Tensor2D;
  const normed = (x: tf.Tensor2D, name: string): tf.Tensor =>
    tf.mul(rmsNorm(x, config.rmsNormEpsilon).normalised, weight(name));
  let x: tf.Tensor2D = lookUp(embedding, layout.ids);
  for (let l = 0; l < config.layerCount; l++) {
    const name = `model.layers.${l}`;
    const qkv = linear(normed(x, `${name}.input_layernorm`), l, "q_proj", "k_proj", "v_proj");
    const heads = splitHeads(config, tf.reshape(qkv, [batch, layout.time, -1]), positions);
    const { output } = attend(config, heads, mask, batch, layout.time);
    const attended = tf.reshape(output, [batch * layout.time, -1]);
    x = tf.add(x, linear(attended, l, "o_proj"));
    const gateUp = linear(normed(x, `${name}.post_attention_layernorm`), l, "gate_proj", "up_proj");
    x = tf.add(x, linear(gatedUnit(gateUp).output, l, "down_proj"));
  }
  const picked = lookUp(x, places);
  return tf.matMul(normed(picked, "model.norm") as tf.Tensor2D, embedding, false, true);
}

/** Runs `body` with the context of a padded batch; ids of padding are 0. */
export function withBatch<T>(
  config: ModelConfig,
  rows: readonly (readonly number[])[],
  body: (context: CausalContext) => T,
): T {
  const time = Math.max(...rows.map((row) => row.length));
  const padded = rows.map((row) => [...row, ...new Array<number>(time - row.length).fill(0)]);
  const context = causalContext(config, createLayout([padded]));
  try {
    return body(context);
  } finally {
    disposeContext(context);
  }
}

/** The weighted sum of the learned words' cross-entropies, and its gradient for every variable (caller disposes). */
export function lossAndFullGradients(
  config: ModelConfig,
  variables: Variables,
  rows: readonly (readonly number[])[],
  learned: readonly LearnedWord[],
): { loss: number; gradients: Record<string, tf.Tensor> } {
  return withBatch(config, rows, (context) => {
    const { time } = context.layout;
    const places = Int32Array.from(learned, ({ row, place }) => row * time + place - 1);
    const labels = Int32Array.from(learned, ({ row, place }) => rows[row][place]);
    const weights = Float32Array.from(learned, ({ weight }) => weight);
    const names = [...variables.keys()];
    const inputs = names.map((name) => variables.get(name)!);
    const { value, grads } = tf.variableGrads(() => {
      const logits = logitsOf(config, variables, context, places);
      const oneHot = tf.oneHot(tf.tensor1d(labels, "int32"), config.vocabularySize);
      const losses = tf.sub(tf.logSumExp(logits, 1), tf.sum(tf.mul(logits, oneHot), 1));
      return tf.sum(tf.mul(losses, tf.tensor1d(weights))) as tf.Scalar;
    }, inputs);
    const loss = value.dataSync()[0];
    value.dispose();
    const gradients = Object.fromEntries(
      names.map((name) => [name, grads[variables.get(name)!.name]]),
    );
    return { loss, gradients };
  });
}
