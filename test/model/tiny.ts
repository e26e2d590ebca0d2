/** The tiny random models of the reference material, loaded for a test. */
import { readFileSync } from "node:fs";
import { startEngine } from "../../src/engine";
import { parseModelConfig } from "../../src/model/config";
import { openSafetensors } from "../../src/model/safetensors";
import type { Network } from "../../src/model/transformer";
import { loadWeights } from "../../src/model/weights";

/** Starts the engine and loads a model folder. */
export async function loadNetwork(directory: string): Promise<Network> {
  await startEngine();
  const json: unknown = JSON.parse(readFileSync(`${directory}/config.json`, "utf8"));
  const config = parseModelConfig(json, directory);
  const source = await openSafetensors(directory);
  const weights = await loadWeights(config, source);
  await source.close();
  return { config, weights };
}

/** Largest absolute difference of two equally long lists. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
}
