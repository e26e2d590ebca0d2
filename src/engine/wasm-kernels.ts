/** Puts faster kernels in place of the WebAssembly backend's own: copies, here, and the products of `wasm-product.ts`. */
import * as tf from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { productKernel } from "./wasm-product";

/** Replaces BatchMatMul, GatherV2 and Slice. To be called once, when the backend "wasm" runs. */
export function replaceWasmKernels(): void {
  const backend = tf.backend() as BackendWasm;
  replace("BatchMatMul", (stock) => productKernel(backend, stock));
  replace("GatherV2", (stock) => gatherKernel(backend, stock));
  replace("Slice", (stock) => sliceKernel(backend, stock));
}

function replace(kernelName: string, kernel: (stock: tf.KernelFunc) => tf.KernelFunc): void {
  const stock = tf.getKernel(kernelName, "wasm");
  tf.unregisterKernel(kernelName, "wasm");
  tf.registerKernel({ ...stock, kernelFunc: kernel(stock.kernelFunc) });
}

/** The backend's own copies element by element. */
function gatherKernel(backend: BackendWasm, stock: tf.KernelFunc): tf.KernelFunc {
  return (call) => {
    const { x, indices } = call.inputs as Record<"x" | "indices", tf.TensorInfo>;
    const { axis, batchDims } = call.attrs as unknown as tf.GatherV2Attrs;
    if (!hasWords(x) || indices.dtype !== "int32") return stock(call);
    const [place] = tf.util.parseAxisParam(axis, x.shape);
    const { batchSize, outerSize, dimSize, sliceSize, outputShape } =
      tf.backend_util.segment_util.collectGatherOpShapeInfo(x, indices, place, batchDims);
    const chosen = backend.readSync(indices.dataId) as Int32Array;
    const wrong = chosen.find((index) => index < 0 || index >= dimSize);
    if (wrong !== undefined)
      throw new Error(`GatherV2: the index value ${wrong} is not in [0, ${dimSize - 1}]`);

    const out = backend.makeOutput(outputShape, x.dtype);
    const heap = words(backend, x);
    const start = wordOffset(backend, x);
    let target = wordOffset(backend, out);
    const count = chosen.length / batchSize;
    for (let block = 0; block < batchSize * outerSize; block++) {
      const first = Math.floor(block / outerSize) * count;
      for (let i = first; i < first + count; i++, target += sliceSize) {
        const source = start + (block * dimSize + chosen[i]) * sliceSize;
        heap.copyWithin(target, source, source + sliceSize);
      }
    }
    return out;
  };
}

/** The backend's own first copies all of the tensor out of the heap. */
function sliceKernel(backend: BackendWasm, stock: tf.KernelFunc): tf.KernelFunc {
  return (call) => {
    const { x } = call.inputs as Record<"x", tf.TensorInfo>;
    const attrs = call.attrs as unknown as tf.SliceAttrs;
    if (!hasWords(x)) return stock(call);
    const [begin, size] = tf.slice_util.parseSliceParams(x as tf.Tensor, attrs.begin, attrs.size);
    const out = backend.makeOutput(size, x.dtype);
    if (tf.util.sizeFromShape(size) === 0) return out;

    const strides = [...tf.util.computeStrides(x.shape), 1];
    // The last axis that is not taken whole: a run spans it and all beyond.
    let last = x.shape.length - 1;
    while (last > 0 && size[last] === x.shape[last]) last--;
    const run = size[last] * strides[last];
    const heap = words(backend, x);
    let target = wordOffset(backend, out);
    const copy = (axis: number, source: number): void => {
      const first = source + begin[axis] * strides[axis];
      if (axis === last) {
        heap.copyWithin(target, first, first + run);
        target += run;
      } else for (let i = 0; i < size[axis]; i++) copy(axis + 1, first + i * strides[axis]);
    };
    copy(0, wordOffset(backend, x));
    return out;
  };
}

/** Whether a tensor's elements take 4 bytes each on the heap. */
function hasWords({ dtype }: tf.TensorInfo): boolean {
  return dtype === "float32" || dtype === "int32";
}

/** The whole heap, as the bits of 4-byte elements; valid until the next allocation. */
function words(backend: BackendWasm, x: tf.TensorInfo): Int32Array {
  return new Int32Array(backend.typedArrayFromHeap(x).buffer);
}

function wordOffset(backend: BackendWasm, { dataId }: tf.TensorInfo): number {
  return backend.getMemoryOffset(dataId) / 4;
}
