/** Batched decoding in fused operations: the cache of one batch, written in place. Which tokens are taken is generation.ts's. */
import * as tf from "@tensorflow/tfjs";
import { layerForward } from "../engine/fused";
import { free } from "../engine/scope";
import type { LayerAdapters } from "./adapters";
import { fusedContext, fusedViews } from "./fused-pass";
import type { RowsByAdapter } from "./layout";
import { ropeTables } from "./rope";
import { sharePrompts } from "./shared-prompts";
import { embed, logitsAt, type Network } from "./transformer";

/** Places for new tokens beyond those that are read; the cache grows by as many when they are taken. */
const ROOM = 64;

interface Cache {
  /** [batch, keyValueHeads, places, headDim] */
  readonly keys: tf.Tensor4D;
  readonly values: tf.Tensor4D;
}

interface NewTokens {
  readonly adapter: number;
  readonly ids: readonly number[];
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

  /**
   * Reads the prompts and returns the logits after each, [batch, vocabulary]. Equal prompts of an adapter, and what all of its
   * prompts begin with, are read once.
   */
  prefill(prompts: RowsByAdapter): tf.Tensor2D {
    const { distinct, places, beginnings } = sharePrompts(prompts);
    this.places = Math.max(...prompts.flat().map((row) => row.length)) + ROOM;
    this.makeTables();
    const rows = distinct.flatMap((own, k) => own.map((ids) => ({ ids, adapter: k })));
    if (beginnings.some((count) => count > 0)) {
      this.makeCaches(distinct.length);
      const begun = distinct.map((own, k) => ({ adapter: k, ids: own[0].slice(0, beginnings[k]) }));
      this.readNew(
        begun,
        beginnings.map(() => 0),
      ).dispose();
      this.keep(rows.map((row) => row.adapter));
    } else this.makeCaches(rows.length);
    const starts = rows.map((row) => beginnings[row.adapter]);
    const rest = rows.map(({ ids, adapter }, r) => ({ adapter, ids: ids.slice(starts[r]) }));
    const hidden = this.readNew(rest, starts);
    let end = 0;
    const last = rest.map(({ ids }) => (end += ids.length) - 1);
    const logits = logitsAt(
      this.network,
      hidden,
      places.map((place) => last[place]),
    );
    hidden.dispose();
    if (rows.length < places.length) this.keep(places);
    return logits;
  }

  /** One more token for every row, at the given positions; logits [batch, vocabulary]. */
  next(tokens: readonly number[], positions: readonly number[]): tf.Tensor2D {
    if (Math.max(...positions) >= this.places) this.grow();
    const perAdapter = tokens.length / this.adapterCount;
    const rows = tokens.map((id, r) => ({ adapter: Math.floor(r / perAdapter), ids: [id] }));
    const hidden = this.readNew(rows, positions);
    const logits = logitsAt(
      this.network,
      hidden,
      tokens.map((_, r) => r),
    );
    hidden.dispose();
    return logits;
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

  /** Reads new tokens of every row from its position on: hidden states of all of them, [tokens, hidden]. */
  private readNew(rows: readonly NewTokens[], positions: readonly number[]): tf.Tensor2D {
    const { config, weights } = this.network;
    const counts = new Array<number>(this.adapterCount).fill(0);
    let first = 0;
    const places = rows.flatMap(({ adapter, ids }, r) => {
      const position = positions[r];
      const place = [first, ids.length, position, position + ids.length];
      counts[adapter] += ids.length;
      first += ids.length;
      return place;
    });
    const placed = tf.tensor2d(Int32Array.from(places), [rows.length, 4], "int32");
    const context = fusedContext(config, this.adapters && fusedViews(this.adapters), counts);
    const hidden = tf.tidy(() => {
      let x = embed(weights, Int32Array.from(rows.flatMap(({ ids }) => ids)));
      weights.layers.forEach((layer, l) => {
        const inputs = context.inputs(l, { ...this.tables!, rows: placed, ...this.caches[l] });
        const { output, saved } = layerForward(x, layer, inputs, false);
        free([x, saved]);
        x = output;
      });
      return x;
    });
    placed.dispose();
    context.dispose();
    return hidden;
  }

  private makeCaches(rows: number): void {
    const { keyValueHeadCount, headDim } = this.network.config;
    const shape: [number, number, number, number] = [rows, keyValueHeadCount, this.places, headDim];
    this.caches = this.network.weights.layers.map(() => ({
      keys: tf.fill(shape, 0),
      values: tf.fill(shape, 0),
    }));
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
