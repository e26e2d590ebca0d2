import { writeFileSync } from "node:fs";
import path from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { openGguf } from "../../src/model/gguf/model";
import { createRandom } from "../../src/statistics/random";
import * as gguf from "./gguf-bytes";
import { assertRefused, fuzz, temporaryFolder } from "./refusal";

const { ggufBytes, modelEntries, modelTensors, text, u32, u64 } = gguf;
const suite = createSuite("gguf, hostile");
const folder = temporaryFolder();
suite.after(folder.remove);
const file = path.join(folder.path, "model.gguf");

async function readAll(): Promise<void> {
  const source = await openGguf(file);
  try {
    for (const name of source.tensors.keys()) await source.read(name);
  } finally {
    await source.close();
  }
}

async function refused(bytes: Buffer, message: RegExp, label: string): Promise<void> {
  writeFileSync(file, bytes);
  await assertRefused(readAll, message, label);
}

const model = (): gguf.Entry[] => modelEntries("llama");
const entry = (key: string, type: number, value: Buffer): Buffer =>
  ggufBytes([...model(), [key, type, value]], modelTensors()).bytes;
const tensor = (spec: Partial<gguf.TensorSpec>): Buffer =>
  ggufBytes(model(), [
    ...modelTensors(),
    { name: "blk.0.attn_norm.weight", dimensions: [4], data: Buffer.alloc(16), ...spec },
  ]).bytes;
const replaced = (key: string, type: number, value: Buffer): Buffer =>
  ggufBytes(
    model().map((old) => (old[0] === key ? ([key, type, value] as const) : old)),
    modelTensors(),
  ).bytes;

suite("the beginning", async () => {
  const whole = (changes: Parameters<typeof ggufBytes>[2]): Buffer =>
    ggufBytes(model(), modelTensors(), changes).bytes;
  await refused(Buffer.alloc(0), /cut short/, "empty");
  await refused(whole({ magic: "GGML" }), /not a GGUF file/, "magic");
  await refused(whole({ version: 1 }), /version 1/, "version 1");
  await refused(whole({ version: 0x03000000 }), /little-endian/, "big-endian");
  await refused(whole({ tensorCount: 2n ** 63n }), /9223372036854775808 tensors/, "tensor count");
  await refused(whole({ entryCount: 2n ** 64n - 1n }), /metadata entries/, "entry count");
  await refused(whole({ tensorCount: 60000n }), /model\.gguf/, "more tensors than there are");
});

suite("metadata", async () => {
  const array = (type: number, length: bigint, ...rest: Buffer[]): Buffer =>
    Buffer.concat([u32(type), u64(length), ...rest]);
  await refused(entry("a", 8, u64(2n ** 63n)), /bytes in a string/, "string length");
  await refused(entry("a", 8, u64(1_000_000)), /cut short/, "string beyond the end");
  await refused(entry("a", 8, text(Buffer.from([0xff, 0xfe]))), /not valid UTF-8/, "UTF-8");
  await refused(entry("a", 13, u32(0)), /unknown type 13/, "value type");
  await refused(entry("a", 7, Buffer.from([2])), /true or false/, "boolean");
  await refused(entry("a", 9, array(0, 2n ** 62n)), /values in an array/, "array length");
  await refused(entry("a", 9, array(0, 8_000_000n)), /cut short/, "array beyond the end");
  const nested = (depth: number): Buffer =>
    depth === 0 ? array(0, 0n) : array(9, 1n, nested(depth - 1));
  await refused(entry("a", 9, nested(1000)), /nests arrays too deeply/, "nested arrays");
  await refused(
    entry("llama.block_count", 4, u32(1)),
    /"llama.block_count" twice/,
    "duplicate key",
  );
  for (const alignment of [0, 3, 2 ** 31]) {
    await refused(
      entry("general.alignment", 4, u32(alignment)),
      /alignment/,
      `alignment ${alignment}`,
    );
  }
});

suite("tensors", async () => {
  const big = 2n ** 62n;
  await refused(tensor({ dimensions: [big, big] }), /overflow/, "dimension overflow");
  await refused(tensor({ dimensions: [2n ** 40n, 2n ** 24n] }), /overflow/, "product overflow");
  await refused(tensor({ dimensions: [0] }), /zero/, "zero dimension");
  await refused(tensor({ dimensions: [] }), /0 dimensions/, "no dimensions");
  await refused(tensor({ dimensions: [1, 1, 1, 1, 1] }), /5 dimensions/, "five dimensions");
  await refused(tensor({ type: 4 }), /unknown type 4/, "retired type");
  await refused(tensor({ type: 0xffffffff }), /unknown type/, "absurd type");
  await refused(tensor({ type: 2 }), /whole Q4_0 blocks/, "part of a block");
  await refused(tensor({ offset: 2n ** 63n }), /beyond the end/, "absurd offset");
  await refused(tensor({ offset: 32 * 1000 }), /beyond the end/, "offset beyond the end");
  await refused(tensor({ dimensions: [2n ** 33n] }), /beyond the end/, "size beyond the end");
  await refused(tensor({ offset: 8 }), /not aligned/, "alignment");
  await refused(tensor({ offset: 0 }), /overlaps/, "overlap");
  await refused(tensor({ name: "output_norm.weight" }), /"output_norm.weight" twice/, "name twice");
  await refused(tensor({ name: "n".repeat(300) }), /bytes in a string/, "long name");
  await refused(tensor({ type: 24 }), /is I8; only/, "a type that cannot be dequantized");
  const { bytes } = ggufBytes(model(), modelTensors());
  await refused(bytes.subarray(0, bytes.length - 40), /beyond the end/, "truncated");
});

suite("the model", async () => {
  await refused(tensor({ name: "blk.0.attn_q.bias" }), /does not belong/, "llama with biases");
  await refused(tensor({ name: "blk.1.attn_norm.weight" }), /does not belong/, "layer count");
  await refused(tensor({ name: "bad\nname" }), /"bad\\nname"/, "a line break in a name");
  await refused(ggufBytes(modelEntries("gemma"), modelTensors()).bytes, /"gemma"/, "architecture");
  await refused(
    replaced("llama.attention.head_count", 4, u32(0)),
    /num_attention_heads/,
    "no heads",
  );
  await refused(
    replaced("llama.attention.head_count", 4, u32(2 ** 31)),
    /num_attention_heads/,
    "heads",
  );
  await refused(
    replaced("llama.embedding_length", 8, text("4")),
    /hidden_size/,
    "a string for a size",
  );
  await refused(replaced("llama.embedding_length", 4, u32(8)), /4 rows for 1 heads/, "head size");
  await refused(entry("llama.rope.scaling.type", 8, text("yarn")), /"yarn"/, "rope scaling");
  await refused(entry("llama.expert_count", 4, u32(8)), /experts/, "experts");
  await refused(entry("llama.rope.dimension_count", 4, u32(2)), /part of a head/, "partial rotary");
  const factors = (values: number[]): Buffer =>
    tensor({ name: "rope_freqs.weight", dimensions: [values.length], data: gguf.floats(values) });
  await refused(factors([2, 3]), /rope_freqs/, "rope factors");
  await refused(factors([1, 2, 3]), /rope_freqs/, "number of rope factors");
  await refused(factors([1, NaN]), /rope_freqs/, "rope factors that are not numbers");
});

suite("thousands of damaged files throw nothing but one-line user errors", async () => {
  const { bytes, headerBytes } = ggufBytes(model(), modelTensors());
  const random = createRandom("gguf fuzz");
  const rounds = 2000;
  const count = await fuzz(bytes, headerBytes, file, rounds, random, readAll);
  assert.ok(count > rounds / 2 && count < rounds, `${count} of ${rounds} refused`);
});

suite.run();
