/** The fused kernels against portable operations, at sizes that do not fit their blocks. Says so where there are none. */
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startEngine } from "../../src/engine";
import {
  adam,
  attention,
  attentionGradient,
  gated,
  gatedGradient,
  hasFusedKernels,
  norm,
  normGradient,
  product,
  project,
  projectGradient,
  squares,
} from "../../src/engine/fused";
import { wholeRows } from "../../src/model/fused-pass";
import {
  attendGradient,
  gatedUnit,
  gatedUnitGradient,
  rmsNorm,
  rmsNormGradient,
  splitHeads,
} from "../../src/model/layers";
import { createFlatLayout } from "../../src/model/layout";
import { ropeTables } from "../../src/model/rope";
import { causalContext } from "../../src/model/transformer";
import { smallConfig } from "../model/random-network";

const test = suite("fused kernels");

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
      assertClose(product(a, b), expected, 1e-3, size);
      assertClose(product(a, tf.transpose(b), true), expected, 1e-3, `${size}, turned`);
    }
});

fusedTest("a row's product is the same bits whatever rows are beside it", () => {
  const [a, b] = [random<tf.Tensor2D>(40, 1100), random<tf.Tensor2D>(1100, 75)];
  const whole = product(a, b);
  for (const [start, count] of [
    [0, 7],
    [13, 20],
    [30, 10],
  ]) {
    const part = product(tf.slice(a, [start, 0], [count, -1]), b);
    assertClose(part, tf.slice(whole, [start, 0], [count, -1]), 0);
  }
});

fusedTest("normalisation and its gradient", () => {
  const [x, delta, residual] = [0, 1, 2].map(() => random<tf.Tensor2D>(11, 45));
  const [weight, gradient] = [random<tf.Tensor1D>(45), random<tf.Tensor2D>(11, 45)];
  const fused = norm(x, delta, weight, 1e-5);
  const sum = tf.add<tf.Tensor2D>(x, delta);
  const saved = rmsNorm(sum, 1e-5);
  assertClose(fused.sum, sum, 0);
  assertClose(fused.output, tf.mul(saved.normalised, weight), 1e-5);
  const expected = tf.add(residual, rmsNormGradient(gradient, weight, saved));
  assertClose(normGradient(gradient, fused, weight, residual), expected, 1e-4);
});

fusedTest("the gated unit and its gradient, also far from zero", () => {
  const x = tf.mul<tf.Tensor2D>(random<tf.Tensor2D>(9, 2 * 37), 20);
  const gradient = random<tf.Tensor2D>(9, 37);
  const { output, saved } = gatedUnit(x);
  assertClose(gated(x), output, 1e-2 * 1e-2);
  assertClose(gatedGradient(gradient, x), gatedUnitGradient(gradient, saved), 1e-3);
});

fusedTest(
  "attention over rows longer than a block, with keys that may not be read, and its gradient",
  () => {
    const config = { ...smallConfig, headCount: 6, keyValueHeadCount: 2, headDim: 8 };
    const [lengths, limits] = [
      [150, 3],
      [100, 3],
    ];
    const qkv = random<tf.Tensor2D>(153, 10 * 8);
    const gradient = random<tf.Tensor2D>(153, 6 * 8);
    const { cos, sin } = ropeTables(
      config,
      Array.from({ length: 150 }, (_, t) => t),
    );
    const inputs = {
      cos,
      sin,
      rows: wholeRows(lengths, limits),
      keys: tf.fill<tf.Rank.R4>([2, 2, 150, 8], 0),
      values: tf.fill<tf.Rank.R4>([2, 2, 150, 8], 0),
    };
    const output = attention(qkv, inputs, 6);
    const back = attentionGradient(gradient, qkv, inputs, 6);
    let first = 0;
    lengths.forEach((length, r) => {
      const layout = createFlatLayout([[new Array<number>(length).fill(0)]]);
      const context = causalContext(config, layout, [limits[r]]);
      const own = (x: tf.Tensor2D): tf.Tensor3D =>
        tf.reshape(tf.slice(x, [first, 0], [length, -1]), [1, length, -1]);
      const heads = splitHeads(config, own(qkv), context.positions);
      const attended = context.attend(heads);
      assertClose(own(output), attended.output, 1e-5);
      const saved = { ...heads, weights: attended.weights };
      assertClose(own(back), attendGradient(config, own(gradient), saved, context.positions), 1e-4);
      first += length;
    });
  },
);

fusedTest("a projection with two adapters of two targets, and all its gradients", () => {
  const [inputs, outputs, rank, counts] = [70, [33, 300], 5, [6, 14]];
  const width = outputs[0] + outputs[1];
  const x = random<tf.Tensor2D>(20, inputs);
  const weight = random<tf.Tensor2D>(inputs, width);
  const a = random<tf.Tensor3D>(2, inputs, 2 * rank);
  const b = outputs.map((out) => random<tf.Tensor3D>(2, rank, out));
  const gradients = { a: tf.fill(a.shape, 9), b: b.map((own) => tf.fill(own.shape, 9)) };
  const adapters = { layer: 0, a, b, columns: tf.tensor1d([0, 33], "int32"), gradients };
  const scaling = tf.tensor3d([2, 0.5], [2, 1, 1]);
  const shared = { scaling, ranges: tf.tensor1d([0, 6, 20], "int32") };
  const { output, hidden } = project(x, weight, adapters, shared);
  const of = (all: tf.Tensor2D, k: number): tf.Tensor2D =>
    tf.slice(all, [k * counts[0], 0], [counts[k], -1]);
  const gradient = random<tf.Tensor2D>(20, width);
  const dx = projectGradient(gradient, x, weight, hidden, adapters, shared);
  for (const k of [0, 1]) {
    const scale = [2, 0.5][k];
    const own = (all: tf.Tensor): tf.Tensor2D =>
      tf.squeeze(tf.slice(all, [k, 0, 0], [1, -1, -1]), [0]);
    // The adapter as one matrix: its targets' B's on the diagonal.
    const [b0, b1] = b.map(own);
    const wide = tf.concat(
      [tf.concat([b0, tf.zeros([rank, 300])], 1), tf.concat([tf.zeros([rank, 33]), b1], 1)],
      0,
    );
    const down = tf.matMul(of(x, k), own(a));
    assertClose(of(hidden, k), down, 1e-4);
    const expected = tf.add(tf.matMul(of(x, k), weight), tf.mul(tf.matMul(down, wide), scale));
    assertClose(of(output, k), expected, 1e-3);
    const g = of(gradient, k);
    const through = tf.mul<tf.Tensor2D>(tf.matMul(g, wide, false, true), scale);
    const back = tf.add(tf.matMul(g, weight, false, true), tf.matMul(through, own(a), false, true));
    assertClose(of(dx, k), back, 1e-2);
    assertClose(own(gradients.a), tf.matMul(of(x, k), through, true, false), 1e-2);
    const wideGradient = tf.mul(tf.matMul(down, g, true, false), scale);
    assertClose(own(gradients.b[0]), tf.slice(wideGradient, [0, 0], [rank, 33]), 1e-2);
    assertClose(own(gradients.b[1]), tf.slice(wideGradient, [rank, 33], [rank, 300]), 1e-2);
  }
});

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

test.run();
