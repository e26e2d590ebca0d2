/** Split GGUF models: read as one from whichever part, and refused in words where the parts are not whole. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { openGguf } from "../../src/model/gguf/model";
import { partsOf, splitName } from "../../src/model/gguf/split";
import { resolveModel } from "../../src/model/sources";
import { ggufBytes, modelEntries, modelTensors, u32, type Entry } from "./gguf-bytes";
import { assertRefused, temporaryFolder } from "./refusal";

const suite = createSuite("gguf, split");
const folder = temporaryFolder();
suite.after(folder.remove);

const short = (value: number): Buffer => u32(value).subarray(0, 2);

/** Writes the model in three parts of two tensors; returns their paths. */
function writeParts(
  name: string,
  change: (part: number) => Partial<Record<string, number>> = () => ({}),
): string[] {
  const place = path.join(folder.path, name);
  mkdirSync(place, { recursive: true });
  const tensors = modelTensors();
  return partsOf(path.join(place, "m-00001-of-00003.gguf")).map((file, part) => {
    const said = { no: part, count: 3, tensors: 6, from: 2 * part, ...change(part) };
    const keys: Entry[] = [
      ["split.no", 2, short(said.no)],
      ["split.count", 2, short(said.count)],
      ["split.tensors.count", 5, u32(said.tensors)],
    ];
    const entries = part === 0 ? [...modelEntries("llama"), ...keys] : keys;
    writeFileSync(file, ggufBytes(entries, tensors.slice(said.from, said.from + 2)).bytes);
    return file;
  });
}

suite("names", () => {
  assert.equal(splitName("a-b-00002-of-00012.gguf"), { stem: "a-b", part: 2, parts: 12 });
  for (const name of ["m.gguf", "m-1-of-2.gguf", "m-00003-of-00002.gguf", "m-00000-of-00002.gguf"])
    assert.equal(partsOf(name), [name]);
});

suite("any part opens the whole", async () => {
  const whole = path.join(folder.path, "whole.gguf");
  writeFileSync(whole, ggufBytes(modelEntries("llama"), modelTensors()).bytes);
  const expected = await openGguf(whole);
  for (const part of writeParts("sound")) {
    const file = await openGguf(part);
    assert.equal(file.config, expected.config);
    assert.equal([...file.tensors.keys()].sort(), [...expected.tensors.keys()].sort());
    for (const name of expected.tensors.keys())
      assert.equal(await file.read(name), await expected.read(name));
    await file.close();
  }
  await expected.close();
});

suite("a folder, and a file by its name, name all parts in the record", async () => {
  const parts = writeParts("resolved");
  for (const id of [path.dirname(parts[0]), parts[2]]) {
    const files = await resolveModel(`file:${id}`);
    assert.ok(files.kind === "gguf");
    assert.is(files.path, parts[0]);
    assert.equal(
      files.inputs.map(({ name }) => name),
      parts.map((part) => path.basename(part)),
    );
  }
});

suite("what is not whole is refused", async () => {
  const refused = async (id: string, message: RegExp): Promise<void> => {
    await assertRefused(() => resolveModel(`file:${id}`), message, id);
  };
  const missing = writeParts("missing");
  rmSync(missing[1]);
  const words = /split into 3 files, and m-00002-of-00003\.gguf is missing/;
  await refused(path.dirname(missing[0]), words);
  await refused(missing[0], words);
  await assertRefused(
    () => openGguf(missing[2]),
    /is a part of a split model, but m-00002-of-00003\.gguf is missing beside it/,
    "opened",
  );
  const renamed = writeParts("renamed");
  const other = path.join(path.dirname(renamed[0]), "other.gguf");
  renameSync(renamed[0], other);
  await assertRefused(
    () => openGguf(other),
    /split\.no 0 of split\.count 3; a part's name/,
    "name",
  );
  const wrong: [string, (part: number) => Partial<Record<string, number>>, RegExp][] = [
    [
      "order",
      (part) => (part === 1 ? { no: 2 } : {}),
      /00002-of-00003\.gguf says that it is split\.no 2/,
    ],
    ["count", (part) => (part === 2 ? { count: 4 } : {}), /split\.no 2 of split\.count 4/],
    [
      "repeated",
      (part) => (part === 2 ? { from: 2 } : {}),
      /repeats the tensor blk\.0\.attn_k\.weight/,
    ],
    ["few", () => ({ tensors: 7 }), /hold 6 tensors instead of 7/],
  ];
  for (const [name, change, message] of wrong) {
    const [first] = writeParts(name, change);
    await assertRefused(() => openGguf(first), message, name);
  }
});

suite.run();
