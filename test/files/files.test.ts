import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { canonicalJson, sha256OfFile, sha256OfText, writeFileAtomic } from "../../src/files/files";
import { withFolder } from "../run/temporary";

const test = suite("files");

test("a file is replaced whole, in a folder that is made if needed, with nothing left beside it", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "a", "b.txt");
    await writeFileAtomic(file, "first, and longer");
    await writeFileAtomic(file, new Uint8Array([111, 107]));
    assert.is(await readFile(file, "utf8"), "ok");
    assert.equal(await readdir(path.dirname(file)), ["b.txt"]);
  }));

test("a write that fails leaves neither a temporary file nor a damaged old one", () =>
  withFolder(async (folder) => {
    const inTheWay = path.join(folder, "folder");
    await writeFileAtomic(path.join(inTheWay, "kept"), "kept");
    let failed = false;
    await writeFileAtomic(inTheWay, "text").catch(() => (failed = true));
    assert.ok(failed);
    assert.equal(await readdir(folder), ["folder"]);
    assert.is(await readFile(path.join(inTheWay, "kept"), "utf8"), "kept");
  }));

test("SHA-256 of a file and of a text (the standard's example)", () =>
  withFolder(async (folder) => {
    const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    await writeFile(path.join(folder, "abc"), "abc");
    assert.is(await sha256OfFile(path.join(folder, "abc")), expected);
    assert.is(sha256OfText("abc"), expected);
  }));

test("canonical JSON does not depend on the order of keys", () => {
  assert.is(
    canonicalJson({ b: [1, { d: null, c: "é" }], a: true, u: undefined }),
    '{"a":true,"b":[1,{"c":"é","d":null}]}',
  );
  assert.is(canonicalJson({ x: 1, y: 2 }), canonicalJson({ y: 2, x: 1 }));
  assert.is.not(canonicalJson([1, 2]), canonicalJson([2, 1]));
});

test("canonical JSON refuses what JSON would change silently", () => {
  for (const value of [NaN, Infinity, { a: NaN }, [undefined], () => 1]) {
    assert.throws(() => canonicalJson(value), TypeError);
  }
});

test.run();
