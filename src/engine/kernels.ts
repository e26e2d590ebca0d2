/**
 * Fused kernels behind plain functions: TensorFlow's own where that engine runs, the same arithmetic in
 * portable operations elsewhere. Callers wrap them in tf.tidy.
 */
import * as tf from "@tensorflow/tfjs";
import {
  createTensorsTypeOpAttr,
  type NodeJSKernelBackend,
} from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend";
import { crossEntropyInPlace, hasFusedKernels } from "./fused";

/**
 * Cross-entropy of each row, and the gradient of their weighted sum for the logits, which may be overwritten.
 * logits [rows, vocabulary], labels [rows] int32, weights [rows] -> loss [rows], gradient [rows, vocabulary]
 * (weight (softmax - one-hot)).
 */
export function crossEntropy(
  logits: tf.Tensor2D,
  labels: tf.Tensor1D,
  weights: tf.Tensor1D,
): { loss: tf.Tensor1D; gradient: tf.Tensor2D } {
  if (hasFusedKernels())
    return { loss: crossEntropyInPlace(logits, labels, weights), gradient: logits };
  const { loss, gradient } = plainCrossEntropy(logits, labels);
  return { loss, gradient: tf.mul(gradient, tf.expandDims(weights, 1)) };
}

function plainCrossEntropy(
  logits: tf.Tensor2D,
  labels: tf.Tensor1D,
): { loss: tf.Tensor1D; gradient: tf.Tensor2D } {
  if (tf.getBackend() === "tensorflow") {
    const [loss, gradient] = tensorflowBackend().executeMultipleOutputs(
      "SparseSoftmaxCrossEntropyWithLogits",
      [createTensorsTypeOpAttr("T", "float32"), createTensorsTypeOpAttr("Tlabels", "int32")],
      [logits, labels],
      2,
    );
    return { loss: loss as tf.Tensor1D, gradient: gradient as tf.Tensor2D };
  }
  const shifted = tf.sub(logits, tf.max(logits, 1, true));
  const exponentials = tf.exp(shifted);
  const total = tf.sum(exponentials, 1, true);
  const oneHot = tf.oneHot(labels, logits.shape[1]);
  const labelLogits = tf.sum(tf.mul(shifted, oneHot), 1);
  const loss = tf.sub(tf.log(tf.reshape(total, [-1])), labelLogits) as tf.Tensor1D;
  return { loss, gradient: tf.sub(tf.div(exponentials, total), oneHot) };
}

function tensorflowBackend(): NodeJSKernelBackend {
  return tf.backend() as NodeJSKernelBackend;
}
