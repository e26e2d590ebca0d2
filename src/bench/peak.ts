/** The machine's own product, which every speed is judged by. */
import * as tf from "@tensorflow/tfjs";
import { hasFusedKernels, product } from "../engine/fused";

/** Times products of one size by every means here; operations a second of the fastest. */
export function measurePeak(): number {
  const size = 1536;
  const a: tf.Tensor2D = tf.randomNormal([size, size], 0, 1, "float32", 1);
  const b: tf.Tensor2D = tf.ones([size, size]);
  const fused = (x: tf.Tensor2D, y: tf.Tensor2D): tf.Tensor2D => product(x, y, size);
  const ways = [tf.matMul<tf.Tensor2D>, ...(hasFusedKernels() ? [fused] : [])];
  let peak = 0;
  for (let i = 0; i < 4; i++)
    for (const way of ways) {
      const start = performance.now();
      const made = way(a, b);
      made.dataSync();
      const seconds = (performance.now() - start) / 1000;
      peak = Math.max(peak, (2 * size ** 3) / seconds);
      made.dispose();
    }
  tf.dispose([a, b]);
  return peak;
}
