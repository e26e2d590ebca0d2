import { execFileSync } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { describeEnvironment, readRecord, writeRecord, type RunRecord } from "../../src/run/record";
import { withFolder } from "./temporary";

const test = suite("record");

const record: RunRecord = {
  name: "knowledge--example",
  schema: 1,
  status: "complete",
  config: { model: "tiny:biographies", rounds: 1 },
  seeds: [1, 2],
  environment: {
    node: "20.0.0",
    engine: "wasm",
    engineVersion: "4.22.0",
    threads: 2,
    cpu: "a processor",
    gitCommit: null,
    gitDirty: null,
  },
  inputs: [{ name: "passages", source: "embedded", sha256: "0".repeat(64) }],
  rows: [
    {
      arm: "untouched",
      round: 0,
      n: 10,
      accuracy: 0.5,
      ci95: [0.2, 0.8],
      ungraded: 1,
      unparsable: 0,
      diverged: 0,
      exactMatch: 0.4,
      f1: 0.45,
      answerWords: 21.5,
      longAnswers: 0.7,
    },
  ],
  paper: [{ arm: "untouched", accuracy: 0.327, source: "Table 2" }],
  seconds: { total: 3, generate: 1, train: 1, answer: 1 },
};

async function message(action: Promise<unknown>): Promise<string> {
  const error: unknown = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, UserError);
  return (error as UserError).message;
}

test("a record is read back, from its folder or its file", () =>
  withFolder(async (folder) => {
    const file = await writeRecord(folder, record);
    assert.equal(await readRecord(folder), record);
    assert.equal(await readRecord(file), record);
    assert.equal(await readdir(folder), ["record.json"]);
  }));

test("what does not fit the schema is named, and nothing is written", () =>
  withFolder(async (folder) => {
    const wrong: [object, RegExp][] = [
      [{ ...record, rows: [{ ...record.rows[0], accuracy: 1.5 }] }, /rows\[0\]\.accuracy: /],
      [{ ...record, rows: [{ ...record.rows[0], longAnswers: 70 }] }, /rows\[0\]\.longAnswers: /],
      [{ ...record, rows: [{ ...record.rows[0], note: "x" }] }, /rows\[0\]: .*"note"/],
      [{ ...record, status: "partial" }, /status: /],
      [{ ...record, schema: 2 }, /schema: /],
      [{ ...record, seconds: { total: 1 } }, /seconds\.generate: /],
      [{ ...record, extra: 1 }, /the record: .*"extra"/],
    ];
    for (const [data, expected] of wrong) {
      assert.match(
        await message(writeRecord(path.join(folder, "new"), data as RunRecord)),
        expected,
      );
      const file = path.join(folder, "record.json");
      await writeFile(file, JSON.stringify(data));
      assert.match(await message(readRecord(folder)), expected);
    }
    assert.equal(await readdir(folder), ["record.json"]);
  }));

test("a missing or torn record is a user's mistake", () =>
  withFolder(async (folder) => {
    assert.match(
      await message(readRecord(path.join(folder, "none"))),
      /Cannot read the record .*none/,
    );
    await writeFile(path.join(folder, "record.json"), '{"name": ');
    assert.match(await message(readRecord(folder)), /record\.json is not JSON/);
  }));

test("the environment names the commit, and whether files differ from it", () =>
  withFolder(async (folder) => {
    const engine = { engine: "wasm", engineVersion: "1", threads: 1 };
    const outside = await describeEnvironment(engine, path.join(folder, "missing"));
    assert.is(outside.gitCommit, null);
    assert.is(outside.gitDirty, null);
    assert.is(outside.node, process.versions.node);
    await mkdir(path.join(folder, "checkout"));
    const checkout = path.join(folder, "checkout");
    const git = (...command: string[]): string =>
      execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.org", ...command], {
        cwd: checkout,
        encoding: "utf8",
      });
    git("init", "--quiet");
    await writeFile(path.join(checkout, "a"), "a");
    git("add", "a");
    git("commit", "--quiet", "-m", "first");
    const clean = await describeEnvironment({ ...engine, gpu: "a GPU" }, checkout);
    assert.is(clean.gitCommit, git("rev-parse", "HEAD").trim());
    assert.is(clean.gitDirty, false);
    assert.is(clean.gpu, "a GPU");
    await writeFile(path.join(checkout, "a"), "b");
    assert.is((await describeEnvironment(engine, checkout)).gitDirty, true);
  }));

test.run();
