/** Run in a process of its own (a bad build may crash it): a product and a gradient on a just-built native engine. */
"use strict";
const location = require("./location.cjs");

location.prepareProcess();
const tf = require("@tensorflow/tfjs");
require("@tensorflow/tfjs-node-gpu/dist/register_all_kernels");
const { NodeJSKernelBackend } = require("@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend");
const binding = require(location.bindingFile(process.argv[2]));

const name = "@tensorflow/tfjs-node-gpu";
tf.registerBackend("tensorflow", () => new NodeJSKernelBackend(binding, name), 3);
tf.setBackend("tensorflow");

/** Throws unless all of `found` is within 1e-5 of `expected`. */
function expectClose(found, expected) {
  const wrong = expected.some((value, index) => !(Math.abs(found[index] - value) < 1e-5));
  if (wrong) throw new Error(`expected ${expected}, found ${found}`);
}

const a = tf.tensor2d([1, 2, 3, 4], [2, 2]);
const b = tf.tensor2d([5, 6, 7, 8], [2, 2]);
expectClose(tf.matMul(a, b).dataSync(), [19, 22, 43, 50]);
const lossOf = (x) => tf.sum(tf.square(tf.matMul(x, b)));
// d/dx sum((x b)^2) = 2 (x b) bᵀ
expectClose(tf.grad(lossOf)(a).dataSync(), [2 * 227, 2 * 309, 2 * 515, 2 * 701]);
