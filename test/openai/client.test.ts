import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { authorSelfEdits } from "../../src/openai/author";
import { createOpenAiClient, type ChatRequest, type OpenAiOptions } from "../../src/openai/client";
import { costOf, countRequestTokens, listPrice } from "../../src/openai/prices";
import { retryAfterMs } from "../../src/openai/retry";
import { startServer, type Behaviour, type TestServer } from "./server";

const test = suite("OpenAI-compatible client");
const request: ChatRequest = {
  messages: [{ role: "user", content: "Is water wet?" }],
  maxTokens: 8,
  temperature: 0,
};

async function withServer(
  behave: (index: number) => Behaviour | Promise<Behaviour>,
  body: (server: TestServer) => Promise<void>,
): Promise<void> {
  const server = await startServer(behave);
  try {
    await body(server);
  } finally {
    await server.close();
  }
}

const clientFor = (
  server: TestServer,
  more: Partial<OpenAiOptions> = {},
): ReturnType<typeof createOpenAiClient> =>
  createOpenAiClient({
    baseUrl: server.baseUrl,
    model: "gpt-4.1",
    firstWaitMs: 5,
    timeout: 0.3,
    ...more,
  });

const rejection = async (promise: Promise<unknown>): Promise<Error> => {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it did not fail");
};

test("sends the model, the messages and the key, and returns the reply", async () => {
  await withServer(
    () => ({ kind: "reply", text: "yes" }),
    async (server) => {
      assert.is(await clientFor(server, { apiKey: "secret" }).complete(request), "yes");
      const [received] = server.received;
      assert.is(received.path, "/v1/chat/completions");
      assert.is(received.authorization, "Bearer secret");
      assert.is(received.body.model, "gpt-4.1");
      assert.equal(received.body.messages, request.messages);
    },
  );
});

const MISBEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  "429": { kind: "status", status: 429 },
  "500": { kind: "status", status: 500 },
  hang: { kind: "hang" },
  "broken JSON": { kind: "raw", body: '{"choices": [' },
  "JSON of another shape": { kind: "raw", body: '{"choices": []}' },
  "cut connection": { kind: "cut" },
  "connection cut within the reply": { kind: "half" },
};

for (const [name, behaviour] of Object.entries(MISBEHAVIOURS)) {
  test(`gets the reply in the end: ${name}, twice`, async () => {
    await withServer(
      (index) => (index < 2 ? behaviour : { kind: "reply", text: "no" }),
      async (server) => {
        assert.is(await clientFor(server).complete(request), "no");
        assert.is(server.received.length, 3);
      },
    );
  });

  test(`gives up after the last retry: ${name}`, async () => {
    await withServer(
      () => behaviour,
      async (server) => {
        const error = await rejection(clientFor(server, { maxRetries: 1 }).complete(request));
        assert.not.instance(error, UserError);
        assert.is(server.received.length, 2);
      },
    );
  });
}

test("waits as long as Retry-After says", async () => {
  await withServer(
    (index) =>
      index === 0
        ? { kind: "status", status: 429, retryAfter: "0.4" }
        : { kind: "reply", text: "yes" },
    async (server) => {
      await clientFor(server).complete(request);
      const [first, second] = server.received;
      assert.ok(second.at - first.at >= 390, `waited ${second.at - first.at} ms`);
    },
  );
});

test("reads Retry-After as seconds or as a date", () => {
  assert.is(retryAfterMs("2", 0), 2000);
  assert.is(retryAfterMs(new Date(5000).toUTCString(), 2000), 3000);
  assert.is(retryAfterMs(new Date(1000).toUTCString(), 2000), 0);
  assert.is(retryAfterMs("soon", 0), undefined);
  assert.is(retryAfterMs(null, 0), undefined);
});

test("a refused key is the user's to put right, and is not retried", async () => {
  await withServer(
    () => ({ kind: "status", status: 401 }),
    async (server) => {
      assert.instance(await rejection(clientFor(server).complete(request)), UserError);
      assert.is(server.received.length, 1);
    },
  );
});

test("a bad request is not retried", async () => {
  await withServer(
    () => ({ kind: "status", status: 400 }),
    async (server) => {
      await rejection(clientFor(server).complete(request));
      assert.is(server.received.length, 1);
    },
  );
});

test("keeps to the concurrency limit and uses it", async () => {
  const slowReply = (): Promise<Behaviour> =>
    new Promise((resolve) => setTimeout(() => resolve({ kind: "reply", text: "yes" }), 30));
  await withServer(slowReply, async (server) => {
    const client = clientFor(server, { concurrency: 3, timeout: 5 });
    await Promise.all(Array.from({ length: 9 }, () => client.complete(request)));
    assert.is(server.received.length, 9);
    assert.is(server.mostAtOnce(), 3);
  });
});

test("counts what was spent by the endpoint's usage", async () => {
  await withServer(
    () => ({ kind: "reply", text: "yes" }),
    async (server) => {
      const client = clientFor(server);
      await client.complete(request);
      assert.is(client.spent(), costOf({ input: 2, output: 8 }, 100, 10));
      assert.is(client.spent(), 0.00028);
    },
  );
});

test("estimates tokens and dollars, and refuses in advance what the limit does not cover", async () => {
  await withServer(
    () => ({ kind: "reply", text: "yes" }),
    async (server) => {
      // "Is water wet?" is 4 tokens of o200k_base, "user" 1; 3 for the message and 3 for the reply's start.
      assert.is(await countRequestTokens(request.messages), 11);
      const client = clientFor(server, { spendingLimit: 0.0002 });
      const one = await client.requireAffordable([request]);
      assert.equal(one, {
        calls: 1,
        inputTokens: 11,
        outputTokens: 8,
        dollars: (2 * 11 + 8 * 8) / 1e6,
      });
      const error = await rejection(client.requireAffordable([request, request, request]));
      assert.instance(error, UserError);
      assert.is(server.received.length, 0);
      await client.complete(request);
      assert.instance(
        await rejection(client.requireAffordable([request])),
        UserError,
        "what was spent counts",
      );
    },
  );
});

test("a spending limit needs a price", () => {
  const options = { baseUrl: "http://localhost:1/v1", model: "our-own", spendingLimit: 1 };
  assert.throws(
    () => createOpenAiClient(options),
    (error: Error) => error instanceof UserError,
  );
  assert.is(createOpenAiClient({ ...options, price: { input: 0, output: 0 } }).model, "our-own");
  assert.equal(listPrice("gpt-4.1-2025-04-14"), listPrice("gpt-4.1"));
});

test("an address that is not one is refused", () => {
  assert.throws(
    () => createOpenAiClient({ baseUrl: "localhost:8000", model: "m" }),
    (e: Error) => e instanceof UserError,
  );
});

test("authors the wanted number of self-edits for each passage, and marks those that failed", async () => {
  await withServer(
    (index) =>
      index === 2 ? { kind: "status", status: 400 } : { kind: "reply", text: ` edit ${index} ` },
    async (server) => {
      const client = clientFor(server, { concurrency: 1 });
      const passages = [
        { title: "Cats", passage: "Cats purr." },
        { title: "Dogs", passage: "Dogs bark." },
      ];
      const edits = await authorSelfEdits(client, passages, { count: 2, prompt: "implications" });
      assert.equal(edits[0], [
        { status: "ok", text: "edit 0" },
        { status: "ok", text: "edit 1" },
      ]);
      assert.is(edits[1][0].status, "failed");
      assert.equal(edits[1][1], { status: "ok", text: "edit 3" });
      assert.match(server.received[0].body.messages[0].content, "Cats purr.");
      assert.match(server.received[3].body.messages[0].content, "Dogs bark.");
    },
  );
});

test.run();
