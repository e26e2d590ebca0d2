import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { openGgufContainer } from "../../src/model/gguf/container";
import { openGguf, type GgufFile } from "../../src/model/gguf/model";
import { llama3RopeFactors } from "../../src/model/gguf/rope";
import {
  f32,
  floats,
  ggufBytes,
  modelEntries,
  modelTensors,
  text,
  u32,
  u64,
  type Entry,
} from "./gguf-bytes";
import { assertRefused, temporaryFolder } from "./refusal";

const suite = createSuite("gguf");
const fixtures = path.join(__dirname, "../fixtures/gguf");
const folder = temporaryFolder();
suite.after(folder.remove);

async function openBytes(bytes: Buffer): Promise<GgufFile> {
  const file = path.join(folder.path, "model.gguf");
  writeFileSync(file, bytes);
  return openGguf(file);
}

const bits = (values: Float32Array): Uint32Array =>
  new Uint32Array(values.buffer, values.byteOffset, values.length);

suite("every type dequantizes to the gguf package's bits", async () => {
  const file = await openGgufContainer(path.join(fixtures, "quants.gguf"));
  const expected = new Uint32Array(
    new Uint8Array(readFileSync(path.join(fixtures, "quants.f32"))).buffer,
  );
  let start = 0;
  const types = new Set<string>();
  for (const { name, dtype } of file.tensors.values()) {
    const { shape, values } = await file.readRaw(name);
    assert.equal(shape, [3, 512]);
    const wanted = expected.subarray(start, start + values.length);
    const actual = bits(values);
    const first = wanted.findIndex((value, i) => value !== actual[i]);
    assert.is(first, -1, `${name}, element ${first}`);
    start += values.length;
    types.add(dtype);
  }
  await file.close();
  assert.is(start, expected.length);
  assert.equal(
    [...types].sort(),
    "BF16 F16 F32 Q4_0 Q4_1 Q4_K Q5_0 Q5_1 Q5_K Q6_K Q8_0".split(" "),
  );
});

suite("metadata is plain data, exact for 64-bit integers", async () => {
  const file = await openGgufContainer(path.join(fixtures, "quants.gguf"));
  assert.is(file.metadata.get("test.large"), 2n ** 60n + 1n);
  assert.is(file.metadata.get("test.negative"), -(2 ** 40));
  assert.equal(file.metadata.get("test.strings"), ["one", "zwei", "\ufefftrois"]);
  assert.is(file.metadata.get("test.true"), true);
  await file.close();
});

suite("the config comes from the metadata", async () => {
  const eot = ["tokenizer.ggml.eot_token_id", 4, u32(0)] as const;
  const { bytes } = ggufBytes([...modelEntries("llama"), eot], modelTensors());
  const file = await openBytes(bytes);
  assert.equal(file.config, {
    family: "llama",
    hiddenSize: 4,
    intermediateSize: 2,
    layerCount: 1,
    headCount: 1,
    keyValueHeadCount: 1,
    headDim: 4,
    vocabularySize: 3,
    rmsNormEpsilon: 2 ** -20,
    ropeTheta: 500000,
    tiedHead: true,
    queryKeyValueBias: false,
    maximumPositions: 64,
    bosTokenId: 1,
    eosTokenIds: [2, 0],
  });
  await file.close();
});

suite("llama: q and k rows go back to Hugging Face's order, other tensors stay", async () => {
  const file = await openBytes(ggufBytes(modelEntries("llama"), modelTensors()).bytes);
  const reordered = [0, 1, 2, 3, 20, 21, 22, 23, 10, 11, 12, 13, 30, 31, 32, 33];
  const stored = [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33];
  const read = async (name: string): Promise<number[]> => [...(await file.read(name))];
  assert.equal(await read("model.layers.0.self_attn.q_proj.weight"), reordered);
  assert.equal(await read("model.layers.0.self_attn.k_proj.weight"), reordered);
  assert.equal(await read("model.layers.0.self_attn.v_proj.weight"), stored);
  assert.equal([...(await file.readRaw("blk.0.attn_q.weight")).values], stored);
  assert.equal(file.tensors.get("model.embed_tokens.weight"), {
    name: "model.embed_tokens.weight",
    dtype: "F32",
    shape: [3, 4],
  });
  assert.equal(file.tensors.get("model.layers.0.mlp.up_proj.weight")?.shape, [2, 4]);
  assert.is(file.tensors.size, 6);
  await file.close();
});

suite("qwen2: no reordering, biases, an untied head", async () => {
  const head = { name: "output.weight", dimensions: [4, 3], data: floats(Array(12).fill(7)) };
  const bias = { name: "blk.0.attn_k.bias", dimensions: [4], data: floats([1, 2, 3, 4]) };
  const { bytes } = ggufBytes(modelEntries("qwen2"), [...modelTensors(), head, bias]);
  const file = await openBytes(bytes);
  const query = await file.read("model.layers.0.self_attn.q_proj.weight");
  assert.equal([...query], [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33]);
  assert.equal([...(await file.read("model.layers.0.self_attn.k_proj.bias"))], [1, 2, 3, 4]);
  assert.equal([...(await file.read("lm_head.weight"))], Array(12).fill(7));
  assert.is(file.config.tiedHead, false);
  assert.is(file.config.queryKeyValueBias, true);
  await file.close();
});

suite("Llama 3's rope factors become its scaling", async () => {
  const scaling = {
    type: "llama3",
    factor: 32,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalMaximumPositions: 8192,
  } as const;
  // Head size 4 and base 500000: wavelengths 2 pi (untouched) and 2 pi * sqrt(500000) = 4443, between 2048 and 8192.
  const smooth = (8192 / (2 * Math.PI * Math.sqrt(500000)) - 1) / 3;
  const factors = [1, 1 / ((1 - smooth) / 32 + smooth)];
  assert.equal(llama3RopeFactors(scaling, { headDim: 4, ropeTheta: 500000 }), factors);
  // Only a head with a wavelength above 8192 shows the whole factor: base 4e6 gives 12566.
  const open = (values: readonly number[]): Promise<GgufFile> => {
    const entries = modelEntries("llama").map(([key, type, value]) =>
      key === "llama.rope.freq_base"
        ? ([key, type, f32(4e6)] as const)
        : ([key, type, value] as const),
    );
    const tensor = { name: "rope_freqs.weight", dimensions: [2], data: floats(values) };
    return openBytes(ggufBytes(entries, [...modelTensors(), tensor]).bytes);
  };
  const file = await open([1, 32]);
  assert.equal(file.config.ropeScaling, scaling);
  assert.equal([...(file.ropeFactors ?? [])], [1, 32]);
  assert.not.ok(file.tensors.has("rope_freqs.weight"));
  await file.close();
});

suite(
  "linear rope scaling: by its type, by a factor alone, by its older name; none, and no other",
  async () => {
    const key = (name: string): string => `llama.rope.${name}`;
    const scaling = async (...entries: Entry[]): Promise<unknown> => {
      const { bytes } = ggufBytes([...modelEntries("llama"), ...entries], modelTensors());
      const file = await openBytes(bytes);
      await file.close();
      return file.config.ropeScaling;
    };
    const type = (name: string): Entry => [key("scaling.type"), 8, text(name)];
    const factor: Entry = [key("scaling.factor"), 6, f32(4)];
    const linear = { type: "linear", factor: 4 };
    assert.equal(await scaling(type("linear"), factor), linear);
    assert.equal(await scaling(factor), linear);
    assert.equal(await scaling([key("scale_linear"), 6, f32(4)]), linear);
    assert.equal(await scaling([key("scale_linear"), 6, f32(8)], factor), linear);
    assert.is(await scaling(type("none"), factor), undefined);
    assert.is(await scaling([key("scaling.factor"), 6, f32(1)]), undefined);
    assert.is(await scaling([key("scaling.factor"), 6, f32(0)]), undefined);
    const refused: [Entry[], RegExp][] = [
      [[type("yarn"), factor], /rope\.scaling\.type is "yarn"; only "none" and "linear"/],
      [[[key("scaling.factor"), 6, f32(-2)]], /no sensible number/],
      [[[key("scaling.attn_factor"), 6, f32(2)]], /rope\.scaling\.attn_factor is 2/],
    ];
    for (const [entries, message] of refused)
      await assertRefused(() => scaling(...entries), message, String(message));
  },
);

suite("a header longer than the first read, and version 2", async () => {
  const long = [
    "long",
    9,
    Buffer.concat([u32(8), u64(3), ...Array<Buffer>(3).fill(text("x".repeat(2 ** 20)))]),
  ] as const;
  const { bytes } = ggufBytes([long, ...modelEntries("llama")], modelTensors(), { version: 2 });
  const file = await openBytes(bytes);
  assert.equal([...(await file.read("model.norm.weight"))], [0, 1, 2, 3]);
  await file.close();
});

suite.run();
