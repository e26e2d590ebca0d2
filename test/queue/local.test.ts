/** Groups split over two processes of this machine: each part as if executed here, policies with what was merged into them. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { loadModel } from "../../src/model/load";
import { openLocalExecutor, shares } from "../../src/queue/local";
import { inProcess, type GroupResult } from "../../src/restem/group";
import { fineTunePolicy } from "../../src/restem/policy";
import { smallGroup, writeSmallModel } from "./small-model";

const test = suite("local processes");
const folder = mkdtempSync(path.join(os.tmpdir(), "seal local "));
process.env.SEAL_ENGINE = "wasm";
test.after(() => rmSync(folder, { recursive: true }));

test("shares are as even as can be and lose nobody", () => {
  assert.equal(shares(5, 2), [3, 2]);
  assert.equal(shares(1, 3), [1, 0, 0]);
  assert.equal(shares(6, 3), [2, 2, 2]);
});

test("results equal those of the parts in this process, also of a fine-tuned policy", async () => {
  await writeSmallModel(path.join(folder, "model"));
  const model = await loadModel(`file:${path.join(folder, "model")}`);
  const candidates = [1, 2, 3].flatMap((number) => smallGroup(number).candidates).slice(0, 5);
  const work = { ...smallGroup(1), candidates };
  const parts = [candidates.slice(0, 3), candidates.slice(3)];
  const executor = openLocalExecutor(2);
  const policy = await fineTunePolicy(model, [{ prompt: "a b", completion: "c d" }], {
    rank: 2,
    epochs: 3,
    learningRate: 0.05,
  });
  try {
    // The base again at the end: a process must not keep what was merged for the policy.
    for (const one of [model, policy, model]) {
      let finished = 0;
      const own = await executor.execute(one, work, (count) => (finished += count));
      const concurrency = Math.ceil(work.concurrency / 2);
      const here: GroupResult["candidates"] = [];
      for (const part of parts)
        here.push(
          ...(await inProcess.execute(one, { ...work, candidates: part, concurrency })).candidates,
        );
      assert.is(finished, 5);
      const bare = (all: GroupResult["candidates"]): object[] =>
        all.map((one) => ({ ...one, seconds: 0 }));
      assert.equal(bare(own.candidates), bare(here));
    }
  } finally {
    executor.close();
  }
});

test.run();
