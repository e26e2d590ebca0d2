/** Run in a process of its own by the doctor: starts one engine, times a product, prints one line of JSON. */
import * as tf from "@tensorflow/tfjs";
import { errorMessage } from "../messages/errors";
import { startEngine } from "./index";
import type { EngineName } from "./types";

const SIZE = 1024;
const SMALLEST = 256;
const MOST_RUNS = 20;
const ENOUGH_MILLISECONDS = 1500;

/** Milliseconds that a size x size x size product takes, its result read back. */
async function timeProduct(size: number): Promise<number> {
  const [a, b] = [tf.ones([size, size]), tf.ones([size, size])];
  const start = performance.now();
  const product = tf.matMul(a, b);
  const values = await product.data();
  const milliseconds = performance.now() - start;
  if (values[0] !== size) throw new Error(`a product is wrong: ${values[0]} for ${size}`);
  tf.dispose([a, b, product]);
  return milliseconds;
}

/** Billions of floating-point operations a second in a 1024³ product (a smaller one where that would take long): the fastest of several. */
async function measureGflops(): Promise<number> {
  await timeProduct(SMALLEST);
  let size = SMALLEST;
  for (let fastest = await timeProduct(size); size < SIZE; fastest *= 8, size *= 2) {
    if (fastest * 8 > ENOUGH_MILLISECONDS) break;
  }
  const begin = performance.now();
  let fastest = Infinity;
  for (let run = 0; run < MOST_RUNS && performance.now() - begin < ENOUGH_MILLISECONDS; run++) {
    fastest = Math.min(fastest, await timeProduct(size));
  }
  return (2 * size ** 3) / (fastest / 1000) / 1e9;
}

async function main(): Promise<void> {
  const info = await startEngine(process.argv[2] as EngineName);
  const gflops = await measureGflops();
  const residentBytes = process.memoryUsage().rss;
  process.stdout.write(`\n${JSON.stringify({ ...info, gflops, residentBytes })}\n`);
}

main().catch((error: unknown) => {
  process.stdout.write(`\n${JSON.stringify({ error: errorMessage(error) })}\n`);
  process.exitCode = 1;
});
