/** The engine that SEAL_ENGINE names starts, says what it is, and computes products and gradients. */
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { engineInfo, startEngine, type EngineName } from "../../src/engine";

const engine = suite("engine");
const asked = process.env.SEAL_ENGINE ?? "tensorflow";

engine("the engine that was asked for runs, and is described", async () => {
  const info = await startEngine();
  assert.is(info.name, asked);
  assert.is(tf.getBackend(), asked);
  assert.match(info.version, /^\d+\.\d+\.\d+/);
  assert.ok(info.threads >= 1);
  assert.is(engineInfo(), info);
});

engine("started again, it is the same one", async () => {
  const info = await startEngine();
  assert.is(await startEngine(asked as EngineName), info);
  assert.is(await startEngine(), info);
});

engine("product, gradient and top-k, which Node 23 broke in tfjs-node", async () => {
  const a = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  const b = tf.tensor2d([5, 6, 7, 8], [2, 2]);
  assert.equal([...(await tf.matMul(a, b).data())], [19, 22, 43, 50]);
  const gradient = tf.grad((x) => tf.sum(tf.square(tf.matMul(x, b))))(a);
  assert.equal([...(await gradient.data())], [454, 618, 1030, 1402]);
  const { values, indices } = tf.topk(tf.tensor1d([3, 9, 1, 7]), 2);
  assert.equal([...(await values.data())], [9, 7]);
  assert.equal([...(await indices.data())], [1, 3]);
});

engine("a long sum is right to single precision", async () => {
  const row = tf.tensor2d(
    Float32Array.from({ length: 4096 }, (_, index) => 1 / (index + 1)),
    [1, 4096],
  );
  let exact = 0;
  for (const value of await row.data()) exact += value * value;
  const [found] = await tf.matMul(row, row, false, true).data();
  assert.ok(Math.abs(found / exact - 1) < 1e-6, `${found} for ${exact}`);
});

engine("what the engine cannot give at once is refused, not made up", async () => {
  if (asked !== "webgpu") return;
  const a = tf.tensor2d(new Float32Array(64 * 64).fill(1), [64, 64]);
  const product = tf.matMul(a, a);
  assert.throws(() => product.dataSync(), /cannot give a result at once[^\n]*\nAwait it/);
  assert.is((await product.data())[0], 64);
  assert.is(product.dataSync()[0], 64);
  // 64 GiB, more than a GPU gives to one tensor.
  const long = tf.ones([2 ** 17, 1]);
  assert.throws(() => tf.matMul(long, long, false, true), /out of memory: a tensor of/);
  assert.is((await tf.matMul(a, a).data())[5], 64);
});

engine.run();
