/** The replaced WebAssembly kernels agree with plain loops on awkward shapes, and keep no memory. */
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startEngine } from "../../src/engine";

const kernels = suite("wasm kernels");

kernels.before(async () => {
  await startEngine("wasm");
});

/** Small whole numbers, so that sums are exact in whatever order. */
function filled(shape: number[], seed: number): tf.Tensor {
  const size = tf.util.sizeFromShape(shape);
  const values = Float32Array.from({ length: size }, (_, i) => ((i * 7 + seed) % 11) - 5);
  return tf.tensor(values, shape);
}

/** a b by loops; `batches` says which matrix of a and of b each product takes. */
function product(
  sizes: [rows: number, inner: number, columns: number],
  [a, b]: tf.Tensor[],
  [transposeA, transposeB]: boolean[],
  batches: readonly (readonly [number, number])[],
): number[] {
  const [rows, inner, columns] = sizes;
  const [x, y] = [a.dataSync(), b.dataSync()];
  const values: number[] = [];
  for (const [left, right] of batches)
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) {
          const i = transposeA ? k * rows + r : r * inner + k;
          const j = transposeB ? c * inner + k : k * columns + c;
          sum += x[left * rows * inner + i] * y[right * inner * columns + j];
        }
        values.push(sum);
      }
  return values;
}

const SIZES: [number, number, number][] = [
  [1, 1, 1],
  [1, 17, 40],
  [40, 17, 1],
  [13, 50, 9],
  [33, 7, 65],
  [65, 34, 3],
  [24, 1, 24],
  [4, 0, 5],
  [0, 3, 5],
];

/** Outer axes of a and b, and the matrices that meet. */
const BATCHES: { a: number[]; b: number[]; pairs: [number, number][] }[] = [
  { a: [], b: [], pairs: [[0, 0]] },
  { a: [3], b: [3], pairs: [0, 1, 2].map((i) => [i, i]) },
  { a: [3], b: [1], pairs: [0, 1, 2].map((i) => [i, 0]) },
  { a: [], b: [2], pairs: [0, 1].map((i) => [0, i]) },
  {
    a: [2, 1],
    b: [1, 3],
    pairs: [0, 1].flatMap((i) => [0, 1, 2].map((j): [number, number] => [i, j])),
  },
  { a: [0], b: [0], pairs: [] },
];

for (const transposes of [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
])
  kernels(`products, transposed ${transposes.join(", ")}`, () => {
    for (const sizes of SIZES)
      for (const { a, b, pairs } of BATCHES) {
        const [rows, inner, columns] = sizes;
        const [left, right] = [
          filled([...a, ...(transposes[0] ? [inner, rows] : [rows, inner])], 1),
          filled([...b, ...(transposes[1] ? [columns, inner] : [inner, columns])], 2),
        ];
        const found = tf.matMul(left, right, transposes[0], transposes[1]);
        const label = `[${a.join()}] x [${b.join()}], ${sizes.join(" x ")}`;
        const outer = tf.broadcast_util.assertAndGetBroadcastShape(a, b);
        assert.equal(found.shape, [...outer, rows, columns], label);
        const expected = product(sizes, [left, right], transposes, pairs);
        assert.equal([...found.dataSync()], expected, label);
        tf.dispose([left, right, found]);
      }
  });

kernels(
  "gather takes rows along any axis, in batches too, of floats, integers and booleans",
  () => {
    const x = filled([2, 3, 4], 0);
    const at = (i: number, j: number, k: number): number => (((i * 12 + j * 4 + k) * 7) % 11) - 5;
    const rows = tf.tensor2d([2, 0, 2, 1], [2, 2], "int32");
    const second = tf.gather(x, rows, 1);
    assert.equal(second.shape, [2, 2, 2, 4]);
    const expected = [0, 1].flatMap((i) =>
      [2, 0, 2, 1].flatMap((j) => [0, 1, 2, 3].map((k) => at(i, j, k))),
    );
    assert.equal([...second.dataSync()], expected);
    const own = tf.gather(x, rows, 1, 1);
    assert.equal(own.shape, [2, 2, 4]);
    const ownRows = [
      [0, 2],
      [0, 0],
      [1, 2],
      [1, 1],
    ];
    assert.equal(
      [...own.dataSync()],
      ownRows.flatMap(([i, j]) => [0, 1, 2, 3].map((k) => at(i, j, k))),
    );
    const scalars = tf.gather(tf.tensor1d([7, 8, 9], "int32"), tf.tensor1d([2, 2, 0], "int32"));
    assert.equal([...scalars.dataSync()], [9, 9, 7]);
    const flags = tf.gather(tf.tensor1d([true, false], "bool"), tf.tensor1d([1, 0], "int32"));
    assert.equal([...flags.dataSync()], [0, 1]);
    assert.equal(tf.gather(x, tf.tensor1d([], "int32")).shape, [0, 3, 4]);
    assert.throws(
      () => tf.gather(x, tf.tensor1d([3], "int32"), 1),
      /index value 3 is not in \[0, 2\]/,
    );
  },
);

kernels("slice takes any block, contiguous or not", () => {
  const shape = [3, 4, 2, 5];
  const x = filled(shape, 0);
  const values = x.dataSync();
  const blocks: [number[], number[]][] = [
    [[0, 0, 0, 0], shape],
    [
      [1, 0, 0, 0],
      [2, 4, 2, 5],
    ],
    [
      [0, 1, 0, 0],
      [3, 2, 2, 5],
    ],
    [
      [1, 2, 1, 3],
      [1, 2, 1, 2],
    ],
    [
      [0, 3, 0, 4],
      [3, 1, 2, 1],
    ],
    [
      [2, 0, 1, 0],
      [1, 4, 0, 5],
    ],
  ];
  for (const [begin, size] of blocks) {
    const found = tf.slice(x, begin, size);
    const count = tf.util.sizeFromShape(size);
    const expected = Array.from({ length: count }, (_, i) => {
      let [rest, place, stride] = [i, 0, 1];
      for (let axis = 3; axis >= 0; axis--) {
        place += (begin[axis] + (rest % size[axis])) * stride;
        rest = Math.floor(rest / size[axis]);
        stride *= shape[axis];
      }
      return values[place];
    });
    assert.equal(found.shape, size);
    assert.equal([...found.dataSync()], expected, `${begin.join()} ${size.join()}`);
  }
  const flags = tf.slice(tf.tensor1d([true, false, true], "bool"), 1, 2);
  assert.equal([...flags.dataSync()], [0, 1]);
});

kernels("a gradient through a batched product is right", () => {
  const a = filled([2, 12, 3], 1);
  const b = filled([2, 3, 12], 2);
  const gradient = tf.grad((x) => tf.sum(tf.matMul(x, b)))(a);
  const rows = b.sum(2).dataSync();
  const expected = [0, 1].flatMap((i) =>
    Array.from({ length: 12 }, () => [...rows.slice(i * 3, i * 3 + 3)]).flat(),
  );
  assert.equal([...gradient.dataSync()], expected);
});

kernels("nothing is kept: tensors, data and memory stay as they were", () => {
  const a = filled([8, 60, 40], 1);
  const b = filled([8, 60, 50], 2);
  const backend = tf.backend();
  const repeat = (times: number): void => {
    for (let i = 0; i < times; i++) {
      const made = tf.matMul(a, b, true, false);
      const flat = tf.matMul(a.reshape([480, 40]), a.reshape([480, 40]), false, true);
      tf.dispose([made, flat]);
    }
  };
  tf.tidy(() => repeat(5));
  const before = { tensors: tf.memory().numTensors, data: backend.numDataIds() };
  const heap = heapBytes();
  tf.tidy(() => repeat(200));
  assert.equal({ tensors: tf.memory().numTensors, data: backend.numDataIds() }, before);
  assert.is(heapBytes(), heap);
});

/** Size of the WebAssembly heap: it only ever grows. */
function heapBytes(): number {
  return (tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm.HEAPU8.length;
}

kernels.run();
