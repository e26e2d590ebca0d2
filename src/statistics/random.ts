/** Seeded randomness. Nothing in this project calls Math.random; a generator is passed in. */
import { alea, type State } from "seedrandom";

/** A seeded generator whose state can be saved and put back. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A whole number in [0, limit). */
  integer(limit: number): number;
  /** Standard normal (Box-Muller). */
  normal(): number;
  /** One element of a non-empty list. */
  pick<T>(items: readonly T[]): T;
  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[];
  /** The state, as plain data for `createRandom`. */
  state(): RandomState;
}

/** Plain data; `JSON.stringify` it to checkpoint. */
export type RandomState = object;

/** A generator from a seed (any string or number), or from a saved state. */
export function createRandom(seed: string | number | { state: RandomState }): Random {
  const uniform =
    typeof seed === "object"
      ? alea("", { state: seed.state as State.Alea })
      : alea(String(seed), { state: true });
  const integer = (limit: number): number => Math.floor(uniform() * limit);
  return {
    next: () => uniform(),
    integer,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    pick: (items) => items[integer(items.length)],
    shuffle: (items) => {
      const copy = [...items];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = integer(i + 1);
        [copy[i], copy[j]] = [copy[j], copy[i]];
      }
      return copy;
    },
    state: () => uniform.state(),
  };
}
