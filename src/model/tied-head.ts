/** Models whose config.json ties the head to the embedding, but whose weights say otherwise: as transformers loads them. */
import { warn } from "../messages/warnings";
import type { ModelConfig, WeightSource } from "./types";

const EMBEDDING = "model.embed_tokens.weight";
const HEAD = "lm_head.weight";

/** A model's shape and weights. */
interface Weights {
  readonly config: ModelConfig;
  readonly source: WeightSource;
}

/**
 * A head that is stored beside the embedding and differs from it is kept, with a warning; one that is equal is dropped, and one
 * that stands alone is the embedding too. `id` names the model in the warning.
 */
export async function withStoredHead({ config, source }: Weights, id: string): Promise<Weights> {
  if (!config.tiedHead || !source.tensors.has(HEAD)) return { config, source };
  if (!source.tensors.has(EMBEDDING)) return { config, source: renamed(source) };
  if (await areEqual(source)) return { config, source };
  warn(
    `${id}: config.json ties lm_head to the embedding, but the weights hold a different lm_head.weight: both are used (set "tie_word_embeddings": false there)`,
  );
  return { config: { ...config, tiedHead: false }, source };
}

async function areEqual(source: WeightSource): Promise<boolean> {
  const [embedding, head] = [await source.read(EMBEDDING), await source.read(HEAD)];
  if (embedding.length !== head.length) return false;
  return embedding.every((value, i) => value === head[i]);
}

function renamed(source: WeightSource): WeightSource {
  const tensors = new Map(source.tensors);
  const head = tensors.get(HEAD);
  if (head) tensors.set(EMBEDDING, { ...head, name: EMBEDDING });
  return {
    tensors,
    read: (name) => source.read(name === EMBEDDING ? HEAD : name),
    close: () => source.close(),
  };
}
