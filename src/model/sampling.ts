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
export async function chooseTokens(
  logits: tf.Tensor2D,
  sampling: Sampling,
  randoms: readonly Random[],
): Promise<number[]> {
  if (sampling.temperature === 0) {
    const best = tf.argMax(logits, 1);
    const tokens = Array.from(await best.data());
    best.dispose();
    return tokens;
  }
  const [rows, vocabulary] = logits.shape;
  const scaled = tf.tidy(() => tf.softmax(tf.div<tf.Tensor2D>(logits, sampling.temperature)));
  const probabilities = await scaled.data<"float32">();
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

/** Room for token ids beside a probability's bits in one whole number. */
const TOKENS = 2 ** 21;
/** More than the rounding of a sum of probabilities. */
const MASS_ROUNDING = 1e-9;

/**
 * A token drawn from the smallest set of most probable tokens with mass topP. Tokens below (1 - topP) / vocabulary
 * hold less than 1 - topP together, so they cannot be in that set.
 */
export function drawToken(probabilities: Float32Array, topP: number, random: Random): number {
  const candidates = likeliest(probabilities, topP);
  let mass = 0;
  let count = 0;
  while (count < candidates.length && (count === 0 || mass < topP))
    mass += probabilities[candidates[count++] % TOKENS];
  let point = random.next() * mass;
  for (let i = 0; i < count; i++) {
    point -= probabilities[candidates[i] % TOKENS];
    if (point < 0) return candidates[i] % TOKENS;
  }
  return candidates[count - 1] % TOKENS;
}

/**
 * The tokens with the largest probabilities, at least mass topP of them, in falling order (equal ones by token), each as
 * (a constant - the probability's bits) * TOKENS + token: bits of positive floats are ordered as the floats are, and
 * numbers sort many times faster than with a comparison in JavaScript. Only powers of two that are needed are sorted.
 */
function likeliest(probabilities: Float32Array, topP: number): Float64Array {
  const { buffer, byteOffset, length } = probabilities;
  const bits = new Uint32Array(buffer, byteOffset, length);
  const masses = new Float64Array(256);
  for (let i = 0; i < length; i++) masses[(bits[i] >>> 23) & 255] += probabilities[i];
  let lowest = 255;
  for (let mass = 0; lowest > 0 && mass < topP + MASS_ROUNDING;) mass += masses[--lowest];
  const least = Math.max((1 - topP) / length, Number.MIN_VALUE);
  const keys = new Float64Array(length);
  let count = 0;
  for (let i = 0; i < length; i++)
    if (bits[i] >>> 23 >= lowest && probabilities[i] >= least)
      keys[count++] = (0x7f800000 - bits[i]) * TOKENS + i;
  return keys.subarray(0, count).sort();
}
