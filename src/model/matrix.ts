/** How a frozen matrix is stored: plain, or in panels where fused kernels read it (engine/kernels/product.h). */
import * as tf from "@tensorflow/tfjs";
import { keepsBfloat16, panelColumns, panelColumnsAt, roundedToBfloat16 } from "../engine/fused";

/**
 * [in, out]; or [panels, in, columns of a panel], out's columns side by side, the last panel filled up with zeros; or in bfloat16
 * [2, panels, in / 2, columns], two numbers in the place of one, and the transpose beside it.
 */
export type WeightMatrix = tf.Tensor2D | tf.Tensor3D | tf.Tensor4D;

/** A matrix [out, in], as files have it, in the form that the engine reads fastest: products with panels need no copying. */
export function storedMatrix(matrix: tf.Tensor2D): WeightMatrix {
  const columns = panelColumns();
  if (columns === 0) return tf.transpose(matrix);
  const [out, input] = matrix.shape;
  return tf.tidy(() => {
    const panels = Math.ceil(out / columns);
    const filled = tf.pad(matrix, [
      [0, panels * columns - out],
      [0, 0],
    ]);
    const stored = tf.transpose(
      tf.reshape<tf.Rank.R3>(filled, [panels, columns, input]),
      [0, 2, 1],
    );
    const whole = out % columns === 0 && input % columns === 0;
    return keepsBfloat16() && whole ? roundedToBfloat16(stored) : stored;
  });
}

/** A head [vocabulary, hidden] in that form, which takes its place: plain as it is, or in panels, and then it is freed. */
export function storedHead(head: tf.Tensor2D): WeightMatrix {
  if (panelColumns() === 0) return head;
  const stored = storedMatrix(head);
  head.dispose();
  return stored;
}

/** A layer's matrix as [in, out], a new tensor. */
export function plainMatrix(weight: WeightMatrix, out: number): tf.Tensor2D {
  if (weight.rank === 2) return tf.clone(weight as tf.Tensor2D);
  return tf.tidy(() => tf.transpose(columnsOf(weight, out)));
}

/** A head as [vocabulary, hidden], a new tensor. */
export function plainHead(head: WeightMatrix, vocabulary: number): tf.Tensor2D {
  return head.rank === 2 ? tf.clone(head as tf.Tensor2D) : columnsOf(head, vocabulary);
}

/** A weight in panels -> [out, in] */
function columnsOf(weight: WeightMatrix, out: number): tf.Tensor2D {
  return tf.tidy(() => panelColumnsAt(weight, tf.range(0, out, 1, "int32")));
}
