/**
 * llama.cpp through node-llama-cpp, for information in the benchmark: reads one JSON request a line, answers with one JSON line
 * of seconds. Greedy; all rows are sequences of one context, which the package batches.
 *
 *     node llama.mjs path/to/node-llama-cpp/dist/index.js model.gguf threads
 */
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [entry, modelPath, threads] = process.argv.slice(2);
const { getLlama } = await import(pathToFileURL(entry).href);
const llama = await getLlama({
  ...{ gpu: false, build: "never", maxThreads: Number(threads) },
  logger: (level, message) => process.stderr.write(`${level}: ${message}`),
});
const model = await llama.loadModel({ modelPath });
const contexts = new Map();

/** The sequences of a context for so many rows, made once. */
async function sequencesFor(rows) {
  if (!contexts.has(rows)) {
    const sizes = { sequences: rows, contextSize: 64, batchSize: 2048 };
    const context = await model.createContext({ ...sizes, threads: Number(threads) });
    contexts.set(
      rows,
      Array.from({ length: rows }, () => context.getSequence()),
    );
  }
  const sequences = contexts.get(rows);
  for (const sequence of sequences) await sequence.clearHistory();
  return sequences;
}

/** Writes `tokens` tokens after the prompt, past any end token. */
async function write(sequence, prompt, tokens) {
  const writing = sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true });
  for (let i = 0; i < tokens; i++)
    if ((await writing.next()).done) throw new Error(`${i} tokens instead of ${tokens}`);
  await writing.return();
}

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
// "llama 256M Q4_1": the last word is how weights are stored.
say({
  weights: model.typeDescription.split(" ").at(-1),
  llamaCpp: llama.llamaCppRelease,
  threads: Number(threads),
});
for await (const line of createInterface({ input: process.stdin })) {
  const { prompts, tokens } = JSON.parse(line);
  const sequences = await sequencesFor(prompts.length);
  const begin = performance.now();
  await Promise.all(prompts.map((prompt, i) => write(sequences[i], prompt, tokens)));
  say({ seconds: { total: (performance.now() - begin) / 1000 } });
}
