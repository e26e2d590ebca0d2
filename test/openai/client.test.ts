import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { authorSelfEdits } from "../../src/openai/author";
import { createOpenAiClient, type OpenAiOptions } from "../../src/openai/client";
import { costOf, countRequestTokens, listPrice } from "../../src/openai/prices";
import type { ChatRequest } from "../../src/openai/request";
import { retryAfterMs, RetryableError, withRetries } from "../../src/openai/retry";
import { startServer, type Behaviour, type TestServer } from "./server";

const test = suite("OpenAI-compatible client");
const request: ChatRequest = {
  messages: [{ role: "user", content: "Is water wet?" }],
  maxTokens: 8,
  temperature: 0,
};

async function withServer(
  behave: Parameters<typeof startServer>[0],
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
      const { text, cut } = await clientFor(server, { apiKey: "secret\n" }).complete(request);
      assert.equal([text, cut], ["yes", false]);
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
        assert.is((await clientFor(server).complete(request)).text, "no");
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

test("a server that asks to wait for hours is not waited for", async () => {
  const settings = { maxRetries: 4, firstWaitMs: 5, longestWaitMs: 5 };
  let calls = 0;
  const error = await rejection(
    withRetries(() => {
      calls++;
      return Promise.reject(new RetryableError("HTTP 429", 7_200_000));
    }, settings),
  );
  assert.is(error.message, "HTTP 429 (it asks to wait 7200 s)");
  assert.is(calls, 1);
});

for (const status of [400, 401, 402, 403, 404, 422])
  test(`HTTP ${status} is the user's to put right, is not retried, and no more is sent`, async () => {
    await withServer(
      () => ({ kind: "status", status, error: { message: "Not like this." } }),
      async (server) => {
        const client = clientFor(server, { concurrency: 1 });
        const calls = await Promise.all([1, 2, 3].map(() => rejection(client.complete(request))));
        for (const error of calls) {
          assert.instance(error, UserError);
          assert.match(error.message, `HTTP ${status}: Not like this.`);
        }
        assert.is(server.received.length, 1);
      },
    );
  });

test("without money nothing is asked again", async () => {
  await withServer(
    () => ({ kind: "status", status: 429, error: { message: "No.", code: "insufficient_quota" } }),
    async (server) => {
      assert.instance(await rejection(clientFor(server).complete(request)), UserError);
      assert.is(server.received.length, 1);
    },
  );
});

const UNSUPPORTED = {
  max_tokens:
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
  temperature:
    "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
};

test("what a model does not take is found out once, said once, and left out from then on", async () => {
  await withServer(
    (_, { body }) => {
      for (const [param, message] of Object.entries(UNSUPPORTED))
        if (param in body) return { kind: "status", status: 400, error: { message, param } };
      return { kind: "reply", text: "yes" };
    },
    async (server) => {
      const notices: string[] = [];
      const client = clientFor(server, { onNotice: (notice) => notices.push(notice) });
      const replies = await Promise.all([1, 2, 3].map(() => client.complete(request)));
      assert.equal(
        replies.map(({ text }) => text),
        ["yes", "yes", "yes"],
      );
      assert.is(notices.length, 2);
      assert.match(notices[0], /wants max_completion_tokens in place of max_tokens: Unsupported/);
      assert.match(notices[1], /takes no temperature of 0; it uses its own: Unsupported/);
      const before = server.received.length;
      await client.complete(request);
      assert.is(server.received.length, before + 1);
      const { max_tokens, max_completion_tokens, temperature } = server.received[before].body;
      assert.equal([max_tokens, max_completion_tokens, temperature], [undefined, 8, undefined]);
    },
  );
});

test("a value that is out of range is no setting that is not taken", async () => {
  const messages = [
    "max_tokens is too large: 8. This model supports at most 4 completion tokens.",
    "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
  ];
  for (const message of messages)
    await withServer(
      () => ({ kind: "status", status: 400, error: { message } }),
      async (server) => {
        const error = await rejection(clientFor(server).complete({ ...request, temperature: 3 }));
        assert.instance(error, UserError);
        assert.ok(error.message.endsWith(message), error.message);
        assert.is(server.received.length, 1);
      },
    );
});

test("a key that no header can hold is refused, and not shown", async () => {
  await withServer(
    () => ({ kind: "reply", text: "yes" }),
    async (server) => {
      const error = await rejection(clientFor(server, { apiKey: "sk-a\nsk-b" }).complete(request));
      assert.instance(error, UserError);
      assert.not.match(error.message, "sk-");
      assert.is(server.received.length, 0);
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
      assert.is(costOf({ input: 2, output: 8 }, 100, 10), 0.00028);
      assert.equal(client.spent(), { dollars: 0.00028, uncounted: 0 });
    },
  );
});

test("what a reply costs that comes without a count is not known, and not nothing", async () => {
  const body = JSON.stringify({ choices: [{ message: { content: "yes" } }], usage: null });
  await withServer(
    (index) => (index === 0 ? { kind: "reply", text: "yes" } : { kind: "raw", body }),
    async (server) => {
      const client = clientFor(server, { spendingLimit: 0.0004 });
      for (let call = 0; call < 2; call++) await client.complete(request);
      assert.equal(client.spent(), { dollars: 0.00028, uncounted: 1 });
      // 0.00028 by the endpoint's count, at most 0.000086 for the other; another call may take as much.
      assert.instance(await rejection(client.requireAffordable([request])), UserError);
      const unpriced = clientFor(server, { model: "our-own" });
      await unpriced.complete(request);
      assert.equal(unpriced.spent(), { uncounted: 1 });
    },
  );
});

test("estimates tokens and dollars, and refuses in advance what the limit does not cover", async () => {
  await withServer(
    () => ({ kind: "reply", text: "yes" }),
    async (server) => {
      // "Is water wet?" is 4 tokens of o200k_base, "user" 1; 3 for the message and 3 for the reply's start.
      assert.is(await countRequestTokens(request.messages), 11);
      // The name of a special token is seven tokens of text.
      const named = { role: "user", content: "<|endoftext|>" } as const;
      assert.is(await countRequestTokens([named]), 14);
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
      index === 2
        ? { kind: "reply", text: "<think>\nWhat is a dog?", finish: "length" }
        : { kind: "reply", text: `<think>\nEdit?\n</think>\n edit ${index} ` },
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
      assert.equal(edits[1][0], {
        status: "failed",
        reason: "the reply was cut at 1024 tokens while it was thinking",
      });
      assert.equal(edits[1][1], { status: "ok", text: "edit 3" });
      assert.match(server.received[0].body.messages[0].content, "Cats purr.");
      assert.match(server.received[3].body.messages[0].content, "Dogs bark.");
    },
  );
});

test.run();
