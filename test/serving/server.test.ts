/** Generation at a server that loads adapters: the same answers as here, and one line for everything that is wrong there. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { mergeAdapter } from "../../src/lora/files";
import { generate } from "../../src/lora/generate";
import { trainAdapters } from "../../src/lora/train";
import { disposeModel, loadModel, type Model } from "../../src/model/load";
import { inProcess, type GroupResult } from "../../src/restem/group";
import type { PolicyModel } from "../../src/restem/policy";
import { combinedAdapter } from "../../src/serving/combine";
import { openServer, type ServerOptions } from "../../src/serving/server";
import { smallGroup, writeSmallModel } from "../queue/small-model";
import { startFakeServer, type Faults, type FakeServer } from "./vllm";

const test = suite("serving");
process.env.SEAL_ENGINE = "wasm";
const folder = mkdtempSync(path.join(os.tmpdir(), "seal serving "));
const adapters = path.join(folder, "adapters");
mkdirSync(adapters);
let model: Model;
let policy: PolicyModel;
test.before(async () => {
  await writeSmallModel(path.join(folder, "model"));
  model = await loadModel(`file:${path.join(folder, "model")}`);
  policy = { ...model, merged: [] };
  for (const [rank, ids] of [
    [2, [5, 6, 7, 8]],
    [3, [9, 4, 3, 8]],
  ] as const) {
    const settings = { rank, alpha: 5, epochs: 3, learningRate: 0.05 };
    const [{ adapter }] = await trainAdapters(policy, [{ sequences: [{ ids }], settings }]);
    assert.ok(adapter);
    policy = { ...mergeAdapter(policy, adapter), merged: [...policy.merged, adapter] };
  }
});
test.after(() => rmSync(folder, { recursive: true }));

async function withServer(
  faults: Faults,
  body: (server: FakeServer) => Promise<void>,
): Promise<void> {
  const server = await startFakeServer(model, faults);
  try {
    await body(server);
  } finally {
    await server.close();
  }
}

const options = (server: FakeServer, more: Partial<ServerOptions> = {}): ServerOptions => ({
  url: server.url,
  adapters,
  rank: 16,
  timeout: 20,
  firstWaitMs: 5,
  ...more,
});

const timeless = ({ candidates }: GroupResult): unknown =>
  candidates.map(({ status, answers, training }) => ({ status, answers, training }));

test("adapters in one: the same logits' choices as the weights that they were merged into", async () => {
  const one = combinedAdapter(model.config, policy.merged);
  assert.equal([one.rank, one.alpha], [5, 5]);
  const prompts = [
    [3, 4, 5],
    [9, 8, 7, 6],
  ];
  const texts = async (of: Model, more = {}): Promise<string[]> =>
    (await generate(of, prompts, { maximumTokens: 8, ...more })).map(({ text }) => text);
  const merged = await texts(policy);
  assert.equal(await texts(model, { adapter: one }), merged);
  assert.not.equal(await texts(model), merged);
  const weights = mergeAdapter(model, one);
  const [a, b] = [weights, policy].map(({ weights: { layers } }) =>
    layers[0].queryKeyValue.dataSync(),
  );
  assert.ok(a.every((value, i) => Math.abs(value - b[i]) < 1e-5));
  disposeModel(weights);
});

test("answers through the server are those of this process, for the base and for a fine-tuned policy", async () => {
  await withServer({}, async (server) => {
    const executor = await openServer(options(server), model);
    for (const of of [model, policy]) {
      const group = { ...smallGroup(1, 4), stop: [" xyz"] };
      assert.equal(
        timeless(await executor.execute(of, group)),
        timeless(await inProcess.execute(of, group)),
      );
    }
    const untrained = { ...smallGroup(2), candidates: [{ settings: {}, prompts: [[5, 6]] }] };
    assert.equal(
      timeless(await executor.execute(model, untrained)),
      timeless(await inProcess.execute(model, untrained)),
    );
    const [[written]] = await executor.generate(policy, [{ prompts: [[4, 5, 6]] }], {
      maximumTokens: 6,
    });
    const [own] = await generate(policy, [[4, 5, 6]], { maximumTokens: 6 });
    assert.is(written.text, own.text);
    assert.is(server.loaded.size, 0);
    assert.is(readdirSync(adapters).length, 0);
    // A probe, two candidates twice, and the policy once.
    assert.is(
      server.requests.filter((route) => route === "load_lora_adapter").length,
      1 + 2 + 2 + 1,
    );
  });
});

for (const answer of ["busy", "rubbish", "cut", "error"] as const) {
  test(`a server that is ${answer} at first is asked again`, async () => {
    await withServer({ first: { count: 2, answer } }, async (server) => {
      const executor = await openServer(options(server), model);
      assert.is((await executor.execute(model, smallGroup(1))).candidates[0].status, "ok");
    });
  });
}

const mistakes: [name: string, faults: Faults, more: Partial<ServerOptions>, message: RegExp][] = [
  ["another model", { models: ["a", "b"] }, { model: "c" }, /has no model "c": it serves a, b/],
  ["several models", { models: ["a", "b"] }, {}, /Say which model .*a, b/],
  ["no adapters at all", { noAdapters: true }, {}, /start vLLM with --enable-lora/],
  ["no adapters at run time", { noRuntimeAdapters: true }, {}, /VLLM_ALLOW_RUNTIME_LORA_UPDATING/],
  [
    "a rank too large",
    { largestRank: 8 },
    {},
    /no adapter of rank 16 .*greater than max_lora_rank 8/,
  ],
  ["a folder that it does not see", { otherDisk: true }, {}, /a folder that it must see too/],
  ["no address", {}, { url: "localhost" }, /not an http address/],
  ["nobody there", {}, { url: "http://127.0.0.1:59998/v1" }, /No server at .*ECONNREFUSED/],
  [
    "never anything but rubbish",
    { first: { count: 99, answer: "rubbish" } },
    {},
    /does not answer: .*no completion/,
  ],
  [
    "an error in every reply",
    { first: { count: 99, answer: "error" } },
    {},
    /does not answer: HTTP 200 with an error .*The engine is starting\./,
  ],
  [
    "a web page",
    { first: { count: 99, answer: "page" } },
    {},
    /a web page \("Welcome"\), not JSON/,
  ],
];
for (const [name, faults, more, message] of mistakes)
  test(`said in one line: ${name}`, async () => {
    await withServer(faults, async (server) => {
      let error: unknown;
      await openServer(options(server, more), model).catch((thrown: unknown) => (error = thrown));
      assert.instance(error, UserError);
      assert.match((error as UserError).message, message);
      assert.is((error as UserError).message.split("\n").length, 1);
      assert.is(readdirSync(adapters).length, 0);
    });
  });

test.run();
