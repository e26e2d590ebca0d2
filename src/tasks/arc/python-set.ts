/**
 * The order in which a CPython set of tuples gives its items, which decides ties in the released code's votes.
 * Hashes and probing are those of CPython 3.8 to 3.13 on 64-bit machines (Objects/tupleobject.c, Objects/setobject.c).
 */

/** A small whole number, or a tuple of such. */
export type PythonTuple = number | readonly PythonTuple[];

const PRIME_1 = 11400714785074694791n;
const PRIME_2 = 14029467366897019727n;
const PRIME_5 = 2870177450012600261n;
const WORD = 64;
const unsigned = (value: bigint): bigint => BigInt.asUintN(WORD, value);

/** CPython's hash as an unsigned 64-bit number. Numbers must be whole and not negative. */
export function pythonHash(value: PythonTuple): bigint {
  if (typeof value === "number") return BigInt(value);
  let sum = PRIME_5;
  for (const item of value) {
    sum = unsigned(sum + pythonHash(item) * PRIME_2);
    sum = unsigned((sum << 31n) | (sum >> 33n));
    sum = unsigned(sum * PRIME_1);
  }
  sum = unsigned(sum + (BigInt(value.length) ^ PRIME_5 ^ 3527539n));
  return sum === unsigned(-1n) ? 1546275796n : sum;
}

const LINEAR_PROBES = 9;
const SMALLEST_TABLE = 8;

interface Entry<T> {
  readonly item: T;
  readonly hash: bigint;
  readonly key: string;
}

/** `list(set(items))` of Python: the distinct items, in the set's order. */
export function pythonSet<T extends PythonTuple>(items: readonly T[]): T[] {
  let table: (Entry<T> | undefined)[] = Array.from({ length: SMALLEST_TABLE });
  let used = 0;
  for (const item of items) {
    const entry = { item, hash: pythonHash(item), key: JSON.stringify(item) };
    const place = placeFor(table, entry);
    if (table[place]) continue;
    table[place] = entry;
    used++;
    if (used * 5 >= (table.length - 1) * 3) table = enlarged(table, used * 4);
  }
  return table.flatMap((entry) => (entry ? [entry.item] : []));
}

function enlarged<T>(
  table: readonly (Entry<T> | undefined)[],
  above: number,
): (Entry<T> | undefined)[] {
  let size = SMALLEST_TABLE;
  while (size <= above) size *= 2;
  const larger: (Entry<T> | undefined)[] = Array.from({ length: size });
  for (const entry of table) if (entry) larger[placeFor(larger, entry)] = entry;
  return larger;
}

/** Where the entry stands, or the free place where it belongs. */
function placeFor<T>(table: readonly (Entry<T> | undefined)[], entry: Entry<T>): number {
  const mask = table.length - 1;
  let perturbation = entry.hash;
  let at = Number(entry.hash & BigInt(mask));
  for (;;) {
    const probes = at + LINEAR_PROBES <= mask ? LINEAR_PROBES : 0;
    for (let probe = at; probe <= at + probes; probe++) {
      const found = table[probe];
      if (!found || found.key === entry.key) return probe;
    }
    perturbation >>= 5n;
    at = Number((BigInt(at) * 5n + 1n + perturbation) & BigInt(mask));
  }
}
