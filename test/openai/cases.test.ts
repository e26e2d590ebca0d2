/** The reference material's server, as judge and as author: what its README says is right. */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readAnswers } from "../../src/tasks/answers";
import { createModelJudge, type ModelJudgement } from "../../src/judge/model";
import { authorSelfEdits } from "../../src/openai/author";
import { createOpenAiClient, type OpenAiClient } from "../../src/openai/client";
import { sharedPath, testWithShared } from "../shared";

const test = suite("reported endpoints");
const FOLDER = "cases/openai-server";

/** Runs the server as `kind` while `body` uses it. */
async function withServer(
  kind: string,
  body: (client: OpenAiClient) => Promise<void>,
): Promise<void> {
  const port = await freePort();
  const server = spawn(process.execPath, [sharedPath(FOLDER, "server.js"), kind, String(port)], {
    stdio: "ignore",
  });
  try {
    const address = `http://127.0.0.1:${port}`;
    // It answers any request at all once it is there.
    while (
      !(await fetch(address).then(
        () => true,
        () => false,
      ))
    )
      await setTimeout(50);
    const client = createOpenAiClient({ baseUrl: `${address}/v1`, model: "m", firstWaitMs: 1 });
    await body(client);
  } finally {
    server.kill();
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** What came of the two answers, both right, and how many verdicts were kept. */
async function judged(client: OpenAiClient): Promise<ModelJudgement & { kept: number }> {
  const cacheDirectory = await mkdtemp(path.join(tmpdir(), "seal-cases-"));
  try {
    const answers = await readAnswers(sharedPath(FOLDER, "answers.jsonl"));
    const judgement = await createModelJudge(client, { cacheDirectory }).judge(answers);
    const files = await readdir(cacheDirectory, { recursive: true });
    return { ...judgement, kept: files.filter((name) => name.endsWith(".json")).length };
  } finally {
    await rm(cacheDirectory, { recursive: true });
  }
}

for (const kind of ["maxtokens", "think2", "array", "nousage", "usagepartial", "bold", "plain"])
  testWithShared(test, FOLDER, `${kind}: both are graded`, () =>
    withServer(kind, async (client) => {
      const { verdicts, kept } = await judged(client);
      assert.equal(verdicts, ["correct", "correct"]);
      assert.is(kept, 2);
      assert.is(client.spent().uncounted, kind.includes("usage") ? 2 : 0);
    }),
  );

for (const [kind, reason] of [
  ["think", "the reply ends in the middle of a thought"],
  ["nullcontent", "the reply is a thought without an answer"],
] as const)
  testWithShared(test, FOLDER, `${kind}: ungraded, said why, not kept`, () =>
    withServer(kind, async (client) => {
      const { verdicts, reasons, kept } = await judged(client);
      assert.equal(verdicts, ["ungraded", "ungraded"]);
      assert.equal(reasons, [{ reason, count: 2 }]);
      assert.is(kept, 0);
    }),
  );

for (const [kind, sentence] of [
  ["temperature", /HTTP 400: Unsupported value: 'temperature' does not support 0 with this model/],
  ["context", /HTTP 400: This model's maximum context length is 4096 tokens/],
  ["quota", /HTTP 429: You exceeded your current quota/],
  ["err200", /HTTP 200 with an error \(404\): No endpoints found/],
  ["sse", /a stream of events, which was not asked for/],
] as const)
  testWithShared(test, FOLDER, `${kind}: the run stops with the server's own words`, () =>
    withServer(kind, async (client) => {
      let message = "";
      await judged(client).catch((error: Error) => (message = `${error.name}: ${error.message}`));
      assert.match(message, /^UserError: /);
      assert.match(message, sentence);
    }),
  );

testWithShared(test, FOLDER, "think2: the self-edit is what follows the thought", () =>
  withServer("think2", async (client) => {
    const passages = [{ title: "T", passage: "P." }];
    const edits = await authorSelfEdits(client, passages, { count: 1, prompt: "implications" });
    assert.equal(edits, [[{ status: "ok", text: "yes" }]]);
  }),
);

testWithShared(test, FOLDER, "think: there is no self-edit in half a thought", () =>
  withServer("think", async (client) => {
    const passages = [{ title: "T", passage: "P." }];
    const [[edit]] = await authorSelfEdits(client, passages, { count: 1, prompt: "implications" });
    assert.equal(edit, { status: "failed", reason: "the reply ends in the middle of a thought" });
  }),
);

test.run();
