/**
 * How the tokens of a batch lie in memory. The frozen weights see a flat list of tokens; attention and the
 * stacked adapters need a rectangle of rows. Moving between the two is all that this module does.
 *
 * tokens: [tokens, width]; rows: [adapters, rowsPerAdapter * time, width]
 */
import * as tf from "@tensorflow/tfjs";

/** Rows of token ids for each adapter: the outer list has one entry per adapter (one entry where there is none). */
export type RowsByAdapter = readonly (readonly (readonly number[])[])[];

/** The shape of a batch, and the index tensors that its owner disposes with `disposeLayout`. */
export interface Layout {
  readonly adapters: number;
  readonly rowsPerAdapter: number;
  readonly time: number;
  /** Length of each row, adapter by adapter; 0 for a row that only fills the rectangle. */
  readonly lengths: readonly number[];
  /** Number of tokens in the flat list. */
  readonly tokens: number;
  /** Token ids of the flat list. */
  readonly ids: Int32Array;
  /** Absent where the flat list is the rectangle itself, padding included, or nobody asks for the rectangle. */
  readonly ragged?: RaggedIndex;
  /** Whether the flat list has no padding. */
  readonly packed: boolean;
}

interface RaggedIndex {
  /** [adapters * rowsPerAdapter * time] the token at each place; at padding one of the same adapter. */
  readonly tokenOfPlace: tf.Tensor1D;
  /** [adapters * rowsPerAdapter * time, 1] 1 at tokens, 0 at padding. */
  readonly mask: tf.Tensor2D;
  /** [tokens] the place of each token. */
  readonly placeOfToken: tf.Tensor1D;
}

/** Below this share of useful places the frozen weights are spared the padding. */
const RAGGED_BELOW = 0.9;

/** Lays rows out, padded on the right; ragged where padding would waste more than a tenth of the work. */
export function createLayout(rowsByAdapter: RowsByAdapter): Layout {
  const adapters = rowsByAdapter.length;
  const rowsPerAdapter = Math.max(...rowsByAdapter.map((rows) => rows.length));
  const rows = rowsByAdapter.flatMap((own) =>
    Array.from({ length: rowsPerAdapter }, (_, r) => own[r] ?? []),
  );
  const lengths = rows.map((row) => row.length);
  const time = Math.max(...lengths);
  const useful = lengths.reduce((sum, length) => sum + length, 0);
  const shape = { adapters, rowsPerAdapter, time, lengths };
  if (useful >= RAGGED_BELOW * rows.length * time) {
    const ids = new Int32Array(rows.length * time);
    rows.forEach((row, r) => ids.set(row, r * time));
    return { ...shape, tokens: ids.length, ids, packed: false };
  }
  const tokenOfPlace = new Int32Array(rows.length * time);
  const mask = new Float32Array(rows.length * time);
  const placeOfToken = new Int32Array(useful);
  let token = 0;
  let first = 0;
  rows.forEach((row, r) => {
    // Zero times a NaN is a NaN: padding made of another adapter's tokens would carry its trouble over.
    if (r % rowsPerAdapter === 0) first = Math.min(token, useful - 1);
    tokenOfPlace.fill(first, r * time, (r + 1) * time);
    for (let t = 0; t < row.length; t++, token++) {
      const place = r * time + t;
      tokenOfPlace[place] = token;
      mask[place] = 1;
      placeOfToken[token] = place;
    }
  });
  const ragged = {
    tokenOfPlace: tf.tensor1d(tokenOfPlace, "int32"),
    mask: tf.tensor2d(mask, [mask.length, 1]),
    placeOfToken: tf.tensor1d(placeOfToken, "int32"),
  };
  return { ...shape, tokens: useful, ids: Int32Array.from(rows.flat()), ragged, packed: true };
}

/** Lays rows out one after another, for those who never ask for the rectangle. It owns no tensor. */
export function createFlatLayout(rowsByAdapter: RowsByAdapter): Layout {
  const rowsPerAdapter = Math.max(...rowsByAdapter.map((rows) => rows.length));
  const lengths = rowsByAdapter.flatMap((own) =>
    Array.from({ length: rowsPerAdapter }, (_, r) => own[r]?.length ?? 0),
  );
  const ids = Int32Array.from(rowsByAdapter.flat(2));
  const time = Math.max(...lengths);
  const adapters = rowsByAdapter.length;
  return { adapters, rowsPerAdapter, time, lengths, tokens: ids.length, ids, packed: true };
}

/** The place in the flat list of position `t` of row `r` (rows counted adapter by adapter). */
export function tokenIndex(layout: Layout, r: number, t: number): number {
  if (!layout.packed) return r * layout.time + t;
  let before = 0;
  for (let i = 0; i < r; i++) before += layout.lengths[i];
  return before + t;
}

/** [tokens, width] -> [adapters, rowsPerAdapter * time, width], zero at padding where the layout is ragged. */
export function toRows(x: tf.Tensor2D, layout: Layout): tf.Tensor3D {
  const shape: [number, number, number] = [
    layout.adapters,
    layout.rowsPerAdapter * layout.time,
    x.shape[1],
  ];
  if (!layout.ragged) return tf.reshape(x, shape);
  const { tokenOfPlace, mask } = layout.ragged;
  return tf.reshape(tf.mul(tf.gather(x, tokenOfPlace), mask), shape);
}

/** [adapters, rowsPerAdapter * time, width] -> [tokens, width]; what lies at padding is dropped. */
export function toTokens(x: tf.Tensor3D, layout: Layout): tf.Tensor2D {
  const width = x.shape[2];
  const places = tf.reshape(x, [-1, width]) as tf.Tensor2D;
  return layout.ragged ? tf.gather(places, layout.ragged.placeOfToken) : places;
}

/** Frees the layout's index tensors. */
export function disposeLayout(layout: Layout): void {
  if (layout.ragged) tf.dispose({ ...layout.ragged });
}
