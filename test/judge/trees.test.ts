import { suite } from "uvu";
import * as assert from "uvu/assert";
import { fitTrees, sigmoid, treeLogOdds } from "../../src/judge/trees";
import { createRandom } from "../../src/statistics/random";

const test = suite("boosted trees");
const settings = { trees: 60, depth: 2, rate: 0.2, leafWeight: 1, penalty: 1 };

test("prediction follows the arrays", () => {
  const tree = { feature: [1, -1, 0, -1, -1, -1, -1], value: [0.5, 2, 3, 0, 0, -1, -4] };
  const model = { bias: 0.25, trees: [tree] };
  assert.is(treeLogOdds(model, [9, 0.5]), 2.25);
  assert.is(treeLogOdds(model, [3, 0.6]), -0.75);
  assert.is(treeLogOdds(model, [3.1, 0.6]), -3.75);
  assert.is(sigmoid(0), 0.5);
});

test("learns an interaction, is calibrated on noise, and gives the same trees twice", () => {
  const random = createRandom("trees");
  const rows = Array.from({ length: 3000 }, () => [random.next(), random.next(), random.next()]);
  const chance = ([a, b]: number[]): number => (a > 0.5 !== b > 0.3 ? 0.9 : 0.2);
  const labels = rows.map((row) => random.next() < chance(row));
  const weights = rows.map(() => 1);
  const model = fitTrees(rows, labels, weights, settings);
  assert.equal(model, fitTrees(rows, labels, weights, settings));
  const at = (x: number[]): number => sigmoid(treeLogOdds(model, x));
  assert.ok(Math.abs(at([0.8, 0.1, 0.5]) - 0.9) < 0.08, String(at([0.8, 0.1, 0.5])));
  assert.ok(Math.abs(at([0.2, 0.8, 0.5]) - 0.9) < 0.08, String(at([0.2, 0.8, 0.5])));
  assert.ok(Math.abs(at([0.8, 0.8, 0.5]) - 0.2) < 0.08, String(at([0.8, 0.8, 0.5])));
  const mean = rows.reduce((sum, row) => sum + at(row), 0) / rows.length;
  assert.ok(Math.abs(mean - labels.filter(Boolean).length / rows.length) < 0.01);
});

test.run();
