/**
 * Batched decoding with a key/value cache, for K adapters at once. Rows stop on their own; when half of them have,
 * the rest move together. Prompts and answers are token ids here; text is the caller's.
 */
import * as tf from "@tensorflow/tfjs";
import { free, scoped } from "../engine/scope";
import type { Random } from "../statistics/random";
import type { LayerAdapters } from "./adapters";
import { blockForward, type PassContext } from "./block";
import { FusedDecoder } from "./fused-decoder";
import { canFuse } from "./fused-pass";
import type { Heads } from "./layers";
import { createLayout, disposeLayout, tokenIndex, type Layout, type RowsByAdapter } from "./layout";
import { ropeTables, rotateHalfMatrix } from "./rope";
import { chooseTokens, restrictLogits, type Sampling } from "./sampling";
import {
  causalContext,
  disposeContext,
  embed,
  logitsAt,
  MASKED,
  type Network,
} from "./transformer";
import type { ModelConfig } from "./types";

/** New keys are kept apart from the long ones, and joined to them after this many tokens. */
const RECENT_TOKENS = 16;

/** Options of `generateRows`. */
export interface DecodingOptions extends Sampling {
  /** Most new tokens of a row. */
  readonly maximumTokens: number;
  /** Tokens that end a row; they are not part of the answer. */
  readonly stopTokens: ReadonlySet<number>;
  /** One generator for each row, adapter by adapter. */
  readonly random: (adapter: number, row: number) => Random;
  /** The tokens that may follow a row's tokens so far (constrained decoding); any, where undefined. */
  readonly allowed?: (
    adapter: number,
    row: number,
    tokens: readonly number[],
  ) => readonly number[] | undefined;
  /** Called with each new token of a row; true ends the row after it. */
  readonly onToken?: (adapter: number, row: number, tokens: readonly number[]) => boolean;
}

/** Why a row ended. */
export type FinishReason = "stop" | "length";

/** The new tokens of one row. */
export interface GeneratedRow {
  readonly tokens: readonly number[];
  readonly finish: FinishReason;
}

interface Row {
  readonly adapter: number;
  readonly row: number;
  readonly random: Random;
  readonly tokens: number[];
  position: number;
  finish?: FinishReason;
}

interface KeysAndValues {
  /** [batch * keyValueHeads, tokens, headDim] */
  readonly key: tf.Tensor3D;
  readonly value: tf.Tensor3D;
}

interface LayerCache {
  readonly long: KeysAndValues;
  readonly recent?: KeysAndValues;
}

/** Decodes every prompt. `prompts[k]` are the prompts for adapter k; without adapters there is one list. */
export async function generateRows(
  network: Network,
  adapters: readonly LayerAdapters[] | undefined,
  prompts: RowsByAdapter,
  options: DecodingOptions,
): Promise<GeneratedRow[][]> {
  const rowsPerAdapter = Math.max(...prompts.map((rows) => rows.length));
  const all = prompts.map((rows, adapter) =>
    rows.map((prompt, row): Row => {
      const random = options.random(adapter, row);
      return { adapter, row, random, tokens: [], position: prompt.length };
    }),
  );
  // An adapter with fewer rows gets copies of its first, whose tokens nobody takes.
  const filled = prompts.map((rows) =>
    Array.from({ length: rowsPerAdapter }, (_, r) => rows[r] ?? rows[0] ?? [0]),
  );
  const filler: Row = { ...all.flat()[0], tokens: [], finish: "stop" };
  let places: Row[] = filled.flatMap((rows, k) =>
    rows.map((prompt, r) => all[k][r] ?? { ...filler, position: prompt.length }),
  );
  const decoder = canFuse(adapters)
    ? new FusedDecoder(network, adapters, prompts.length)
    : new Decoder(network, adapters, prompts.length);
  try {
    let logits = decoder.prefill(filled);
    for (;;) {
      if (options.allowed) {
        const { allowed } = options;
        logits = restrictLogits(
          logits,
          places.map((row) => (row.finish ? undefined : allowed(row.adapter, row.row, row.tokens))),
        );
      }
      const tokens = await chooseTokens(
        logits,
        options,
        places.map((row) => row.random),
      );
      logits.dispose();
      places.forEach((row, p) => take(row, tokens[p], options));
      if (places.every((row) => row.finish)) break;
      const kept = compaction(places, prompts.length);
      if (kept) decoder.keep(kept);
      const index = kept ?? places.map((_, p) => p);
      places = index.map((p) => places[p]);
      logits = decoder.next(
        index.map((p) => tokens[p]),
        places.map((row) => row.position - 1),
      );
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    decoder.dispose();
  }
  return all.map((rows) =>
    rows.map(({ tokens, finish }) => ({ tokens, finish: finish ?? "length" })),
  );
}

/** Adds a token to a row, or ends the row. */
function take(row: Row, token: number, options: DecodingOptions): void {
  if (row.finish) return;
  if (options.stopTokens.has(token)) {
    row.finish = "stop";
    return;
  }
  row.tokens.push(token);
  row.position++;
  if (options.onToken?.(row.adapter, row.row, row.tokens)) row.finish = "stop";
  else if (row.tokens.length >= options.maximumTokens) row.finish = "length";
}

/** Places to keep when at most half of each adapter's rows still run; undefined while it is not worth the copy. */
function compaction(places: readonly Row[], adapters: number): number[] | undefined {
  const rowsPerAdapter = places.length / adapters;
  const running = Array.from({ length: adapters }, (_, k) =>
    Array.from({ length: rowsPerAdapter }, (_, r) => k * rowsPerAdapter + r).filter(
      (p) => !places[p].finish,
    ),
  );
  const most = Math.max(...running.map((own) => own.length));
  if (most > rowsPerAdapter / 2) return undefined;
  return running.flatMap((own, k) =>
    Array.from({ length: most }, (_, r) => own[r] ?? k * rowsPerAdapter),
  );
}

/** Owns the cache of one batch. */
class Decoder {
  private caches: LayerCache[] = [];
  /** [batch * keyValueHeads, 1, long tokens] 0, or a large negative number at padding */
  private mask: tf.Tensor3D | undefined;
  private readonly rotateHalf: tf.Tensor2D;

  constructor(
    private readonly network: Network,
    private readonly adapters: readonly LayerAdapters[] | undefined,
    private readonly adapterCount: number,
  ) {
    this.rotateHalf = rotateHalfMatrix(network.config.headDim);
  }

  /** Reads the prompts and returns the logits after each, [batch, vocabulary]. */
  prefill(prompts: RowsByAdapter): tf.Tensor2D {
    const { config, weights } = this.network;
    const layout = createLayout(prompts);
    const context = causalContext(config, layout);
    let x = embed(weights, layout.ids);
    weights.layers.forEach((layer, l) => {
      const { output, saved } = blockForward(context, layer, this.adapters?.[l], x);
      const { key, value } = saved.attention;
      this.caches.push({ long: { key: tf.clone(key), value: tf.clone(value) } });
      free([saved, x]);
      x = output;
    });
    this.mask = paddingMask(config, layout);
    const last = layout.lengths.map((length, r) => tokenIndex(layout, r, length - 1));
    const logits = logitsAt(this.network, x, last);
    x.dispose();
    disposeContext(context);
    disposeLayout(layout);
    return logits;
  }

  /** One more token for every row, at the given positions; logits [batch, vocabulary]. */
  next(tokens: readonly number[], positions: readonly number[]): tf.Tensor2D {
    const { config, weights } = this.network;
    const batch = tokens.length;
    const layout: Layout = {
      adapters: this.adapterCount,
      rowsPerAdapter: batch / this.adapterCount,
      time: 1,
      lengths: tokens.map(() => 1),
      tokens: batch,
      ids: Int32Array.from(tokens),
      packed: false,
    };
    const logits = scoped(() => {
      const { cos, sin } = ropeTables(config, positions);
      const shape: [number, number, number, number] = [batch, 1, 1, config.headDim];
      const table = {
        cos: tf.reshape<tf.Rank.R4>(cos, shape),
        sin: tf.reshape<tf.Rank.R4>(sin, shape),
      };
      const shared = { config, layout, positions: { ...table, rotateHalf: this.rotateHalf } };
      let x = embed(weights, layout.ids);
      weights.layers.forEach((layer, l) => {
        const context: PassContext = { ...shared, attend: (heads) => this.attend(l, heads) };
        x = blockForward(context, layer, this.adapters?.[l], x).output;
      });
      return logitsAt(
        this.network,
        x,
        tokens.map((_, r) => r),
      );
    });
    if ((this.caches[0].recent?.key.shape[1] ?? 0) >= RECENT_TOKENS) this.join();
    return logits;
  }

  /** Keeps the rows at `places`, in that order. */
  keep(places: readonly number[]): void {
    const heads = this.network.config.keyValueHeadCount;
    const indices = tf.tensor1d(
      places.flatMap((p) => Array.from({ length: heads }, (_, h) => p * heads + h)),
      "int32",
    );
    const gather = (x: tf.Tensor3D): tf.Tensor3D => replaced(x, tf.gather(x, indices));
    const pick = ({ key, value }: KeysAndValues): KeysAndValues => ({
      key: gather(key),
      value: gather(value),
    });
    this.caches = this.caches.map(({ long, recent }) => ({
      long: pick(long),
      ...(recent ? { recent: pick(recent) } : {}),
    }));
    if (this.mask) this.mask = gather(this.mask);
    indices.dispose();
  }

  dispose(): void {
    free(this.caches);
    this.mask?.dispose();
    this.rotateHalf.dispose();
  }

  /** Attention of one new token over the cache; its own key and value join the recent ones. */
  private attend(layer: number, heads: Heads): { output: tf.Tensor3D; weights: tf.Tensor3D } {
    const { long, recent } = this.caches[layer];
    const joined = {
      key: tf.keep(recent ? tf.concat([recent.key, heads.key], 1) : tf.clone(heads.key)),
      value: tf.keep(recent ? tf.concat([recent.value, heads.value], 1) : tf.clone(heads.value)),
    };
    if (recent) free(recent);
    this.caches[layer] = { long, recent: joined };
    const { config } = this.network;
    const count = long.key.shape[1];
    const scores = tf.concat(
      [
        tf.add<tf.Tensor3D>(tf.matMul(heads.query, long.key, false, true), this.mask ?? 0),
        tf.matMul<tf.Tensor3D>(heads.query, joined.key, false, true),
      ],
      2,
    );
    const weights = tf.softmax(scores);
    const parts = tf.split(weights, [count, joined.key.shape[1]], 2);
    const output = tf.add<tf.Tensor3D>(
      tf.matMul(parts[0], long.value),
      tf.matMul(parts[1], joined.value),
    );
    const batch = weights.shape[0] / config.keyValueHeadCount;
    return { output: tf.reshape(output, [batch, 1, -1]), weights };
  }

  /** Moves the recent keys and values to the long ones. */
  private join(): void {
    const count = this.caches[0].recent?.key.shape[1] ?? 0;
    this.caches = this.caches.map(({ long, recent }) => {
      if (!recent) return { long };
      const next = {
        key: replaced(long.key, tf.concat([long.key, recent.key], 1)),
        value: replaced(long.value, tf.concat([long.value, recent.value], 1)),
      };
      free(recent);
      return { long: next };
    });
    if (this.mask) {
      const { mask } = this;
      this.mask = tf.tidy(() =>
        tf.concat([mask, tf.zeros<tf.Rank.R3>([mask.shape[0], 1, count])], 2),
      );
      mask.dispose();
    }
  }
}

function replaced(old: tf.Tensor3D, next: tf.Tensor3D): tf.Tensor3D {
  old.dispose();
  return next;
}

function paddingMask(config: ModelConfig, layout: Layout): tf.Tensor3D {
  const heads = config.keyValueHeadCount;
  const values = new Float32Array(layout.lengths.length * heads * layout.time);
  layout.lengths.forEach((length, r) => {
    for (let h = 0; h < heads; h++) {
      const row = (r * heads + h) * layout.time;
      values.fill(MASKED, row + length, row + layout.time);
    }
  });
  return tf.tensor3d(values, [layout.lengths.length * heads, 1, layout.time]);
}
