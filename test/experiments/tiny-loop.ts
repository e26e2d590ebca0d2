/** The whole of SEAL on the small world made tiny, for tests; and reading what a run has left. */
import { readFileSync } from "node:fs";
import path from "node:path";

/** A variant of the biographies without a name: two people to learn on and two held out, one round. */
export const tinyLoop = {
  experiment: "biographies",
  seeds: [11],
  people: { train: 2, heldOut: 2 },
  rounds: 1,
  sampling: { count: 2, topP: 0.95, maximumTokens: 30 },
  innerLoop: { rank: 2, epochs: 1, learningRate: 0.005, targets: ["q_proj", "v_proj"] },
  fineTuning: { rank: 2, epochs: 1, learningRate: 0.002 },
};

/** The lines of a result's rollouts.jsonl, or of another such file of it. */
export function resultLines<T>(directory: string, name = "rollouts.jsonl"): T[] {
  const lines = readFileSync(path.join(directory, name), "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as T);
}
