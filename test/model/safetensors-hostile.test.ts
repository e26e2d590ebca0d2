import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { openSafetensors } from "../../src/model/safetensors";
import { createRandom } from "../../src/statistics/random";
import { assertRefused, fuzz, temporaryFolder } from "./refusal";
import { safetensorsBytes } from "./safetensors-bytes";

const suite = createSuite("safetensors, hostile");
const folder = temporaryFolder();
suite.after(folder.remove);
const file = path.join(folder.path, "x.safetensors");

async function readAll(location: string): Promise<void> {
  const source = await openSafetensors(location);
  try {
    for (const name of source.tensors.keys()) await source.read(name);
  } finally {
    await source.close();
  }
}

async function refused(bytes: Buffer, message: RegExp, label: string): Promise<void> {
  writeFileSync(file, bytes);
  await assertRefused(() => readAll(file), message, label);
}

interface Info {
  dtype?: unknown;
  shape?: unknown;
  data_offsets?: unknown;
}
const info = (from: number, to: number, changes: Info = {}): Info => ({
  dtype: "F32",
  shape: [(to - from) / 4],
  data_offsets: [from, to],
  ...changes,
});
const withHeader = (header: unknown, dataBytes = 16): Buffer =>
  safetensorsBytes(JSON.stringify(header), Buffer.alloc(dataBytes));

suite("the header's frame", async () => {
  const good = JSON.stringify({ a: info(0, 16) });
  const data = Buffer.alloc(16);
  await refused(Buffer.alloc(0), /too short/, "empty");
  await refused(Buffer.alloc(7), /too short/, "seven bytes");
  await refused(safetensorsBytes(good, data, 2n ** 63n), /header of 9223372036854775808/, "2^63");
  await refused(safetensorsBytes(good, data, 100_000_001n), /does not fit/, "over the limit");
  await refused(safetensorsBytes(good, data, 1000n), /does not fit/, "longer than the file");
  await refused(safetensorsBytes(good, data, 0n), /not a JSON object/, "no header");
  await refused(safetensorsBytes(` ${good}`, data), /not a JSON object/, "leading space");
  await refused(safetensorsBytes("[]"), /not a JSON object/, "a list");
  await refused(safetensorsBytes(good.slice(0, -1), data), /not valid JSON/, "cut JSON");
  await refused(safetensorsBytes(Buffer.from([0x7b, 0xff, 0x7d])), /UTF-8/, "not UTF-8");
  await refused(safetensorsBytes('{"a":'.repeat(200000)), /nests too deeply/, "deep nesting");
  await refused(safetensorsBytes(`{"a":[${"0,".repeat(3e6)}0]}`), /too many values/, "values");
});

suite("the header's entries", async () => {
  const one = (changes: Info): Buffer => withHeader({ a: info(0, 16, changes) });
  await refused(one({ dtype: "F33" }), /unknown dtype "F33"/, "unknown dtype");
  await refused(one({ dtype: "F64" }), /do not match/, "wrong dtype");
  await refused(one({ dtype: "I32" }), /is I32; only/, "a dtype that cannot be read");
  await refused(one({ dtype: 3 }), /no valid dtype/, "dtype a number");
  await refused(one({ shape: [5] }), /do not match/, "shape");
  await refused(one({ shape: [-4, -1] }), /no valid/, "negative sizes");
  await refused(one({ shape: [2 ** 40, 2 ** 40] }), /overflow/, "shape overflow");
  await refused(one({ shape: [0.5, 8] }), /no valid/, "fraction");
  await refused(one({ data_offsets: [0] }), /no valid/, "one offset");
  await refused(one({ data_offsets: [16, 0] }), /do not match/, "reversed offsets");
  await refused(one({ data_offsets: [-16, 0] }), /no valid/, "negative offset");
  await refused(withHeader({ a: null }), /no valid/, "null");
  await refused(withHeader({ __metadata__: { a: 1 } }), /__metadata__/, "metadata");
  await refused(withHeader({ "a\nb": null }), /"a\\nb"/, "a line break in a name");
  const twice = `{"a":${JSON.stringify(info(0, 16))},"\\u0061":${JSON.stringify(info(0, 16))}}`;
  await refused(safetensorsBytes(twice, Buffer.alloc(16)), /key "a" twice/, "duplicate key");
  const field = '{"a":{"dtype":"F32","dtype":"F32","shape":[4],"data_offsets":[0,16]}}';
  await refused(safetensorsBytes(field, Buffer.alloc(16)), /"dtype" twice/, "duplicate field");
});

suite("the layout", async () => {
  await refused(withHeader({ a: info(0, 12), b: info(8, 16) }), /overlaps/, "overlap");
  await refused(withHeader({ a: info(0, 16), b: info(0, 16) }), /overlaps/, "same place");
  await refused(withHeader({ a: info(0, 4), b: info(8, 16) }), /hole/, "hole");
  await refused(withHeader({ a: info(4, 16) }), /hole/, "hole at the start");
  await refused(withHeader({ a: info(0, 20) }), /cut short/, "truncated");
  await refused(withHeader({ a: info(0, 2 ** 50) }), /cut short/, "offset beyond the end");
  await refused(withHeader({ a: info(0, 12) }), /goes on/, "bytes left over");
  await refused(withHeader({}), /goes on/, "no tensors but data");
});

suite("shards", async () => {
  const model = path.join(folder.path, "sharded");
  const inner = path.join(folder.path, "sharded", "shards.safetensors");
  mkdirSync(inner, { recursive: true });
  writeFileSync(path.join(folder.path, "outside.safetensors"), withHeader({ a: info(0, 16) }));
  const good = path.join(model, "good.safetensors");
  const index = async (text: string | Buffer, message: RegExp): Promise<void> => {
    writeFileSync(good, withHeader({ a: info(0, 16) }));
    writeFileSync(path.join(model, "model.safetensors.index.json"), text);
    await assertRefused(() => readAll(model), message, String(text));
    rmSync(good);
  };
  const map = (name: unknown): string => JSON.stringify({ weight_map: { a: name } });
  for (const name of [
    "../outside.safetensors",
    path.join(folder.path, "outside.safetensors"),
    "..\\outside.safetensors",
    "..",
    "",
    "a\0.safetensors",
    "C:outside.safetensors",
    "shards.safetensors/a.safetensors",
    ".hidden.safetensors",
    7,
  ]) {
    await index(map(name), /beside the index/);
  }
  await index(
    map("missing.safetensors"),
    /names 1 weight files, and missing\.safetensors is missing beside it/,
  );
  await index(map("shards.safetensors"), /is not a file/);
  await index('{"weight_map":{"b":"good.safetensors"}}', /lacks the tensor "b"/);
  await index('{"weight_map":{"a":"good.safetensors","a":"good.safetensors"}}', /twice/);
  await index('{"weight_map":[]}', /weight_map/);
  await index("[]", /weight_map/);
  await index("{", /not valid JSON/);
  await index(Buffer.from([0xff]), /UTF-8/);
});

suite("files that are not there", async () => {
  const missing = path.join(folder.path, "missing");
  await assertRefused(() => readAll(missing), /no such file or folder/, "missing");
  mkdirSync(missing);
  await assertRefused(() => readAll(missing), /neither model\.safetensors/, "empty folder");
  await assertRefused(() => readAll("/dev/null"), /not a file/, "a device");
  writeFileSync(file, withHeader({ a: info(0, 16) }));
  const source = await openSafetensors(file);
  await assertRefused(() => source.read("b"), /no tensor "b"/, "unknown name");
  await assertRefused(() => source.read("__proto__"), /no tensor/, "prototype");
  writeFileSync(file, Buffer.alloc(9));
  await assertRefused(() => source.read("a"), /cut short/, "cut while open");
  await source.close();
});

suite("thousands of damaged files throw nothing but one-line user errors", async () => {
  const header = JSON.stringify({
    __metadata__: { format: "pt" },
    "model.a": { dtype: "F32", shape: [2, 2], data_offsets: [0, 16] },
    "model.b": { dtype: "BF16", shape: [4], data_offsets: [16, 24] },
  });
  const bytes = safetensorsBytes(header, Buffer.alloc(24, 1));
  const random = createRandom("safetensors fuzz");
  const rounds = 2000;
  const count = await fuzz(bytes, 8 + header.length, file, rounds, random, () => readAll(file));
  assert.ok(count > rounds / 2 && count < rounds, `${count} of ${rounds} refused`);
});

suite.run();
