/** Where the native engine is looked for: one place for the set-up and the program, one name for each build. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cacheDirectory } from "../../src/files/cache";
import { cacheRoot, isComplete, nativeTargets, WHEELS } from "../../src/setup/location.cjs";
import { temporaryFolder } from "../run/temporary";

const location = suite("location");
const scratch = temporaryFolder(location, "location");
const onLinuxX64 = process.platform === "linux" && process.arch === "x64";

location("the set-up and the program agree on the cache", () => {
  assert.is(cacheRoot(), cacheDirectory());
  const { SEAL_CACHE, ...rest } = process.env;
  delete process.env.SEAL_CACHE;
  assert.is(cacheRoot(rest), cacheDirectory());
  if (SEAL_CACHE !== undefined) process.env.SEAL_CACHE = SEAL_CACHE;
});

location("every wheel is pinned by a whole SHA-256", () => {
  for (const { sha256 } of Object.values(WHEELS)) assert.match(sha256, /^[0-9a-f]{64}$/);
});

if (onLinuxX64) {
  location("an NVIDIA driver puts the CUDA build first, unless its GPUs are hidden", () => {
    writeFileSync(path.join(scratch, "nvidia-smi"), "");
    const kinds = (env: NodeJS.ProcessEnv): string[] => nativeTargets(env).map(({ kind }) => kind);
    assert.equal(kinds({ PATH: scratch }), ["cuda", "cpu"]);
    assert.equal(kinds({ PATH: scratch, CUDA_VISIBLE_DEVICES: "" }), ["cpu"]);
  });
}

location("a user's own libtensorflow has a key that changes with its files", () => {
  const libraries = path.join(scratch, "own", "lib");
  mkdirSync(libraries, { recursive: true });
  const target = (): ReturnType<typeof nativeTargets>[number] => {
    const env = { SEAL_LIBTENSORFLOW: path.join(scratch, "own"), SEAL_CACHE: scratch };
    const [first] = nativeTargets(env);
    return first ?? (assert.unreachable("no target") as never);
  };
  writeFileSync(path.join(libraries, "libtensorflow.so.2"), "one");
  const before = target();
  assert.is(before.kind, "custom");
  assert.is(before.key, target().key);
  assert.equal(before.custom?.names, ["libtensorflow.so.2"]);
  writeFileSync(path.join(libraries, "libtensorflow.so.2"), "other");
  assert.is.not(before.key, target().key);
});

location("a folder without its manifest is not a complete engine", () => {
  const [target] = nativeTargets({ SEAL_LIBTENSORFLOW: scratch, SEAL_CACHE: scratch });
  if (target === undefined) return assert.unreachable("no target");
  mkdirSync(target.folder, { recursive: true });
  assert.is(isComplete(target), false);
  writeFileSync(path.join(target.folder, "engine.json"), "{}");
  assert.is(isComplete(target), true);
});

location.run();
