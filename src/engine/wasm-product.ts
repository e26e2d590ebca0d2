/**
 * Matrix products of the WebAssembly backend by XNNPACK. The backend's own kernel asks it for a single plain product
 * only: transposed or batched ones go through naive loops, several times slower, that do not broadcast either.
 */
import * as tf from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";

/** The backend's C function: a, its shape, 3, b, its shape, 3, transpose a, transpose b, out; tensors by id, shapes by address. */
type NativeProduct = (...values: number[]) => void;

/** Matrices [rows, columns], one after the other in the memory of a tensor. */
interface Matrices {
  readonly dataId: tf.DataId;
  readonly rows: number;
  readonly columns: number;
  readonly count: number;
  /** For each product of the batch, which matrix it takes. */
  readonly order: readonly number[];
}

/** Ids under which the C function sees the factors and the product; the backend counts its own up from 1. */
const VIEWS = [0xfffffff0, 0xfffffff1, 0xfffffff2] as const;

/** Multiplications of the naive loops in the time that one element takes to be transposed or packed (measured). */
const NAIVE_PER_MOVE = 10;

/** The kernel BatchMatMul. `stock` is the backend's own, for what it does best. */
export function productKernel(backend: BackendWasm, stock: tf.KernelFunc): tf.KernelFunc {
  const { cwrap } = backend.wasm as unknown as {
    cwrap: (name: string, result: null, types: string[]) => NativeProduct;
  };
  const native = cwrap("BatchMatMul", null, new Array<string>(9).fill("number"));
  return (call) => {
    const { a, b } = call.inputs as Record<"a" | "b", tf.TensorInfo>;
    const { transposeA, transposeB } = call.attrs as unknown as tf.BatchMatMulAttrs;
    const outer = tf.broadcast_util.assertAndGetBroadcastShape(outerShape(a), outerShape(b));
    const [left, right] = [matrices(a, outer), matrices(b, outer)];
    const count = tf.util.sizeFromShape(outer);
    const rows = transposeA ? left.columns : left.rows;
    const inner = transposeA ? left.rows : left.columns;
    const columns = transposeB ? right.rows : right.columns;

    // XNNPACK packs the second factor. Of a plain product the backend keeps the packed one while its tensor lives.
    const straight = moves(left, transposeA) + moves(right, transposeB) + count * inner * columns;
    const back = moves({ count, rows: columns, columns: rows }, true);
    // (a b)' = b' a' may have less to move.
    const swapped =
      moves(left, !transposeA) + moves(right, !transposeB) + back + count * inner * rows;
    const alike = left.count === count && right.count === count;
    const plain = count === 1 && !transposeA && !transposeB;
    const work = count * rows * inner * columns;
    const small = work < NAIVE_PER_MOVE * Math.min(straight, swapped);
    if (alike && work > 0 && (plain || small)) return stock(call);

    const out = backend.makeOutput([...outer, rows, columns], "float32");
    const result = matrices(out, outer);
    const made: tf.TensorInfo[] = [];
    const turned = (x: Matrices, turn: boolean): Matrices =>
      turn ? transposed(backend, x, made) : x;
    if (swapped < straight) {
      const target = { ...result, rows: columns, columns: rows };
      const product = back === 0 ? target : allocated(backend, target, made);
      multiply(backend, native, turned(right, !transposeB), turned(left, !transposeA), product);
      if (back !== 0) transpose(backend, product, result);
    } else {
      multiply(backend, native, turned(left, transposeA), turned(right, transposeB), result);
    }
    for (const { dataId } of made) backend.disposeData(dataId);
    return out;
  };
}

/** out = first second, for each product of the batch. */
function multiply(
  backend: BackendWasm,
  native: NativeProduct,
  first: Matrices,
  second: Matrices,
  out: Matrices,
): void {
  if (out.count * out.rows * out.columns === 0) return;
  if (first.columns === 0) {
    floats(backend, out).fill(0);
    return;
  }
  const { tfjs } = backend.wasm;
  const sizes = [1, first.rows, first.columns, 1, second.rows, second.columns];
  const shapes = backend.makeOutput([6], "int32", undefined, Int32Array.from(sizes));
  const address = backend.getMemoryOffset(shapes.dataId);
  const views = [first, second, out].map(({ dataId, rows, columns, order }, v) => {
    const start = backend.getMemoryOffset(dataId);
    const size = rows * columns;
    return (i: number) => tfjs.registerTensor(VIEWS[v], size, start + 4 * size * order[i]);
  });
  for (let i = 0; i < out.count; i++) {
    for (const register of views) register(i);
    native(VIEWS[0], address, 3, VIEWS[1], address + 3 * 4, 3, 0, 0, VIEWS[2]);
    // This frees the packed factor too.
    for (const view of VIEWS) tfjs.disposeData(view);
  }
  backend.disposeData(shapes.dataId);
}

function outerShape(x: tf.TensorInfo): number[] {
  return x.shape.slice(0, -2);
}

function matrices(x: tf.TensorInfo, outer: number[]): Matrices {
  const own = outerShape(x);
  const [rows, columns] = x.shape.slice(-2);
  const products = tf.util.sizeFromShape(outer);
  const order = Array.from({ length: products }, (_, i) => broadcastIndex(i, outer, own));
  return { dataId: x.dataId, rows, columns, count: tf.util.sizeFromShape(own), order };
}

/** Where element `index` of an array of shape `outer` is read in one of shape `own`, which broadcasts to it. */
function broadcastIndex(index: number, outer: readonly number[], own: readonly number[]): number {
  let [place, stride] = [0, 1];
  for (let axis = 1; axis <= own.length; axis++) {
    const [size, ownSize] = [outer[outer.length - axis], own[own.length - axis]];
    if (ownSize > 1) place += (index % size) * stride;
    stride *= ownSize;
    index = Math.floor(index / size);
  }
  return place;
}

/** Elements to move for a transposition: none where a matrix is a single row or column. */
function moves(x: Pick<Matrices, "count" | "rows" | "columns">, turn: boolean): number {
  return turn && x.rows > 1 && x.columns > 1 ? x.count * x.rows * x.columns : 0;
}

function transposed(backend: BackendWasm, from: Matrices, made: tf.TensorInfo[]): Matrices {
  const shape = { ...from, rows: from.columns, columns: from.rows };
  if (moves(from, true) === 0) return shape;
  const to = allocated(backend, shape, made);
  transpose(backend, from, to);
  return to;
}

/** The same in memory of its own, not yet set, which is added to what was `made`. */
function allocated(backend: BackendWasm, like: Matrices, made: tf.TensorInfo[]): Matrices {
  const tensor = backend.makeOutput([like.count, like.rows, like.columns], "float32");
  made.push(tensor);
  return { ...like, dataId: tensor.dataId };
}

function transpose(backend: BackendWasm, from: Matrices, to: Matrices): void {
  const { rows, columns } = from;
  const [source, target] = [floats(backend, from), floats(backend, to)];
  for (let start = 0; start < source.length; start += rows * columns)
    for (let c = 0; c < columns; c++)
      for (let r = 0, t = start + c * rows, s = start + c; r < rows; r++, t++, s += columns)
        target[t] = source[s];
}

/** The matrices' elements on the heap; valid until the next allocation. */
function floats(backend: BackendWasm, x: Matrices): Float32Array {
  const shape = [x.count, x.rows, x.columns];
  return backend.typedArrayFromHeap({ ...x, shape, dtype: "float32" }) as Float32Array;
}
