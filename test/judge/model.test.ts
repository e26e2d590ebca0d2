import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import {
  createModelJudge,
  gradingPrompt,
  parseVerdict,
  type ModelJudge,
} from "../../src/judge/model";
import type { JudgeInput } from "../../src/judge/lexical";
import { createOpenAiClient, type OpenAiOptions } from "../../src/openai/client";
import { startServer, type TestServer } from "../openai/server";

const test = suite<{ cache: string }>("model as judge");

test.before.each(async (context) => {
  context.cache = await mkdtemp(path.join(tmpdir(), "seal-judge-"));
});
test.after.each(async ({ cache }) => {
  await rm(cache, { recursive: true });
});

const inputs: JudgeInput[] = Array.from({ length: 12 }, (_, i) => ({
  question: `What is number ${i}?`,
  gold: `gold ${i}`,
  answer: `answer ${i}`,
}));

const judgeAt = (
  server: TestServer,
  cache: string,
  more: Partial<OpenAiOptions> = {},
): ModelJudge =>
  createModelJudge(
    createOpenAiClient({
      baseUrl: server.baseUrl,
      model: "gpt-4.1",
      concurrency: 2,
      maxRetries: 1,
      firstWaitMs: 5,
      timeout: 0.5,
      ...more,
    }),
    { cacheDirectory: cache },
  );

/** Even numbers are right. */
const truth = (content: string): string =>
  Number(/number (\d+)/.exec(content)?.[1]) % 2 === 0 ? "Yes." : "no";

test("gives the model's verdicts in order, and asks about nothing twice", async ({ cache }) => {
  const server = await startServer((_, { body }) => ({
    kind: "reply",
    text: truth(body.messages[0].content),
  }));
  const first = await judgeAt(server, cache).judge([...inputs, inputs[0]]);
  assert.equal(first.verdicts, [
    ...inputs.map((_, i) => (i % 2 === 0 ? "correct" : "wrong")),
    "correct",
  ]);
  assert.equal([first.asked, first.cached, first.ungraded], [12, 0, 0]);
  const second = await judgeAt(server, cache).judge(inputs);
  assert.equal([second.asked, second.cached], [0, 12]);
  assert.is(server.received.length, 12);
  const other = await judgeAt(server, cache, { model: "gpt-4o" }).judge(inputs.slice(0, 1));
  assert.is(other.asked, 1, "another model's verdict is another verdict");
  await server.close();
});

test("each call is told of, failed or not, and each retry with its reason", async ({ cache }) => {
  const server = await startServer((_, { body }) =>
    body.messages[0].content.includes("number 3?")
      ? { kind: "status", status: 500 }
      : { kind: "reply", text: truth(body.messages[0].content) },
  );
  const reasons: string[] = [];
  let calls = 0;
  const { ungraded } = await judgeAt(server, cache, {
    onRetry: (reason) => reasons.push(reason),
  }).judge(inputs, () => calls++);
  assert.equal([calls, ungraded, reasons.length], [12, 1, 1]);
  assert.match(reasons[0], /HTTP 500/);
  await server.close();
});

test("killing the server mid-run loses no verdict; a second run asks only for what is missing", async ({
  cache,
}) => {
  const dying = await startServer(async (index, { body }) => {
    if (index === 5) await dying.close();
    return { kind: "reply", text: truth(body.messages[0].content) };
  });
  const first = await judgeAt(dying, cache).judge(inputs);
  const given = first.verdicts.filter((verdict) => verdict !== "ungraded").length;
  assert.ok(given >= 4 && given <= 5, `${given} verdicts before the server died`);
  assert.is(first.ungraded, 12 - given);
  assert.is((await verdictFiles(cache)).length, given);

  const next = await startServer((_, { body }) => ({
    kind: "reply",
    text: truth(body.messages[0].content),
  }));
  const second = await judgeAt(next, cache).judge(inputs);
  assert.equal(
    second.verdicts,
    inputs.map((_, i) => (i % 2 === 0 ? "correct" : "wrong")),
  );
  assert.equal([second.asked, second.cached, second.ungraded], [12 - given, given, 0]);
  assert.is(next.received.length, 12 - given);
  await next.close();
});

async function verdictFiles(cache: string): Promise<string[]> {
  return (await readdir(cache, { recursive: true })).filter((name) => name.endsWith(".json"));
}

test("failed calls and unclear replies are ungraded, and not kept", async ({ cache }) => {
  const server = await startServer((_, { body }) => {
    const content = body.messages[0].content;
    if (content.includes("number 0?")) return { kind: "status", status: 500 };
    if (content.includes("number 1?")) return { kind: "hang" };
    if (content.includes("number 2?")) return { kind: "reply", text: "yes and no" };
    if (content.includes("number 3?")) return { kind: "reply", text: "perhaps" };
    return { kind: "reply", text: "yes" };
  });
  const { verdicts, ungraded } = await judgeAt(server, cache).judge(inputs.slice(0, 5));
  assert.equal(verdicts, ["ungraded", "ungraded", "ungraded", "ungraded", "correct"]);
  assert.is(ungraded, 4);
  assert.is((await verdictFiles(cache)).length, 1);
  await server.close();
});

test("no verdict is read from a thought or a reply that is cut, and none of it is kept", async ({
  cache,
}) => {
  const replies = [
    { text: "<think>\nNo match? Let me", finish: "length" },
    { text: "<think>\nNo match? Let me" },
    { text: "Yes, the student's answer may", finish: "length" },
    { text: "<think>\nIs there no doubt?\n</think>\n\nyes" },
    { text: "no, or is it?\n</think>\nYes." },
    { text: "perhaps" },
    { text: "who knows" },
  ];
  const server = await startServer((_, { body }) => ({
    kind: "reply",
    ...replies[Number(/number (\d+)/.exec(body.messages[0].content)?.[1])],
  }));
  const { verdicts, reasons } = await judgeAt(server, cache).judge(inputs.slice(0, 7));
  assert.equal(verdicts.slice(3), ["correct", "correct", "ungraded", "ungraded"]);
  assert.equal(verdicts.slice(0, 3), ["ungraded", "ungraded", "ungraded"]);
  const [first, ...others] = reasons;
  assert.equal(first.count, 2);
  assert.match(first.reason, /^the reply is neither yes nor no: "(?:perhaps|who knows)"$/);
  assert.equal(Object.fromEntries(others.map(({ reason, count }) => [reason, count])), {
    "the reply ends in the middle of a thought": 1,
    "the reply was cut at 8 tokens": 1,
    "the reply was cut at 8 tokens while it was thinking": 1,
  });
  assert.is((await verdictFiles(cache)).length, 2);
  await server.close();
});

test("more tokens are asked for where a model thinks; the verdicts are the same ones", async ({
  cache,
}) => {
  const server = await startServer((_, { body }) =>
    (body.max_tokens ?? 0) < 100
      ? { kind: "reply", text: "<think>", finish: "length" }
      : { kind: "reply", text: "<think>no</think>yes" },
  );
  const judge = (replyTokens?: number): ModelJudge =>
    createModelJudge(createOpenAiClient({ baseUrl: server.baseUrl, model: "m" }), {
      cacheDirectory: cache,
      ...(replyTokens === undefined ? {} : { replyTokens }),
    });
  assert.equal((await judge().judge([inputs[0]])).verdicts, ["ungraded"]);
  assert.equal((await judge(2048).judge([inputs[0]])).verdicts, ["correct"]);
  assert.equal((await judge().judge([inputs[0]])).cached, 1);
  await server.close();
});

test("a blank answer is wrong without being asked about", async ({ cache }) => {
  const server = await startServer(() => ({ kind: "reply", text: "yes" }));
  const { verdicts, asked } = await judgeAt(server, cache).judge([{ ...inputs[0], answer: " \n" }]);
  assert.equal(verdicts, ["wrong"]);
  assert.is(asked, 0);
  assert.is(server.received.length, 0);
  await server.close();
});

test("sends nothing where the spending limit does not cover what is missing", async ({ cache }) => {
  const server = await startServer(() => ({ kind: "reply", text: "yes" }));
  const poor = judgeAt(server, cache, { spendingLimit: 0.0001 });
  let thrown: unknown;
  await poor.judge(inputs).catch((error: unknown) => (thrown = error));
  assert.instance(thrown, UserError);
  assert.is(server.received.length, 0);
  await judgeAt(server, cache).judge(inputs);
  assert.is((await poor.judge(inputs)).cached, 12, "what is kept costs nothing");
  await server.close();
});

for (const status of [400, 401])
  test(`HTTP ${status} stops the run, and no more is sent`, async ({ cache }) => {
    const server = await startServer(() => ({ kind: "status", status }));
    let thrown: unknown;
    await judgeAt(server, cache)
      .judge(inputs)
      .catch((error: unknown) => (thrown = error));
    assert.instance(thrown, UserError);
    assert.ok(server.received.length <= 3, `${server.received.length} calls`);
    await server.close();
  });

test("the prompt holds question, golds and answer", () => {
  const [{ content }] = gradingPrompt({ question: "Q?", gold: ["one", "two"], answer: " mine \n" });
  assert.match(content, "Question: Q?\nGold answer: one / two\nStudent's answer: mine\n");
});

test("reads yes and no as words only", () => {
  assert.is(parseVerdict("YES"), "correct");
  assert.is(parseVerdict("No, it is not."), "wrong");
  assert.is(parseVerdict("nothing of yesterday"), "ungraded");
});

test.run();
