import { fork } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { INPUTS, openJournal } from "../../src/run/journal";
import { settingsChanges } from "../../src/schema/changes";
import { withFolder } from "./temporary";

const test = suite("journal");
const settings = { model: "tiny:biographies", seeds: [1, 2], rounds: { count: 3 } };

async function refused(action: Promise<unknown>): Promise<string> {
  const error: unknown = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, UserError);
  return (error as UserError).message;
}

async function makeJournal(file: string): Promise<void> {
  const journal = await openJournal(file, settings);
  await journal.append("a", { reward: 0.5, text: "line\nend – é" });
  await journal.append("b", [1, 2]);
  await journal.append("c", null);
  await journal.close();
}

test("what was appended is there again, under its key", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "journal.jsonl");
    await makeJournal(file);
    const journal = await openJournal(file, { ...settings });
    assert.is(journal.size, 3);
    assert.equal(journal.get("a"), { reward: 0.5, text: "line\nend – é" });
    assert.equal(journal.get("c"), null);
    assert.is(journal.get("d"), undefined);
    await journal.close();
    const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
    assert.is(lines.length, 4);
    assert.equal((JSON.parse(lines[0]) as { settings: unknown }).settings, settings);
  }));

test("a key counts once, and keeps its first value, also when appended twice at a time", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "journal.jsonl");
    const journal = await openJournal(file, settings);
    await Promise.all([journal.append("k", 1), journal.append("k", 2), journal.append("l", 3)]);
    await journal.append("k", 4);
    assert.is(journal.size, 2);
    await journal.close();
    assert.is((await readFile(file, "utf8")).trimEnd().split("\n").length, 3);
    // A copied line, as two programs might have written it, is not counted either.
    const lines = (await readFile(file, "utf8")).split("\n");
    await writeFile(file, [...lines.slice(0, 2), ...lines.slice(1)].join("\n"));
    const again = await openJournal(file, settings);
    assert.is(again.size, 2);
    assert.is(again.get("k"), 1);
    await again.close();
  }));

test("a last line that was cut at any byte is dropped, and the journal goes on", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "journal.jsonl");
    await makeJournal(file);
    const whole = await readFile(file);
    const entries = await entriesIn(file);
    const lastStart = whole.lastIndexOf("\n", whole.length - 2) + 1;
    for (let length = lastStart; length < whole.length; length++) {
      await writeFile(file, whole.subarray(0, length));
      const journal = await openJournal(file, settings);
      assert.is(journal.size, 2, `cut at byte ${length}`);
      await journal.append("c", null);
      await journal.close();
      assert.equal(await entriesIn(file), entries, `cut at byte ${length}`);
    }
  }));

/** What a journal says, line by line, but for the time that it took. */
async function entriesIn(file: string): Promise<object[]> {
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  return lines.map((line) => {
    const { key, value, settings: header } = JSON.parse(line) as Record<string, unknown>;
    return { key, value, header };
  });
}

test("the time of all parts is counted, those before up to their last entries", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "journal.jsonl");
    await makeJournal(file);
    const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
    const last = JSON.parse(lines[3]) as { spent: { total: number; cpu: number } };
    assert.ok(last.spent.total > 0 && last.spent.cpu >= 0);
    const journal = await openJournal(file, settings);
    const first = journal.spent();
    assert.ok(first.total > last.spent.total && first.cpu >= last.spent.cpu);
    await journal.append("d", 1);
    await journal.close();
    const later = await openJournal(file, settings);
    assert.ok(later.spent().total > first.total);
    await later.close();
  }));

test("a header that was cut at any byte starts the journal anew", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "journal.jsonl");
    await (await openJournal(file, settings)).close();
    const whole = await readFile(file);
    for (let length = 0; length < whole.length; length++) {
      await writeFile(file, whole.subarray(0, length));
      await (await openJournal(file, settings)).close();
      assert.equal(await readFile(file), whole, `cut at byte ${length}`);
    }
  }));

test("a changed byte in a whole line is refused, with the line's number, and nothing is cut", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "journal.jsonl");
    await makeJournal(file);
    const whole = await readFile(file);
    for (let at = 0; at < whole.length - 1; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] ^= 1;
      await writeFile(file, damaged);
      const message = await refused(openJournal(file, settings));
      const line = whole.subarray(0, at).toString("latin1").split("\n").length;
      assert.match(message, new RegExp(`line ${line}: damaged`));
      assert.equal(await readFile(file), damaged);
    }
  }));

test("other settings are refused with what changed", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "journal.jsonl");
    await makeJournal(file);
    const other = { ...settings, seeds: [1, 3], rounds: { count: 2 } };
    const message = await refused(openJournal(file, other));
    assert.match(message, "seeds[1]: 2 -> 3");
    assert.match(message, "rounds.count: 3 -> 2");
    assert.not.match(message, "model");
  }));

test("without finished work a journal binds nobody to its settings", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "journal.jsonl");
    const other = { ...settings, seeds: [7] };
    await (await openJournal(file, settings)).close();
    const begun = await openJournal(file, other);
    await begun.append(INPUTS, { "a.json": "0" });
    assert.is(begun.size, 0);
    await begun.close();
    const corrected = await openJournal(file, settings);
    assert.is(corrected.get(INPUTS), undefined);
    await corrected.append(INPUTS, { "a.json": "1" });
    await corrected.append("work", 1);
    assert.is(corrected.size, 1);
    await corrected.close();
    const entry = { header: undefined, key: undefined, value: undefined };
    assert.equal(await entriesIn(file), [
      { ...entry, header: settings },
      { ...entry, key: INPUTS, value: { "a.json": "1" } },
      { ...entry, key: "work", value: 1 },
    ]);
    assert.match(await refused(openJournal(file, other)), "--discard");
    const resumed = await openJournal(file, settings);
    assert.equal(resumed.get(INPUTS), { "a.json": "1" });
    await resumed.close();
  }));

test("settings that come or go are changes too", () => {
  assert.equal(settingsChanges({ a: 1, b: [] }, { a: 1, c: "x" }), [
    "b: [] -> (none)",
    'c: (none) -> "x"',
  ]);
  assert.equal(settingsChanges({ a: 1, b: 2 }, { b: 2, a: 1 }), []);
});

test("a value without a JSON form is refused and leaves the journal as it was", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "journal.jsonl");
    const journal = await openJournal(file, settings);
    assert.throws(() => void journal.append("bad", { loss: NaN }), /NaN has no JSON form/);
    await journal.append("good", 1);
    assert.is(journal.size, 1);
    await journal.close();
  }));

test("a process that is killed while it writes loses at most what it had not been told was stored", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "journal.jsonl");
    for (const delay of [1, 7, 20]) {
      const child = fork(
        path.join(__dirname, "journal-writer.ts"),
        [file, JSON.stringify(settings)],
        {
          execArgv: ["-r", "tsx/cjs"],
        },
      );
      let stored = -1;
      child.on("message", (index: number) => (stored = index));
      await once(child, "message");
      await new Promise((resolve) => setTimeout(resolve, delay));
      child.kill("SIGKILL");
      await once(child, "exit");
      const journal = await openJournal(file, settings);
      assert.ok(journal.size > stored);
      for (let i = 0; i < journal.size; i++) assert.equal(journal.get(`key ${i}`), { i });
      await journal.close();
    }
  }));

const readOnly = "a folder that cannot be written gives an error that says so";
if (process.getuid?.() === 0) {
  console.log(`skipped: ${readOnly} (permissions do not bind the superuser)`);
  test.skip(readOnly);
} else {
  test(readOnly, () =>
    withFolder(async (folder) => {
      const closed = path.join(folder, "closed");
      await mkdir(closed);
      await chmod(closed, 0o500);
      assert.match(
        await refused(openJournal(path.join(closed, "journal.jsonl"), settings)),
        "closed",
      );
    }),
  );
}

test.run();
