/** The small ARC world's weights before pretraining: what cells' words have in common is in their vectors from the start. */
import * as tf from "@tensorflow/tfjs";
import type { ModelConfig } from "../../../src/model/types";
import { createRandom } from "../../../src/statistics/random";
import { startPretraining, type PretrainingState, type StepSettings } from "../step";
import { cellParts, worldVocabulary } from "../../../src/tasks/arc/world-words";

/** Standard deviation of the vectors of distances from a side. */
const PLACE_DEVIATION = 0.05;

/** A fresh state: weights as usual, but a cell's vector is the sum of its colour's and of its distances' from the four sides. */
export function startWorld(
  config: ModelConfig,
  settings: Pick<StepSettings, "seed" | "initialDeviation">,
): PretrainingState {
  const state = startPretraining(config, settings);
  const random = createRandom(`places:${settings.seed}`);
  const embedding = state.variables.get("model.embed_tokens.weight")!;
  const [rows, width] = embedding.shape as [number, number];
  const values = Float32Array.from(embedding.dataSync());
  const vocabulary = worldVocabulary();
  const vectors = new Map(
    vocabulary.map((word, i) => [word, values.subarray(i * width, (i + 1) * width)]),
  );
  const distances = new Map<string, Float32Array>();
  for (const word of vocabulary) {
    const parts = cellParts(word);
    if (!parts) continue;
    const own = vectors.get(word)!;
    own.set(vectors.get(parts.colour)!);
    for (const name of parts.distances) {
      const drawn = (): number => random.normal() * PLACE_DEVIATION;
      const vector = distances.get(name) ?? Float32Array.from({ length: width }, drawn);
      distances.set(name, vector);
      own.forEach((value, i) => (own[i] = value + vector[i]));
    }
  }
  tf.tidy(() => embedding.assign(tf.tensor2d(values, [rows, width])));
  return state;
}
