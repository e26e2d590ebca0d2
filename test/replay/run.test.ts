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

test("reads the authors' layout, in a checkout or its folder", async ({ folder }) => {
  await writeLogs(folder, { "knowledge-incorporation/results/query_server/eval/base.json": base });
  for (const directory of [folder, path.join(folder, "knowledge-incorporation")]) {
    const log = await readLog(localFiles(directory), "eval/base.json");
    assert.is(log?.adapter.length, 13);
    assert.equal(log?.titles, ["Article 0", "Article 0", "Article 1", "Article 1"]);
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
    assert.equal(asked, ["/knowledge-incorporation/results/query_server/eval/base.json"]);
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
