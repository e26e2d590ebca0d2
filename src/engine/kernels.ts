/**
 * Fused kernels behind plain functions: TensorFlow's own where that engine runs, the same arithmetic in
 * portable operations elsewhere. Callers wrap them in tf.tidy.
 */
import * as tf from "@tensorflow/tfjs";
import {
  createTensorsTypeOpAttr,
  type NodeJSKernelBackend,
} from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend";

/**
 * Cross-entropy of each row and its gradient for the logits.
 * logits [rows, vocabulary], labels [rows] int32 -> loss [rows], gradient [rows, vocabulary] (softmax - one-hot).
 */
export function crossEntropy(
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
