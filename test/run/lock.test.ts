import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { acquireLock } from "../../src/run/lock";
import { withFolder } from "./temporary";

const test = suite("lock");

async function refusal(file: string): Promise<string> {
  const error: unknown = await acquireLock(file).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, UserError);
  return (error as UserError).message;
}

test("a second run is told who has the lock; after release it gets it", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "run", "lock");
    const lock = await acquireLock(file);
    assert.match(await refusal(file), `already going on, in process ${process.pid}.`);
    await lock.release();
    await (await acquireLock(file)).release();
    assert.equal(await readdir(path.dirname(file)), []);
  }));

test("of many that start at once exactly one gets the lock of a dead process, every time", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "lock");
    const dead = { id: "old", pid: await deadProcess(), host: os.hostname() };
    for (let round = 0; round < 40; round++) {
      await writeFile(file, JSON.stringify(dead));
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => acquireLock(file)));
      const locks = results.flatMap((result) =>
        result.status === "fulfilled" ? [result.value] : [],
      );
      assert.is(locks.length, 1, `round ${round}`);
      assert.equal(await readdir(folder), ["lock"]);
      await locks[0]?.release();
    }
  }));

test("one that died while it took a lock over does not keep others from it", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "lock");
    const dead = { id: "old", pid: await deadProcess(), host: os.hostname() };
    await writeFile(file, JSON.stringify(dead));
    await writeFile(`${file}.takeover`, JSON.stringify({ ...dead, id: "older" }));
    await (await acquireLock(file)).release();
    assert.equal(await readdir(folder), []);
  }));

test("the lock of a dead process is taken over, also when its number is in use again", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "lock");
    await writeFile(
      file,
      JSON.stringify({ id: "old", pid: await deadProcess(), host: os.hostname() }),
    );
    await (await acquireLock(file)).release();
    if (process.platform !== "linux") return;
    const reused = { id: "old", pid: process.pid, host: os.hostname(), processStart: "1" };
    await writeFile(file, JSON.stringify(reused));
    await (await acquireLock(file)).release();
  }));

test("a lock of another machine is not taken over", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "lock");
    await writeFile(file, JSON.stringify({ id: "x", pid: 1, host: "elsewhere" }));
    assert.match(await refusal(file), /process 1 on elsewhere[^]*delete/);
  }));

test("a file that is no lock is left alone", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "lock");
    await writeFile(file, "notes");
    assert.match(await refusal(file), /not a lock file/);
  }));

async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  return child.pid ?? 0;
}

test.run();
