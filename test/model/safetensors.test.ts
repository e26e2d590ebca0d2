import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { openSafetensors, readSafetensors, writeSafetensors } from "../../src/model/safetensors";
import { sharedPath, testWithShared } from "../shared";
import { temporaryFolder } from "./refusal";
import { safetensorsBytes } from "./safetensors-bytes";

const suite = createSuite("safetensors");
const folder = temporaryFolder();
suite.after(folder.remove);
const inFolder = (...parts: string[]): string => path.join(folder.path, ...parts);

suite("what is written is read back, and its bytes are the format's", async () => {
  const file = inFolder("adapter.safetensors");
  const b = { shape: [2, 2], values: new Float32Array([1, -0, NaN, Infinity]) };
  const a = { shape: [3], values: new Float32Array([0, 0.1, 2, 3]).subarray(1) };
  const scalar = { shape: [], values: new Float32Array([5]) };
  await writeSafetensors(
    file,
    new Map([
      ["b", b],
      ["a", a],
      ["c", scalar],
    ]),
  );
  const bytes = readFileSync(file);
  const length = Number(bytes.readBigUInt64LE());
  assert.is(length % 8, 0);
  assert.is(
    bytes.toString("utf8", 8, 8 + length).trimEnd(),
    '{"__metadata__":{"format":"pt"},' +
      '"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},' +
      '"b":{"dtype":"F32","shape":[2,2],"data_offsets":[12,28]},' +
      '"c":{"dtype":"F32","shape":[],"data_offsets":[28,32]}}',
  );
  assert.is(bytes.readFloatLE(8 + length), Math.fround(0.1));
  const tensors = await readSafetensors(file);
  assert.equal([...tensors.keys()].sort(), ["a", "b", "c"]);
  const back = tensors.get("b");
  assert.equal(back?.shape, [2, 2]);
  b.values.forEach((value, i) => assert.ok(Object.is(back?.values[i], value), `element ${i}`));
  assert.equal([...(tensors.get("a")?.values ?? [])], [...a.values]);
  assert.equal(readdirSync(folder.path), ["adapter.safetensors"]);
});

suite("a write that fails leaves the old file and no other", async () => {
  mkdirSync(inFolder("old"));
  const file = inFolder("old", "x.safetensors");
  const tensor = { shape: [1], values: new Float32Array([1]) };
  await writeSafetensors(file, new Map([["a", tensor]]), { format: "pt", note: "kept" });
  const before = readFileSync(file);
  const wrong = new Map([["a", { ...tensor, shape: [2] }]]);
  let message = "";
  await writeSafetensors(file, wrong).catch((error: Error) => (message = error.message));
  assert.match(message, /shape/);
  assert.equal(readFileSync(file), before);
  assert.equal(readdirSync(inFolder("old")), ["x.safetensors"]);
});

suite("F16 and BF16 become exactly the same numbers in fp32", async () => {
  const halves = [0x3c00, 0xc000, 0x3555, 0x0001, 0x03ff, 0x0400, 0x7bff, 0x8000, 0x7c00];
  const halfValues = [1, -2, 1365 / 4096, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 65504, -0, Infinity];
  const brains = [0x3f80, 0xc040, 0x0001, 0x8000, 0x7f80];
  const brainValues = [1, -3, 2 ** -133, -0, Infinity];
  const data = Buffer.from(new Uint16Array([...halves, ...brains]).buffer);
  const header = JSON.stringify({
    half: { dtype: "F16", shape: [3, 3], data_offsets: [0, 18] },
    brain: { dtype: "BF16", shape: [5], data_offsets: [18, 28] },
  });
  const file = inFolder("halves.safetensors");
  writeFileSync(file, safetensorsBytes(header, data));
  const source = await openSafetensors(file);
  const exact = async (name: string, expected: number[]): Promise<void> => {
    const values = await source.read(name);
    expected.forEach((value, i) => assert.ok(Object.is(values[i], value), `${name} ${i}`));
    assert.is(values.length, expected.length);
  };
  await exact("half", halfValues);
  await exact("brain", brainValues);
  assert.equal(source.tensors.get("half"), { name: "half", dtype: "F16", shape: [3, 3] });
  await source.close();
});

suite("a folder with one file, and one with shards", async () => {
  const tensor = (value: number) => ({ shape: [1], values: new Float32Array([value]) });
  mkdirSync(inFolder("one"));
  await writeSafetensors(inFolder("one", "model.safetensors"), new Map([["a", tensor(1)]]));
  const one = await openSafetensors(inFolder("one"));
  assert.equal([...(await one.read("a"))], [1]);
  await one.close();

  mkdirSync(inFolder("two"));
  const shard = (n: number): string => `model-0000${n}-of-00002.safetensors`;
  await writeSafetensors(inFolder("two", shard(1)), new Map([["a", tensor(1)]]));
  await writeSafetensors(
    inFolder("two", shard(2)),
    new Map([
      ["b", tensor(2)],
      ["a", tensor(9)],
    ]),
  );
  const index = { metadata: { total_size: 8 }, weight_map: { a: shard(1), b: shard(2) } };
  writeFileSync(inFolder("two", "model.safetensors.index.json"), JSON.stringify(index));
  const two = await openSafetensors(inFolder("two"));
  assert.equal([...two.tensors.keys()].sort(), ["a", "b"]);
  assert.equal([...(await two.read("a")), ...(await two.read("b"))], [1, 2]);
  await two.close();
});

suite("a tensor larger than one chunk", async () => {
  const values = Float32Array.from({ length: 2 ** 20 + 3 }, (_, i) => i);
  const file = inFolder("large.safetensors");
  await writeSafetensors(file, new Map([["a", { shape: [values.length], values }]]));
  const back = (await readSafetensors(file)).get("a")?.values;
  assert.is(
    back?.findIndex((value, i) => value !== i),
    -1,
  );
  assert.is(back?.length, values.length);
});

testWithShared(suite, "goldens", "the reference models' files", async () => {
  const source = await openSafetensors(sharedPath("goldens/qwen2/model"));
  const bias = source.tensors.get("model.layers.1.self_attn.k_proj.bias");
  assert.equal(bias?.shape, [16]);
  assert.equal(source.tensors.get("lm_head.weight")?.shape, [97, 48]);
  for (const { name, shape } of source.tensors.values()) {
    const values = await source.read(name);
    assert.is(
      values.length,
      shape.reduce((a, b) => a * b, 1),
    );
    assert.ok(values.every(Number.isFinite), name);
  }
  await source.close();
});

suite.run();
