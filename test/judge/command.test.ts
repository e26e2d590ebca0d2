import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { readAnswers } from "../../src/tasks/answers";
import { startServer, type TestServer } from "../openai/server";
import { makeLog } from "../replay/logs";

const test = suite<{ folder: string }>("seal judge");

test.before.each(async (context) => {
  context.folder = await mkdtemp(path.join(tmpdir(), "seal-judge-"));
});
test.after.each(async ({ folder }) => {
  await rm(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Not the blocking run of test/commands: the server lives in this process. `watch` gets the means to kill. */
function seal(args: string[], watch?: (kill: () => void) => void): Promise<Ended> {
  const root = path.join(__dirname, "../..");
  const child = spawn(
    process.execPath,
    ["-r", "tsx/cjs", path.join(root, "src/cli.ts"), "judge", ...args],
    { cwd: root, env: { ...process.env, OPENAI_API_KEY: "" } },
  );
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  watch?.(() => child.kill("SIGKILL"));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

const COUNT = 12;

async function writeAnswers(folder: string): Promise<string> {
  const file = path.join(folder, "answers.jsonl");
  const lines = Array.from({ length: COUNT }, (_, i) =>
    JSON.stringify({
      question: `What is number ${i}?`,
      gold: `Gold${i}`,
      answer: i % 3 === 0 ? "It is Lead." : `It is Gold${i}.`,
      arm: i < 6 ? "first" : "second",
    }),
  );
  await writeFile(file, `${lines.join("\n")}\n`);
  return file;
}

const numberIn = (content: string): number => Number(/number (\d+)\?/.exec(content)?.[1]);
const truth = (content: string): string => (numberIn(content) % 3 === 0 ? "no" : "yes");

const at = (server: TestServer, folder: string): string[] => [
  ...["--judge", "openai", "--base-url", server.baseUrl, "--model", "gpt-4.1"],
  ...["--concurrency", "2", "--cache", path.join(folder, "cache"), "--json"],
];

test("a log of SEAL's: agreement with the verdicts that it has", async ({ folder }) => {
  const file = path.join(folder, "log.json");
  await writeFile(file, JSON.stringify(makeLog([[["110"]], [["10"]]], 0.6)));
  const output = path.join(folder, "out.jsonl");
  const { code, stdout } = await seal([file, "--output", output]);
  assert.is(code, 0);
  const lines = (await readFile(output, "utf8")).trim().split("\n");
  assert.is(lines.length, 10);
  assert.is((JSON.parse(lines[5]) as { verdict: string }).verdict, "correct");
  assert.match(stdout, /baseline +0 +5 +0 +0\.000 +1\.000/);
  assert.match(stdout, /adapter +3 +2 +0 +0\.600 +1\.000 +1\.000 +0\.000/);
});

test("killed in the middle, it loses no verdict and asks only for what is missing", async ({
  folder,
}) => {
  const file = await writeAnswers(folder);
  let kill: (() => void) | undefined;
  const slow = await startServer((index, { body }) => {
    if (index < 5) return { kind: "reply", text: truth(body.messages[0].content) };
    // The fifth verdict is written while the next calls are on their way.
    if (index === 6) setTimeout(() => kill?.(), 500);
    return { kind: "hang" };
  });
  const first = await seal([file, ...at(slow, folder)], (stop) => (kill = stop));
  assert.is(first.code, null, "killed");
  await slow.close();

  const server = await startServer((index, { body }) => {
    const text = truth(body.messages[0].content);
    const bad = (["status", "cut", "raw"] as const)[index];
    if (bad === "status") return { kind: "status", status: 429, retryAfter: "0" };
    if (bad === "cut") return { kind: "cut" };
    if (bad === "raw") return { kind: "raw", body: "{" };
    return { kind: "reply", text };
  });
  const second = await seal([file, ...at(server, folder)]);
  assert.is(second.code, 0, second.stderr);
  assert.match(second.stderr, "7 asked, 5 found");
  assert.match(second.stderr, /7 calls, \d+ tokens in and at most 56 out: at most \$0\.\d{4}\./);
  assert.is(server.received.length, 7 + 3, "three went wrong and were asked again");
  const rows = JSON.parse(second.stdout) as { correct: number; ungraded: number }[];
  assert.equal(
    rows.map(({ correct, ungraded }) => [correct, ungraded]),
    [
      [4, 0],
      [4, 0],
    ],
  );
  await server.close();
});

test("where nothing was graded it says so, with the reasons, and ends as a failure", async ({
  folder,
}) => {
  const file = await writeAnswers(folder);
  const thinking = await startServer(() => ({
    kind: "reply",
    text: "<think>no",
    finish: "length",
  }));
  const output = path.join(folder, "out.jsonl");
  const { code, stdout, stderr } = await seal([file, ...at(thinking, folder), "--output", output]);
  assert.is(code, 2);
  assert.is(stdout, "");
  assert.match(
    stderr,
    "Nothing was graded, 12 asked: the reply was cut at 8 tokens while it was thinking (12).",
  );
  assert.match(stderr, "A thinking model needs more --reply-tokens");
  assert.not(existsSync(output));
  await thinking.close();

  const refusing = await startServer(() => ({
    kind: "status",
    status: 400,
    error: { message: "This model's maximum context length is 10 tokens." },
  }));
  const refused = await seal([file, ...at(refusing, folder)]);
  assert.is(refused.code, 2);
  assert.match(refused.stderr, "HTTP 400: This model's maximum context length is 10 tokens.");
  await refusing.close();
});

test("some ungraded: the reasons are counted, what it cost is said as far as it is known", async ({
  folder,
}) => {
  const file = await writeAnswers(folder);
  const server = await startServer((index, { body }) => {
    const text = truth(body.messages[0].content);
    if (index < 3) return { kind: "reply", text: `perhaps ${index}` };
    if (index > 3) return { kind: "reply", text };
    return { kind: "raw", body: JSON.stringify({ choices: [{ message: { content: text } }] }) };
  });
  const { code, stderr } = await seal([file, ...at(server, folder)]);
  assert.is(code, 0, stderr);
  assert.match(
    stderr,
    /12 asked, 0 found in .*, 3 ungraded \(another time those only are asked\):/,
  );
  assert.match(stderr, / {2}3: the reply is neither yes nor no: "perhaps \d"/);
  // Eleven replies of 100 and 10 tokens at 2 and 8 dollars for a million.
  assert.match(
    stderr,
    "$0.0031 by the endpoint's count of tokens; replies without a whole count: 1, and what",
  );
  await server.close();
});

test("a limit that is too low sends nothing", async ({ folder }) => {
  const file = await writeAnswers(folder);
  const server = await startServer(() => ({ kind: "reply", text: "yes" }));
  const poor = await seal([file, ...at(server, folder), "--spending-limit", "0.0001"]);
  assert.is(poor.code, 2);
  assert.match(poor.stderr, "Nothing was sent");
  assert.is(server.received.length, 0);
  await server.close();
});

test("a run's rollouts are joined with the golds of its passages", async ({ folder }) => {
  const file = path.join(folder, "rollouts.jsonl");
  const lines = [
    { arm: "untouched", answers: [{ question: "Where?", answer: "There.", verdict: "wrong" }] },
    { arm: "self-edits", status: "unparsable" },
  ];
  await writeFile(file, lines.map((line) => JSON.stringify(line)).join("\n"));
  const questions = path.join(folder, "squad.json");
  const qas = [{ id: "1", question: "Where?", answers: [{ text: "here" }, { text: "there" }] }];
  const data = [{ title: "T", paragraphs: [{ context: "Here and there.", qas }] }];
  await writeFile(questions, JSON.stringify({ data }));
  assert.equal(await readAnswers(file, questions), [
    {
      arm: "untouched",
      question: "Where?",
      gold: ["here", "there"],
      answer: "There.",
      verdict: "wrong",
    },
  ]);
});

test("mistakes in files are named", async ({ folder }) => {
  const cases: [string, string, RegExp][] = [
    ["odd.jsonl", '{"question": "Q?"}', /odd\.jsonl, line 1: a line has/],
    ["cut.jsonl", '{"question": "Q', /cut\.jsonl, line 1 is not JSON/],
    ["log.json", "{}", /log\.json is not a log/],
    ["empty.jsonl", "\n", /empty\.jsonl has no answers/],
    ["run.jsonl", '{"arm": "a", "answers": [{"question": "Nobody?", "answer": "x"}]}', /no gold/],
  ];
  for (const [name, content, message] of cases) {
    const file = path.join(folder, name);
    await writeFile(file, content);
    let thrown: unknown;
    await readAnswers(file).catch((error: unknown) => (thrown = error));
    assert.instance(thrown, UserError, name);
    assert.match((thrown as Error).message, message);
  }
});

test.run();
