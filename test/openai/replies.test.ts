/** Every form of reply and refusal that OpenAI-compatible endpoints are known to send: read right, or said in words. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { jsonOf } from "../../src/openai/answers";
import { readReply, type ChatReply } from "../../src/openai/reply";
import { RetryableError } from "../../src/openai/retry";

const test = suite("endpoints' replies");

interface Given {
  readonly status?: number;
  readonly type?: string;
  readonly retryAfter?: string;
}

function read(
  body: unknown,
  { status = 200, type, retryAfter }: Given = {},
): ReturnType<typeof readReply> {
  const json = jsonOf("http://h/v1/chat/completions", {
    status,
    body: typeof body === "string" ? body : JSON.stringify(body),
    contentType: type ?? "application/json",
    retryAfter: retryAfter ?? null,
  });
  return readReply(json, 8);
}

const choice = (message: object, finish: string | null = "stop", more = {}): object => ({
  choices: [
    { index: 0, message: { role: "assistant", ...message }, finish_reason: finish, ...more },
  ],
});

const replies: [name: string, body: object, reply: ChatReply][] = [
  ["a text", choice({ content: " yes" }), { text: " yes", cut: false }],
  ["no reason for its end", choice({ content: "yes" }, null), { text: "yes", cut: false }],
  [
    "nothing but the message",
    { choices: [{ message: { content: "yes" } }] },
    { text: "yes", cut: false },
  ],
  ["error: null", { ...choice({ content: "yes" }), error: null }, { text: "yes", cut: false }],
  [
    "parts",
    choice({
      content: [
        { type: "text", text: "y" },
        { type: "text", text: "es" },
      ],
    }),
    { text: "yes", cut: false },
  ],
  [
    "parts of the newer type, and bare ones",
    choice({ content: [{ type: "output_text", text: "y" }, "es"] }),
    { text: "yes", cut: false },
  ],
  [
    "a thought as a part of its own",
    choice({
      content: [
        { type: "thinking", thinking: [{ type: "text", text: "no" }] },
        { type: "text", text: "yes" },
      ],
    }),
    { text: "yes", cut: false },
  ],
  [
    "a thought in a field of its own",
    choice({ content: "yes", reasoning_content: "no, no" }),
    { text: "yes", cut: false },
  ],
  [
    "a thought in its text",
    choice({ content: "<think>no</think>\nyes" }),
    { text: "yes", cut: false },
  ],
  [
    "cut",
    choice({ content: "Yes, as the answer" }, "length"),
    { text: "Yes, as the answer", cut: true },
  ],
  ["cut, as others say it", choice({ content: "Yes," }, "MAX_TOKENS"), { text: "Yes,", cut: true }],
];
for (const [name, body, reply] of replies)
  test(`read: ${name}`, () => assert.equal(read(body).reply, reply));

const without: [name: string, body: object, problem: RegExp, cut?: boolean][] = [
  [
    "a thought that is cut",
    choice({ content: "<think>no" }, "length"),
    /cut at 8 tokens while it was thinking/,
    true,
  ],
  ["a thought that just ends", choice({ content: "<think>no" }), /ends in the middle of a thought/],
  [
    "null, thought apart, cut",
    choice({ content: null, reasoning_content: "no" }, "length"),
    /cut at 8 tokens while it was thinking/,
    true,
  ],
  [
    "null, thought apart",
    choice({ content: null, reasoning: "no" }),
    /is a thought without an answer/,
  ],
  [
    "an empty text, cut",
    choice({ content: "" }, "length"),
    /cut at 8 tokens before it said anything/,
    true,
  ],
  ["an empty text", choice({ content: "" }), /is empty/],
  ["no content at all", choice({}), /is empty/],
  [
    "a refusal",
    choice({ content: null, refusal: "I can't\nhelp." }),
    /is a refusal: I can't help\./,
  ],
  [
    "a refusal as a part",
    choice({ content: [{ type: "refusal", refusal: "No." }] }),
    /is a refusal: No\./,
  ],
  ["a content filter", choice({ content: "ye" }, "content_filter"), /content filter/],
  [
    "a tool call",
    choice({ content: null, tool_calls: [{ id: "1" }] }, "tool_calls"),
    /calls a tool/,
  ],
  [
    "a picture",
    choice({ content: [{ type: "image_url", image_url: { url: "x" } }] }),
    /no text, but image_url/,
  ],
  ["a number", choice({ content: 7 }), /unknown form/],
];
for (const [name, body, problem, cut = false] of without)
  test(`no answer: ${name}`, () => {
    const { reply } = read(body);
    assert.equal([reply.text, reply.cut], ["", cut]);
    assert.match(reply.problem ?? "", problem);
  });

const counts: [name: string, usage: unknown, counted?: [number, number]][] = [
  ["whole", { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }, [10, 5]],
  ["without a total", { prompt_tokens: 10, completion_tokens: 5 }, [10, 5]],
  [
    "thoughts in the total only",
    { prompt_tokens: 10, completion_tokens: 5, total_tokens: 115 },
    [10, 105],
  ],
  ["null", null],
  ["missing", undefined],
  ["incomplete", { prompt_tokens: 3, total_tokens: 3 }],
  ["half null", { prompt_tokens: 3, completion_tokens: null }],
  ["nothing but zeros", { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }],
  ["words", "none"],
];
for (const [name, usage, counted] of counts)
  test(`the count of tokens: ${name}`, () => {
    const { reply, usage: found } = read({ ...choice({ content: "yes" }), usage });
    assert.is(reply.text, "yes");
    assert.equal(found && [found.inputTokens, found.outputTokens], counted);
  });

const page = "<!DOCTYPE html><html><head><title>\n Sign in </title></head><body>…</body></html>";
const openAi = (message: string, more = {}): object => ({ error: { message, ...more } });

/** What asking again does not mend: a UserError in the server's words, of one line. */
const refusals: [name: string, body: unknown, given: Given, message: RegExp][] = [
  [
    "400",
    openAi("This model's maximum context length is 4096 tokens"),
    { status: 400 },
    /HTTP 400: This model's maximum context length is 4096 tokens$/,
  ],
  [
    "401",
    openAi("Incorrect API key provided: sk-x."),
    { status: 401 },
    /HTTP 401: Incorrect API key provided: sk-x\. \(check the key\)/,
  ],
  ["402", openAi("Insufficient Balance"), { status: 402 }, /HTTP 402: Insufficient Balance/],
  ["403", "Forbidden", { status: 403 }, /HTTP 403: Forbidden \(check the key/],
  ["404", { detail: "Not Found" }, { status: 404 }, /HTTP 404: Not Found \(check the address/],
  ["404 of Ollama", { error: "model 'm' not found" }, { status: 404 }, /model 'm' not found/],
  ["413", "", { status: 413 }, /HTTP 413: \(no message\)/],
  [
    "422 of FastAPI",
    { detail: [{ loc: ["body", "model"], msg: "Field required" }] },
    { status: 422 },
    /HTTP 422: body\.model: Field required/,
  ],
  [
    "a list, as Google's",
    [openAi("API key\nnot valid.")],
    { status: 400 },
    /HTTP 400: API key not valid\./,
  ],
  [
    "OpenRouter's words and its provider's",
    openAi("Provider returned error", { metadata: { raw: "too long" } }),
    { status: 400 },
    /Provider returned error: too long/,
  ],
  [
    "429 without money",
    openAi("You exceeded your current quota.", {
      type: "insufficient_quota",
      code: "insufficient_quota",
    }),
    { status: 429 },
    /HTTP 429: You exceeded your current quota\./,
  ],
  [
    "200 with an error",
    openAi("No endpoints found", { code: 404 }),
    {},
    /HTTP 200 with an error \(404\): No endpoints found/,
  ],
  [
    "200 with a named error",
    openAi("No such model", { type: "invalid_request_error", code: null }),
    {},
    /HTTP 200 with an error: No such model/,
  ],
  [
    "200 with vLLM's older error",
    { object: "error", message: "Only 4096 tokens", code: 400 },
    {},
    /with an error \(400\): Only 4096 tokens/,
  ],
  [
    "a stream",
    'data: {"choices":[{"delta":{"content":"yes"}}]}\n\ndata: [DONE]\n\n',
    { type: "text/event-stream" },
    /stream of events, which was not asked for/,
  ],
  [
    "a stream that is called JSON",
    ": ping\n\ndata: {}\n\n",
    { type: "text/event-stream; charset=utf-8" },
    /stream of events/,
  ],
  ["a stream without a type", "data: {}\n\n", { type: "" }, /stream of events/],
  [
    "a web page",
    page,
    { type: "text/html" },
    /web page \("Sign in"\), not JSON: is the base URL right/,
  ],
];
for (const [name, body, given, message] of refusals)
  test(`refused: ${name}`, () => {
    let error: unknown;
    try {
      read(body, given);
    } catch (thrown) {
      error = thrown;
    }
    assert.instance(error, UserError);
    assert.match((error as UserError).message, message);
    assert.not.match((error as UserError).message, "\n");
  });

/** What may pass. */
const troubles: [name: string, body: unknown, given: Given, message: RegExp][] = [
  [
    "429",
    openAi("Rate limit reached", { type: "requests", code: "rate_limit_exceeded" }),
    { status: 429, retryAfter: "2" },
    /HTTP 429 from http.*: Rate limit reached/,
  ],
  [
    "502, a page",
    "<html><head><title>502 Bad Gateway</title></head></html>",
    { status: 502 },
    /HTTP 502 .*: 502 Bad Gateway/,
  ],
  [
    "200 with an error that may pass",
    openAi("Overloaded", { code: 503 }),
    {},
    /HTTP 200 with an error \(503\) from .*: Overloaded/,
  ],
  ["200 with a message", { message: "try later" }, {}, /HTTP 200 with an error .*try later/],
  ["half a reply", '{"choices": [', {}, /unreadable reply: {"choices": \[/],
  ["nothing", "", {}, /unreadable reply: \(nothing\)/],
  ["a number", "7", {}, /unreadable reply: 7/],
  ["no choice", { choices: [] }, {}, /no chat completion: choices/],
  ["no message", { choices: [{ text: "yes" }] }, {}, /no chat completion: choices\.0\.message/],
  [
    "broken off",
    choice({ content: "ye" }, "error", { error: { message: "upstream died", code: 502 } }),
    {},
    /broke off: upstream died/,
  ],
];
for (const [name, body, given, message] of troubles)
  test(`asked again: ${name}`, () => {
    let error: unknown;
    try {
      read(body, given);
    } catch (thrown) {
      error = thrown;
    }
    assert.instance(error, RetryableError);
    assert.match((error as Error).message, message);
    assert.is((error as RetryableError).waitMs, given.retryAfter === undefined ? undefined : 2000);
  });

test.run();
