/** Choosing tokens: the nucleus by hand, greedy, seeds, and the distribution of the draws. */
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startEngine } from "../../src/engine";
import { chooseTokens, drawToken, restrictLogits } from "../../src/model/sampling";
import { createRandom, type Random } from "../../src/statistics/random";

const test = suite("sampling");

/** A generator that always gives the same number. */
const always = (value: number): Random => ({ ...createRandom(0), next: () => value });

/** How many of 960 evenly spread points give each token. */
function shares(probabilities: number[], topP: number): number[] {
  const counts = probabilities.map(() => 0);
  const values = Float32Array.from(probabilities);
  for (let i = 0; i < 960; i++) counts[drawToken(values, topP, always((i + 0.5) / 960))]++;
  return counts;
}

test("top-p keeps the smallest set of most probable tokens that holds that much", () => {
  const probabilities = [0.0625, 0.5, 0.1875, 0.25];
  assert.equal(shares(probabilities, 0.01), [0, 960, 0, 0]);
  assert.equal(shares(probabilities, 0.5), [0, 960, 0, 0]);
  assert.equal(shares(probabilities, 0.6), [0, 640, 0, 320]);
  assert.equal(shares(probabilities, 0.75), [0, 640, 0, 320]);
  // 0.5, 0.25 and 0.1875 of 0.9375
  assert.equal(shares(probabilities, 0.76), [0, 512, 192, 256]);
  assert.equal(shares(probabilities, 1), [60, 480, 180, 240]);
});

test("of equally probable tokens the first are kept; improbable ones never come", () => {
  assert.equal(shares([0.25, 0.25, 0.25, 0.25], 0.5), [480, 480, 0, 0]);
  assert.equal(shares([0, 1, 0], 1), [0, 960, 0]);
  assert.is(drawToken(Float32Array.of(0.5, 0.5, 0), 1, always(1 - 2 ** -32)), 1);
});

/** The definition, by a full sort. */
function drawPlainly(probabilities: Float32Array, topP: number, random: Random): number {
  const tokens = Array.from(probabilities.keys()).filter((token) => probabilities[token] > 0);
  tokens.sort((a, b) => probabilities[b] - probabilities[a] || a - b);
  let mass = 0;
  const nucleus = tokens.filter((token) => {
    if (mass >= topP) return false;
    mass += probabilities[token];
    return true;
  });
  let point = random.next() * mass;
  return nucleus.find((token) => (point -= probabilities[token]) < 0) ?? nucleus.at(-1)!;
}

for (const vocabulary of [5, 300, 5000]) {
  test(`the same tokens as by sorting all ${vocabulary}, flat and peaked, with equal ones`, () => {
    const random = createRandom(vocabulary);
    for (let i = 0; i < 60; i++) {
      const steepness = 1 + (i % 6) * 3;
      const weights = Float32Array.from({ length: vocabulary }, () =>
        Math.exp(Math.round(steepness * random.next() * 8) / 2),
      );
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const probabilities = weights.map((weight) => weight / total);
      for (const topP of [0.05, 0.5, 0.95, 1]) {
        const [own, plain] = [drawToken, drawPlainly].map((draw) =>
          draw(probabilities, topP, createRandom(`${i} ${topP}`)),
        );
        assert.is(own, plain, `${i}, top-p ${topP}`);
      }
    }
  });
}

test("greedy takes each row's largest logit and draws nothing", async () => {
  await startEngine("cpu");
  const logits = tf.tensor2d([
    [1, 5, 2],
    [-3, -4, -2],
    [7, 7, 0],
  ]);
  assert.equal(await chooseTokens(logits, { temperature: 0, topP: 1 }, []), [1, 2, 0]);
});

/** Counts of the tokens drawn from one row of logits. */
async function draws(
  logits: number[],
  temperature: number,
  topP: number,
  count: number,
): Promise<number[]> {
  await startEngine("cpu");
  const random = createRandom("draws");
  const counts = logits.map(() => 0);
  const rows = tf.tensor2d(Array.from({ length: count }, () => logits));
  const randoms = Array.from({ length: count }, () => random);
  for (const token of await chooseTokens(rows, { temperature, topP }, randoms)) counts[token]++;
  rows.dispose();
  return counts;
}

test("draws follow softmax(logits / temperature), and the nucleus' shares", async () => {
  const count = 20_000;
  const logits = [0, 1, 2, -1];
  for (const temperature of [0.5, 1, 2]) {
    const weights = logits.map((value) => Math.exp(value / temperature));
    for (const kept of [4, 2]) {
      const total = (among: number[]): number => among.reduce((sum, value) => sum + value, 0);
      const largest = [...weights].sort((a, b) => b - a).slice(0, kept);
      const topP = kept === 4 ? 1 : total(largest) / total(weights) - 0.01;
      const counts = await draws(logits, temperature, topP, count);
      weights.forEach((weight, token) => {
        const share = largest.includes(weight) ? weight / total(largest) : 0;
        const deviation = Math.sqrt((share * (1 - share)) / count);
        const off = Math.abs(counts[token] / count - share);
        assert.ok(off <= 4 * deviation, `temperature ${temperature}, ${kept} kept, token ${token}`);
      });
    }
  }
});

test("a seed gives the same tokens again, whatever the other rows", async () => {
  await startEngine("cpu");
  const values = Array.from({ length: 50 }, (_, i) => Math.sin(i));
  const sampling = { temperature: 1, topP: 0.95 };
  const drawn = async (seeds: number[]): Promise<number[][]> => {
    const randoms = seeds.map((seed) => createRandom(seed));
    const logits = tf.tensor2d(seeds.map(() => values));
    const steps: number[][] = [];
    for (let i = 0; i < 20; i++) steps.push(await chooseTokens(logits, sampling, randoms));
    return seeds.map((_, row) => steps.map((tokens) => tokens[row]));
  };
  const [first, second] = await drawn([1, 2]);
  assert.equal((await drawn([2]))[0], second);
  assert.equal((await drawn([3, 1]))[1], first);
  assert.not.equal(first, second);
});

test("only allowed tokens are chosen, and rows without a list are free", async () => {
  await startEngine("cpu");
  const logits = tf.tensor2d([
    [9, 1, 2, 3],
    [9, 1, 2, 3],
    [9, 1, 2, 3],
  ]);
  const restricted = restrictLogits(logits, [[1, 3], undefined, [2]]);
  assert.ok(logits.isDisposed);
  assert.equal(await chooseTokens(restricted, { temperature: 0, topP: 1 }, []), [3, 0, 2]);
  const randoms = [1, 2, 3].map((seed) => createRandom(seed));
  for (let i = 0; i < 50; i++) {
    const [first, , third] = await chooseTokens(restricted, { temperature: 100, topP: 1 }, randoms);
    assert.ok(first === 1 || first === 3);
    assert.is(third, 2);
  }
});

test.run();
