/** Choosing the next token from logits. */
import * as tf from "@tensorflow/tfjs";
import type { Random } from "../random";
import { MASKED } from "./transformer";

/** How tokens are drawn; temperature 0 is greedy. */
export interface Sampling {
  readonly temperature: number;
  /** Smallest set of tokens with at least this probability is drawn from (Holtzman et al. 2020). */
  readonly topP: number;
}

/** The next token of each row; logits [rows, vocabulary], one generator for each row. */
export function chooseTokens(
  logits: tf.Tensor2D,
  sampling: Sampling,
  randoms: readonly Random[],
): number[] {
  if (sampling.temperature === 0) {
    const best = tf.argMax(logits, 1);
    const tokens = Array.from(best.dataSync());
    best.dispose();
    return tokens;
  }
  const [rows, vocabulary] = logits.shape;
  const scaled = tf.tidy(() => tf.softmax(tf.div<tf.Tensor2D>(logits, sampling.temperature)));
  const probabilities = scaled.dataSync() as Float32Array;
  scaled.dispose();
  return Array.from({ length: rows }, (_, r) =>
    drawToken(
      probabilities.subarray(r * vocabulary, (r + 1) * vocabulary),
      sampling.topP,
      randoms[r],
    ),
  );
}

/** Logits [rows, vocabulary] with every token masked that its row's list lacks (constrained decoding); frees the old ones. */
export function restrictLogits(
  logits: tf.Tensor2D,
  lists: readonly (readonly number[] | undefined)[],
): tf.Tensor2D {
  const [rows, vocabulary] = logits.shape;
  const mask = new Float32Array(rows * vocabulary);
  lists.forEach((list, r) => {
    if (!list) return;
    mask.fill(MASKED, r * vocabulary, (r + 1) * vocabulary);
    for (const token of list) mask[r * vocabulary + token] = 0;
  });
  const masked = tf.tidy(() => tf.add<tf.Tensor2D>(logits, tf.tensor2d(mask, [rows, vocabulary])));
  logits.dispose();
  return masked;
}

/**
 * A token drawn from the smallest set of most probable tokens with mass topP. Tokens below (1 - topP) / vocabulary
 * hold less than 1 - topP together, so they cannot be in that set and are not sorted.
 */
export function drawToken(probabilities: Float32Array, topP: number, random: Random): number {
  const least = (1 - topP) / probabilities.length;
  const candidates: number[] = [];
  probabilities.forEach((probability, token) => {
    if (probability > 0 && probability >= least) candidates.push(token);
  });
  candidates.sort((a, b) => probabilities[b] - probabilities[a] || a - b);
  let mass = 0;
  let count = 0;
  while (count < candidates.length && (count === 0 || mass < topP))
    mass += probabilities[candidates[count++]];
  let point = random.next() * mass;
  for (let i = 0; i < count; i++) {
    point -= probabilities[candidates[i]];
    if (point < 0) return candidates[i];
  }
  return candidates[count - 1];
}
