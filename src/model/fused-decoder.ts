/** Batched decoding in fused operations: the cache of one batch, written in place. Which tokens are taken is generation.ts's. */
import * as tf from "@tensorflow/tfjs";
import { layerForward } from "../engine/fused";
import { free } from "../engine/scope";
import type { LayerAdapters } from "./adapters";
import { fusedContext, fusedViews, tokenCounts, wholeRows } from "./fused-pass";
import { createFlatLayout, tokenIndex, type RowsByAdapter } from "./layout";
import { ropeTables } from "./rope";
import { embed, logitsAt, type Network } from "./transformer";

/** Places for new tokens beyond those that are read; the cache grows by as many when they are taken. */
const ROOM = 64;

interface Cache {
  /** [batch, keyValueHeads, places, headDim] */
  readonly keys: tf.Tensor4D;
  readonly values: tf.Tensor4D;
}

/** The same as generation.ts's decoder. */
export class FusedDecoder {
  private caches: Cache[] = [];
  private tables: { cos: tf.Tensor2D; sin: tf.Tensor2D } | undefined;
  private places = 0;

  constructor(
    private readonly network: Network,
    private readonly adapters: readonly LayerAdapters[] | undefined,
    private readonly adapterCount: number,
  ) {}

  /** Reads the prompts and returns the logits after each, [batch, vocabulary]. */
  prefill(prompts: RowsByAdapter): tf.Tensor2D {
    const layout = createFlatLayout(prompts);
    const { config } = this.network;
    this.places = layout.time + ROOM;
    const shape: [number, number, number, number] = [
      layout.lengths.length,
      config.keyValueHeadCount,
      this.places,
      config.headDim,
    ];
    this.caches = this.network.weights.layers.map(() => ({
      keys: tf.fill(shape, 0),
      values: tf.fill(shape, 0),
    }));
    this.makeTables();
    const last = layout.lengths.map((length, r) => tokenIndex(layout, r, length - 1));
    return this.read(layout.ids, tokenCounts(layout), wholeRows(layout.lengths), last);
  }

  /** One more token for every row, at the given positions; logits [batch, vocabulary]. */
  next(tokens: readonly number[], positions: readonly number[]): tf.Tensor2D {
    if (Math.max(...positions) >= this.places) this.grow();
    const batch = tokens.length;
    const values = positions.flatMap((position, r) => [r, 1, position, position + 1]);
    const rows = tf.tensor2d(Int32Array.from(values), [batch, 4], "int32");
    const counts = new Array<number>(this.adapterCount).fill(batch / this.adapterCount);
    const all = tokens.map((_, r) => r);
    return this.read(Int32Array.from(tokens), counts, rows, all);
  }

  /** Keeps the rows at `places`, in that order. */
  keep(places: readonly number[]): void {
    const indices = tf.tensor1d(Int32Array.from(places), "int32");
    this.replace((cache) => tf.gather(cache, indices));
    indices.dispose();
  }

  dispose(): void {
    free(this.caches);
    if (this.tables) free(this.tables);
  }

  private read(
    ids: Int32Array,
    counts: readonly number[],
    rows: tf.Tensor2D,
    last: readonly number[],
  ): tf.Tensor2D {
    const { config, weights } = this.network;
    const context = fusedContext(config, this.adapters && fusedViews(this.adapters), counts);
    const logits = tf.tidy(() => {
      let x = embed(weights, ids);
      weights.layers.forEach((layer, l) => {
        const inputs = context.inputs(l, { ...this.tables!, rows, ...this.caches[l] });
        const { output, saved } = layerForward(x, layer, inputs, false);
        free([x, saved]);
        x = output;
      });
      return logitsAt(this.network, x, last);
    });
    rows.dispose();
    context.dispose();
    return logits;
  }

  private grow(): void {
    this.places += ROOM;
    this.replace((cache) =>
      tf.pad(cache, [
        [0, 0],
        [0, 0],
        [0, ROOM],
        [0, 0],
      ]),
    );
    this.makeTables();
  }

  private makeTables(): void {
    if (this.tables) free(this.tables);
    const positions = Array.from({ length: this.places }, (_, t) => t);
    this.tables = ropeTables(this.network.config, positions);
  }

  private replace(change: (cache: tf.Tensor4D) => tf.Tensor4D): void {
    this.caches = this.caches.map((cache) => {
      const next = { keys: change(cache.keys), values: change(cache.values) };
      free(cache);
      return next;
    });
  }
}
