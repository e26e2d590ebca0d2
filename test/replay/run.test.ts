import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { githubFiles, localFiles } from "../../src/tasks/seal-files";
import { readLog } from "../../src/replay/released";
import { runReplay } from "../../src/replay/run";
import { makeLog, writeLogs } from "./logs";

const test = suite<{ folder: string }>("replay");

test.before.each(async (context) => {
  context.folder = await mkdtemp(path.join(tmpdir(), "seal-replay-"));
});
test.after.each(async ({ folder }) => {
  await rm(folder, { recursive: true });
});

const base = makeLog([[["110"]], [["10"]], [["0000"]], [["1111"]]], 0.5417);

test("recomputes, names what is missing and what does not fit, and writes no text", async ({
  folder,
}) => {
  await writeLogs(folder, {
    "eval/base.json": base,
    "eval/naive.json": makeLog([[["100"]], [["00"]], [["0000"]], [["1111"]]], 0.9),
  });
  const output = path.join(folder, "out");
  const lines: string[] = [];
  const summary = await runReplay({ data: folder, output, log: (line) => lines.push(line) });
  const own = summary.arms.find(({ arm }) => arm === "untrained self-edits");
  assert.is(own?.accuracy.value.toFixed(4), "0.5417", "(2/3 + 1/2 + 0 + 1) / 4");
  assert.is(own?.overQuestions, 7 / 13);
  assert.is(own?.matchesReleased, true);
  assert.is(summary.arms.find(({ arm }) => arm === "passage only")?.matchesReleased, false);
  assert.ok(
    summary.discrepancies.some((line) => line.includes("0.3333") && line.includes("0.9")),
    "0.9 was released",
  );
  assert.ok(summary.missing.includes("eval/iter2.json"));
  assert.is(summary.inputs.length, 2);
  assert.ok(lines.length > 3);
  for (const name of (await readdir(output)).filter((file) => /\.(json|md)$/.test(file))) {
    const text = await readFile(path.join(output, name), "utf8");
    assert.not.match(text, /What is number|Gold00|It is/, name);
  }
  const figures = await readdir(path.join(output, "figures"));
  for (const ending of ["json", "html", "svg", "png"])
    assert.ok(figures.includes(`knowledge-incorporation.${ending}`));
});

test("the later layout: prompts by author, 3B, a rubric, written texts; what a part lacks is named", async ({
  folder,
}) => {
  const right = (marks: readonly string[], overall: number): unknown =>
    makeLog(
      marks.map((own) => [[own]]),
      overall,
    );
  const server = "general-knowledge/results/query_server";
  const candidates = makeLog(
    [
      [
        ["10", "11"],
        ["00", "01"],
      ],
      [
        ["1", "1"],
        ["0", "1"],
      ],
    ],
    0.5625,
  ) as {
    articles: { completions: { stats: object; questions: object[]; proxy_scores?: object[] }[] }[];
  };
  const rubric = structuredClone(candidates);
  for (const { completions } of rubric.articles) {
    completions.forEach((own, c) => {
      own.questions = [];
      own.proxy_scores = [
        { length: 5 - c, diversity: 1, quality: 1, correctness: 1, final: 8 - c },
      ];
    });
  }
  candidates.articles.forEach(({ completions }) =>
    completions.forEach((own, c) => (own.stats = { adapter_mean: c ? 0.2 : 0.6, adapter_std: 0 })),
  );
  await writeLogs(folder, {
    [`${server}/eval/base.json`]: right(["110", "10", "0000", "1111"], 0.5417),
    [`${server}/eval/iter2.json`]: right(["111", "10", "0000", "1111"], 0.625),
    [`${server}/alternate_prompts/eval/base_prompt-rewrite.json`]: right(
      ["111", "11", "0000", "1111"],
      0.75,
    ),
    [`${server}/3B/eval/base.json`]: right(["100", "00", "0000", "1100"], 0.2083),
    [`${server}/train/rank_iter0.json`]: candidates,
    [`${server}/alternate_prompts/train/rank_iter0_proxy.json`]: rubric,
  });
  const output = path.join(folder, "out");
  const summary = await runReplay({ data: folder, output, log: () => undefined });
  assert.ok(summary.arms.every(({ matchesReleased }) => matchesReleased));
  assert.equal(
    summary.arms
      .filter(({ table }) => table === "3B")
      .map(({ arm, accuracy }) => [arm, accuracy.value]),
    [
      ["3B, untouched", 0],
      ["3B, untrained self-edits", (1 / 3 + 1 / 2) / 4],
    ],
  );
  const [first] = summary.predictors.rubric;
  assert.is(first.predictor, "rubric");
  assert.is(first.correlation.value.toFixed(6), "1.000000");
  assert.is(first.gain.value.toFixed(6), "0.200000");
  assert.equal(
    summary.written.records.map(({ prompt, author }) => `${prompt}, ${author}`),
    [
      "implications, untrained self-edits",
      "implications, round 2",
      "rewrite, untrained self-edits",
      "implications, 3B, untrained self-edits",
    ],
  );
  for (const missing of ["eval/gpt4_1.json", "eval-3B/iter2.json", "cpt-2067/base_2067.json"])
    assert.ok(summary.missing.includes(missing), missing);
  const readme = await readFile(path.join(output, "README.md"), "utf8");
  assert.match(readme, /more than SEAL's own prompt after two rounds.*rewrite 75\.0, \+12\.5/);
  assert.match(readme, "eval/gpt4_1.json");
  assert.not.match(readme, /What is number|Gold00|It is|Passage 0/);
  for (const figure of ["prompt-matrix", "models", "rubric", "longest", "written-length"])
    assert.ok(existsSync(path.join(output, "figures", `${figure}.png`)), figure);
});

test("a folder without logs is the user's mistake", async ({ folder }) => {
  assert.throws(
    () => localFiles(folder),
    (error: Error) => error instanceof UserError && error.message.includes(folder),
  );
});

test("a file of another form is named", async ({ folder }) => {
  await writeLogs(folder, { "eval/base.json": { overall: {} } });
  let thrown: unknown;
  await readLog(localFiles(folder), "eval/base.json").catch((error: unknown) => (thrown = error));
  assert.instance(thrown, UserError);
  assert.match((thrown as Error).message, "eval/base.json");
});

test("damaged data: the file is named, and nothing is written", async ({ folder }) => {
  const cut = JSON.stringify(base).slice(0, -20);
  const shorter = makeLog([[["110"]]], 0.5);
  const cases: [string, unknown, RegExp][] = [
    ["eval/naive.json", cut, /eval\/naive\.json is not JSON.*\n.*get it again/],
    ["eval/naive.json", "", /eval\/naive\.json is not JSON/],
    ["eval/naive.json", shorter, /eval\/naive\.json has not the passages of eval\/base\.json/],
    ["train/rank_iter0.json", makeLog([[["1"]], [["1", "0"]]], 0.5), /candidates or repeats/],
    ["continual/overall_results.json", { mean_over_sequences: [[1]] }, /a row for each update/],
  ];
  const output = path.join(folder, "out");
  for (const [name, content, message] of cases) {
    await writeLogs(folder, { "eval/base.json": base });
    await writeLogs(folder, { [name]: content });
    if (typeof content === "string") await writeFile(path.join(folder, name), content);
    let thrown: unknown;
    await runReplay({ data: folder, output, log: () => undefined }).catch(
      (error: unknown) => (thrown = error),
    );
    assert.instance(thrown, UserError, `${name}: ${String(thrown)}`);
    assert.match((thrown as Error).message, message);
    assert.ok((thrown as Error).message.split("\n").length <= 2);
    assert.not.ok(existsSync(output));
    await rm(path.join(folder, name));
  }
});

test("reads the authors' layouts, in a checkout or its folder", async ({ folder }) => {
  for (const inside of ["knowledge-incorporation", "general-knowledge"]) {
    const checkout = path.join(folder, `checkout of ${inside}`);
    await writeLogs(checkout, { [`${inside}/results/query_server/eval/base.json`]: base });
    for (const directory of [checkout, path.join(checkout, inside)]) {
      const log = await readLog(localFiles(directory), "eval/base.json");
      assert.is(log?.adapter.length, 13);
      assert.equal(log?.titles, ["Article 0", "Article 0", "Article 1", "Article 1"]);
    }
  }
});

test("fetches a file once, and says what to do without a network", async ({ folder }) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    if (request.url?.endsWith("/base.json")) response.end(JSON.stringify(base));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  process.env.SEAL_CACHE = folder;
  try {
    for (let i = 0; i < 2; i++) assert.ok(await readLog(githubFiles(address), "eval/base.json"));
    assert.equal(asked, ["/general-knowledge/results/query_server/eval/base.json"]);
    assert.is(await githubFiles(address).read("eval/none.json"), undefined);
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    let thrown: unknown;
    await githubFiles(address)
      .read("eval/other.json")
      .catch((error: unknown) => (thrown = error));
    assert.instance(thrown, UserError);
    assert.match((thrown as Error).message, "--data");
  } finally {
    delete process.env.SEAL_CACHE;
    server.close();
  }
});

test.run();
