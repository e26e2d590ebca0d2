/** Combining adapters: TIES and DARE by hand, and weights merged through them. */
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { combineChanges, mergeCombined, mergeTrimmed, trimChange } from "../../src/lora/combine";
import { createAdapter } from "../../src/lora/adapter";
import { mergeWeights } from "../../src/lora/merge";
import type { Network } from "../../src/model/transformer";
import { disposeWeights, type ModelWeights } from "../../src/model/weights";
import { createRandom } from "../../src/statistics/random";
import { largestDifference, loadNetwork } from "../model/tiny";

const test = suite("combining adapters");
const floats = (...values: number[]): Float32Array => Float32Array.from(values);
const random = createRandom(1);

test("trimming keeps the largest magnitudes, exactly as many as told", () => {
  assert.equal(trimChange(floats(1, -4, 2, -3), 0.5), floats(0, -4, 0, -3));
  // 0.4 of 5 entries is 2; among equals the first stays.
  assert.equal(trimChange(floats(2, -2, 2, 3, 0), 0.4), floats(2, 0, 0, 3, 0));
  assert.equal(trimChange(floats(1, 2), 1), floats(1, 2));
  assert.throws(() => trimChange(floats(1), 0), /share above 0/);
});

test("TIES: trim, elect the sign, average those that agree", () => {
  const changes = [floats(4, -3, 1, 0.5), floats(2, 5, 0.5, -4), floats(-3, 4, 0.25, 1)];
  // Kept halves: (4, -3, 0, 0), (0, 5, 0, -4), (-3, 4, 0, 0); sums 1, 6, 0, -4.
  // Agreeing with the sums: 4; 5 and 4; none; -4.
  const ties = combineChanges(changes, { kind: "ties", keep: 0.5, scale: 2 }, random);
  assert.equal(ties, floats(8, 9, 0, -8));
});

test("sum and mean", () => {
  const changes = [floats(1, 2), floats(3, -4)];
  assert.equal(combineChanges(changes, { kind: "sum", scale: 0.5 }, random), floats(2, -1));
  assert.equal(combineChanges(changes, { kind: "mean", scale: 3 }, random), floats(6, -3));
});

test("DARE: the drawn entries are dropped, the rest grow so that the mean stays", () => {
  const scripted = { ...createRandom(1), next: () => draws.shift() ?? 1 };
  const draws = [0.1, 0.9, 0.74, 0.75];
  const changes = [floats(1, 2), floats(4, 8)];
  const dare = combineChanges(changes, { kind: "dare", drop: 0.75, scale: 1 }, scripted);
  // Draws below 0.75 drop: (0, 2 x 4) + (0, 8 x 4).
  assert.equal(dare, floats(0, 40));
  const many = new Float32Array(20_000).fill(1);
  const kept = combineChanges([many], { kind: "dare", drop: 0.9, scale: 1 }, createRandom(2));
  const mean = kept.reduce((sum, value) => sum + value, 0) / kept.length;
  assert.ok(Math.abs(mean - 1) < 0.1, `mean ${mean}`);
  assert.throws(
    () => combineChanges(changes, { kind: "dare", drop: 1, scale: 1 }, random),
    /below 1/,
  );
});

async function tinyNetwork(): Promise<Network> {
  return loadNetwork(path.join(__dirname, "../../results/models/biographies"));
}

function adapter(network: Network, seed: string): ReturnType<typeof createAdapter> {
  const settings = { rank: 2, alpha: 6, dropout: 0, targets: ["q_proj", "o_proj"] as const };
  const made = createAdapter(network.config, settings, createRandom(seed));
  const draw = createRandom(`${seed}/values`);
  for (const { values } of made.tensors.values())
    values.forEach((_, i) => (values[i] = draw.normal()));
  return made;
}

const firstQuery = (weights: ModelWeights): Float32Array =>
  weights.layers[0].queryKeyValue.dataSync() as Float32Array;

test("merging the sum of two adapters is merging one after the other; trimming nothing is plain merging", async () => {
  const network = await tinyNetwork();
  const { config, weights } = network;
  const [a, b] = [adapter(network, "a"), adapter(network, "b")];
  const one = mergeWeights(config, weights, a);
  const both = mergeWeights(config, one, b);
  const summed = mergeCombined(config, weights, [a, b], { kind: "sum", scale: 1 }, random);
  assert.ok(largestDifference(firstQuery(weights), firstQuery(both)) > 0.1, "merging changes");
  assert.ok(largestDifference(firstQuery(both), firstQuery(summed)) < 1e-4);
  const all = mergeTrimmed(config, weights, a, 1);
  assert.ok(largestDifference(firstQuery(one), firstQuery(all)) < 1e-6);
  // A tenth of the entries of the query's matrix changes, none of the others.
  const part = firstQuery(mergeTrimmed(config, weights, a, 0.1));
  const changed = part.filter((value, i) => value !== firstQuery(weights)[i]).length;
  const entries = config.hiddenSize * config.headCount * config.headDim;
  assert.ok(Math.abs(changed - 0.1 * entries) <= 0.002 * entries, `${changed} of ${entries}`);
  [one, both, summed, all].forEach(disposeWeights);
});

test.run();
