/** tf.tidy and tf.dispose for plain typed objects, which tfjs's own types do not admit. */
import * as tf from "@tensorflow/tfjs";

/** Runs `body` and frees every tensor made in it, but for those in what it returns (the caller's to dispose). */
export function scoped<T extends object>(body: () => T): T {
  return tf.tidy(body as unknown as () => tf.TensorContainer) as unknown as T;
}

/** Frees every tensor inside plain objects and arrays. */
export function free(...values: readonly object[]): void {
  tf.dispose(values as unknown as tf.TensorContainer);
}
