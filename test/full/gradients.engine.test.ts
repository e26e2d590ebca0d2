/** The gradients of all weights: against finite differences of the loss, and against automatic differentiation of another forward pass. */
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startEngine } from "../../src/engine";
import { scoped } from "../../src/engine/scope";
import { namedWeights } from "../../src/lora/save-merged";
import { lossAndWeightGradients } from "../../src/model/full-pass";
import { createLayout, disposeLayout } from "../../src/model/layout";
import { lossIndex, type Network } from "../../src/model/transformer";
import { mapWeights, plainWeights, weightTensors } from "../../src/model/weight-tree";
import { disposeWeights } from "../../src/model/weights";
import { createRandom } from "../../src/statistics/random";
import { lossAndFullGradients } from "../../experiments/small-models/network";
import { randomNetwork, smallConfig } from "../model/random-network";
import { largestDifference } from "../model/tiny";

const test = suite("gradients of all weights");
/** Of very different lengths, so that they lie without padding; and of one, with. */
const shapes = {
  ragged: [
    [5, 9, 1, 30, 7, 7, 12, 5],
    [3, 8],
  ],
  whole: [
    [5, 9, 1],
    [3, 8, 22],
  ],
};
const weightOf = (row: number[]): number => 1 / (row.length + 2);

/** Weighted loss, and the gradient of every tensor. */
async function evaluate(
  network: Network,
  rows: number[][],
  remade = false,
): Promise<{ loss: number; gradients: Float32Array[] }> {
  const { numTensors } = tf.memory();
  const found = scoped(() => {
    const layout = createLayout([rows]);
    const tokens = rows.flatMap((row, r) =>
      row.slice(1).map((label, t) => {
        const index = lossIndex(layout, r, t + 1);
        return { index, label, weight: weightOf(row) };
      }),
    );
    const part = lossAndWeightGradients(network, layout, tokens, undefined, remade);
    disposeLayout(layout);
    return { ...part, tensors: weightTensors(part.gradients) };
  });
  const losses = await found.losses.data();
  const gradients = await Promise.all(found.tensors.map((tensor) => tensor.data<"float32">()));
  tf.dispose([found.losses, ...found.tensors]);
  assert.is(tf.memory().numTensors, numTensors);
  const weights = rows.flatMap((row) => row.slice(1).map(() => weightOf(row)));
  const loss = weights.reduce((sum, weight, i) => sum + weight * losses[i], 0);
  return { loss, gradients };
}

for (const tiedHead of [true, false])
  for (const [name, rows] of Object.entries(shapes))
    test(`every weight's gradient is the slope of the loss: ${tiedHead ? "tied" : "own"} head, ${name} rows, a bias`, async () => {
      await startEngine();
      const config = { ...smallConfig, tiedHead, queryKeyValueBias: true };
      const made = randomNetwork(config);
      const random = createRandom("slopes");
      const layers = made.weights.layers.map((layer) => ({
        ...layer,
        queryKeyValueBias: tf.tensor1d(
          Float32Array.from({ length: layer.queryKeyValue.shape[1]! }, () => random.normal()),
        ),
      }));
      const weights = { ...made.weights, layers };
      const { gradients } = await evaluate({ config, weights }, rows);
      const remade = await evaluate({ config, weights }, rows, true);
      assert.equal(remade.gradients, gradients);
      const tensors = weightTensors(weights);
      for (const [i, tensor] of tensors.entries()) {
        const direction = Float32Array.from({ length: tensor.size }, () => random.normal());
        const moved = async (step: number): Promise<number> => {
          const other = tf.tidy(() =>
            tf.add(tensor, tf.mul(tf.tensor(direction, tensor.shape), step)),
          );
          const there = mapWeights(weights, (own) => (own === tensor ? other : own));
          const { loss } = await evaluate({ config, weights: there }, rows);
          other.dispose();
          return loss;
        };
        const slope = ((await moved(1e-3)) - (await moved(-1e-3))) / 2e-3;
        const along = gradients[i].reduce((sum, value, j) => sum + value * direction[j], 0);
        assert.ok(
          Math.abs(slope - along) < 1e-2 * Math.max(1, Math.abs(along)),
          `tensor ${i} [${tensor.shape.join(", ")}]: slope ${slope}, gradient ${along}`,
        );
      }
      disposeWeights(weights);
    });

test("the gradients are those of automatic differentiation", async () => {
  await startEngine();
  const config = { ...smallConfig, tiedHead: true };
  const network = randomNetwork(config);
  const rows = shapes.ragged;
  const variables = new Map(
    [...namedWeights(config, network.weights)].map(([name, { shape, values }]) => [
      name,
      tf.variable(tf.tensor(values, [...shape])),
    ]),
  );
  const learned = rows.flatMap((row, r) =>
    row.slice(1).map((_, t) => ({ row: r, place: t + 1, weight: weightOf(row) })),
  );
  const expected = lossAndFullGradients(config, variables, rows, learned);
  const plain = plainWeights(config, network.weights);
  const { loss, gradients } = await evaluate({ config, weights: plain }, rows);
  assert.ok(Math.abs(loss - expected.loss) < 1e-5);
  let next = 0;
  const tree = mapWeights(plain, (tensor) => tf.tensor(gradients[next++], tensor.shape));
  const found = namedWeights(config, tree);
  assert.equal([...found.keys()].sort(), Object.keys(expected.gradients).sort());
  for (const [name, { values }] of found) {
    const difference = largestDifference(values, expected.gradients[name].dataSync());
    assert.ok(difference < 1e-5, `${name}: ${difference}`);
  }
  [tree, plain, network.weights].forEach(disposeWeights);
});

test.run();
