/**
 * Python's `random.seed(seed)` followed by `random.shuffle(items)`. SEAL's scripts choose passages and questions with it and
 * do not write down which: with the same generator they are known. MT19937 (Matsumoto and Nishimura 1998) as in CPython.
 */
const SIZE = 624;
const MIDDLE = 397;

/** A shuffled copy. `seed` is a whole number from 0 to 2^32 - 1. */
export function pythonShuffled<T>(items: readonly T[], seed: number): T[] {
  const next = mersenneTwister(seed);
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last--) {
    const bits = 32 - Math.clz32(last + 1);
    let chosen = next() >>> (32 - bits);
    while (chosen > last) chosen = next() >>> (32 - bits);
    [shuffled[last], shuffled[chosen]] = [shuffled[chosen], shuffled[last]];
  }
  return shuffled;
}

/** Draws of 32 bits. */
function mersenneTwister(seed: number): () => number {
  const state = seededState(seed);
  let position = SIZE;
  return () => {
    if (position === SIZE) {
      twist(state);
      position = 0;
    }
    let draw = state[position++];
    draw ^= draw >>> 11;
    draw ^= (draw << 7) & 0x9d2c5680;
    draw ^= (draw << 15) & 0xefc60000;
    return (draw ^ (draw >>> 18)) >>> 0;
  };
}

/** `init_by_array` with the one word that a seed below 2^32 is. */
function seededState(seed: number): Uint32Array {
  const state = new Uint32Array(SIZE);
  state[0] = 19650218;
  const mixed = (i: number, factor: number): number =>
    Math.imul(state[i - 1] ^ (state[i - 1] >>> 30), factor);
  for (let i = 1; i < SIZE; i++) state[i] = mixed(i, 1812433253) + i;
  let i = 1;
  const advance = (): void => {
    if (++i < SIZE) return;
    state[0] = state[SIZE - 1];
    i = 1;
  };
  for (let turn = 0; turn < SIZE; turn++, advance())
    state[i] = (state[i] ^ mixed(i, 1664525)) + seed;
  for (let turn = 1; turn < SIZE; turn++, advance())
    state[i] = (state[i] ^ mixed(i, 1566083941)) - i;
  state[0] = 0x80000000;
  return state;
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < SIZE; i++) {
    const word = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7fffffff);
    const odd = word & 1 ? 0x9908b0df : 0;
    state[i] = state[(i + MIDDLE) % SIZE] ^ (word >>> 1) ^ odd;
  }
}
