/** Choosing the next token from logits. */
import * as tf from "@tensorflow/tfjs";
import type { Random } from "../statistics/random";
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
/** Bits of positive floats are ordered as the floats are; a bin has those with the same exponent and top 4 bits of the fraction. */
const BIN_SHIFT = 19;
/** Fewer probabilities are one bin: they are sorted in less time than bins are looked through. */
const FEW = 2048;

/**
 * A token drawn from the smallest set of most probable tokens with mass topP. It is found as if all tokens were sorted (equal
 * ones by token) and laid end to end, but only two bins of them are: where the set ends, and where the drawn point lies.
 */
export function drawToken(probabilities: Float32Array, topP: number, random: Random): number {
  const bins = binned(probabilities);
  const total = bins.masses.reduceRight((sum, mass) => sum + mass, 0);
  const nucleus = topP < total ? walk(bins, (mass) => mass >= topP).mass : total;
  const point = random.next() * nucleus;
  return walk(bins, (mass) => mass > point).token;
}

interface Bins {
  readonly probabilities: Float32Array;
  readonly bits: Uint32Array;
  readonly shift: number;
  /** The mass of each bin; a probability's is bits >>> shift. */
  readonly masses: Float64Array;
}

function binned(probabilities: Float32Array): Bins {
  const { buffer, byteOffset, length } = probabilities;
  const bits = new Uint32Array(buffer, byteOffset, length);
  const shift = length < FEW ? 31 : BIN_SHIFT;
  const masses = new Float64Array(2 ** (31 - shift));
  for (let i = 0; i < length; i++) masses[bits[i] >>> shift] += probabilities[i];
  return { probabilities, bits, shift, masses };
}

/** The first token, in falling order, at which the mass of all up to it is enough, and that mass. */
function walk(
  { probabilities, bits, shift, masses }: Bins,
  enough: (mass: number) => boolean,
): { token: number; mass: number } {
  let bin = masses.length - 1;
  let mass = 0;
  for (; bin > 0 && !(masses[bin] > 0 && enough(mass + masses[bin])); bin--) mass += masses[bin];
  const keys: number[] = [];
  for (let i = 0; i < bits.length; i++)
    if (bits[i] >>> shift === bin) keys.push((0x7f800000 - bits[i]) * TOKENS + i);
  let token = NaN;
  // Numbers sort many times faster than with a comparison in JavaScript.
  for (const key of Float64Array.from(keys).sort()) {
    token = key % TOKENS;
    mass += probabilities[token];
    if (enough(mass)) break;
  }
  return { token, mass };
}
