/** A full disk, a folder that is not one's own, a signal, a second run, changed settings: said in two lines, nothing lost. */
import { execFile, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { makeFolder, removeLeftovers, writeFileAtomic } from "../../src/files/files";
import { requireSameInputs } from "../../src/run/experiment";
import { openJournal } from "../../src/run/journal";
import { writeRecord, type RunRecord } from "../../src/run/record";
import { type RunOptions } from "../../src/run/runner";
import { runVariant, parseVariant } from "../../src/experiments/variants";
import { withFolder } from "./temporary";

const test = suite("a run's troubles");
const root = path.join(__dirname, "../..");

async function refusal(action: Promise<unknown>): Promise<string> {
  const error: unknown = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, UserError);
  return (error as UserError).message;
}

/** Appends to a journal in a process of its own until that fails; gives what it said. */
function writeUntilFailure(file: string, prefix: string, user?: number): Promise<string> {
  const writer = path.join(__dirname, "journal-writer.ts");
  const command = `${prefix} exec "${process.execPath}" -r tsx/cjs "${writer}" "${file}" "{}"`;
  const options = { cwd: root, ...(user === undefined ? {} : { uid: user, gid: user }) };
  return new Promise((resolve) =>
    execFile("bash", ["-c", command], options, (_, __, stderr) => resolve(stderr)),
  );
}

test("where no more can be written the journal ends in a whole line, and says why", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "journal.jsonl");
    // The limit of a file's size stands for a full disk: a write goes as far as it can, and fails.
    assert.match(await writeUntilFailure(file, "ulimit -f 4;"), "UserError: Cannot write");
    const text = await readFile(file, "utf8");
    assert.ok(text.endsWith("\n") && text.length > 3900 && text.length <= 4096);
    const journal = await openJournal(file, {});
    assert.is(journal.size, text.split("\n").length - 2);
    await journal.append("more", 1);
    await journal.close();
  }));

test("a folder that may not be written to, or is a file, is named", () =>
  withFolder(async (folder) => {
    const closed = path.join(folder, "closed");
    await mkdir(closed);
    await chmod(closed, 0o555);
    const inside = path.join(closed, "journal.jsonl");
    if (process.getuid?.() === 0) {
      await chmod(folder, 0o755);
      const said = await writeUntilFailure(inside, "", 65_534);
      assert.match(said, `UserError: Cannot write ${inside}: you may not write there.`);
    } else assert.match(await refusal(openJournal(inside, {})), "you may not write there");
    const file = path.join(folder, "file");
    await writeFile(file, "");
    assert.match(await refusal(makeFolder(file)), "a file has the name of a folder");
    assert.match(await refusal(makeFolder(path.join(file, "a"))), "a part of its path is a file");
    const variant = parseVariant({ experiment: "biographies", name: "x" });
    assert.match(await refusal(runVariant(variant, { output: file })), /^Cannot write .*file/);
    assert.match(await refusal(writeFileAtomic(path.join(file, "a"), "")), /^Cannot write .*a:/);
  }));

test("temporary files of killed processes are removed, others are not", () =>
  withFolder(async (folder) => {
    await mkdir(path.join(folder, "figures"));
    const left = ".record.json.1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed.tmp";
    for (const name of [left, path.join("figures", left), "kept.tmp", ".kept"])
      await writeFile(path.join(folder, name), "");
    await removeLeftovers(folder);
    assert.equal((await readdir(folder, { recursive: true })).sort(), [
      ".kept",
      "figures",
      "kept.tmp",
    ]);
  }));

const settings = { experiment: "biographies", name: "done", seeds: [1] };

async function finishedRun(folder: string, config: Record<string, unknown>): Promise<void> {
  await mkdir(folder, { recursive: true });
  const environment: RunRecord["environment"] = {
    node: "20",
    engine: "wasm",
    engineVersion: "1",
    threads: 1,
    cpu: "c",
    gitCommit: null,
    gitDirty: null,
  };
  await writeRecord(folder, {
    name: "knowledge--done",
    schema: 1,
    status: "complete",
    config,
    seeds: [1],
    environment,
    inputs: [],
    rows: [],
    paper: [],
    seconds: { total: 1, generate: 1, train: 1, answer: 1 },
  });
}

test("a finished run, or one that lacks only its last rename, is not taken for one with other settings", () =>
  withFolder(async (output) => {
    const changed = parseVariant({ ...settings, seeds: [2] });
    const folders = ["knowledge--done", path.join(".partial", "knowledge--done")];
    for (const folder of folders.reverse()) {
      // The record knows nothing of the settings that have their defaults.
      await finishedRun(path.join(output, folder), settings);
      assert.match(await refusal(runVariant(changed, { output })), "seeds[0]: 1 -> 2");
    }
    const { alreadyComplete } = await runVariant(parseVariant(settings), { output });
    assert.ok(alreadyComplete);
  }));

test("a model or a data file that is another one than when the run began is named", () =>
  withFolder(async (folder) => {
    const inputs = (sha256: string): RunRecord["inputs"] => [
      { name: "passages.json", source: "here", sha256: "a" },
      { name: "model.safetensors", source: "there", sha256 },
    ];
    const begin = async (sha256: string, work: readonly string[] = []): Promise<void> => {
      const journal = await openJournal(path.join(folder, "journal.jsonl"), {});
      const context = { journal, checkpoints: folder, log: () => undefined, quiet: true };
      try {
        await requireSameInputs(context, inputs(sha256));
        for (const key of work) await journal.append(key, 1);
      } finally {
        await journal.close();
      }
    };
    // As long as no work is finished the files may be corrected.
    await begin("a");
    await begin("b");
    await begin("b", ["first"]);
    await begin("b");
    assert.match(await refusal(begin("c")), 'other files: model.safetensors: "b" -> "c".');
  }));

test("work that cannot be handed out is not silently done here; other kinds ask for the queue", () =>
  withFolder(async (folder) => {
    const elsewhere = [
      ["--queue", { queue: { queue: "redis://127.0.0.1:1" } }],
      ["--generate-at", { server: { url: "http://127.0.0.1:1/v1", adapters: folder } }],
      ["--processes", { processes: 2 }],
    ] as const;
    const run = (kind: string, options: RunOptions): Promise<string> =>
      refusal(
        runVariant(path.join(root, "experiments", kind), {
          ...options,
          output: path.join(folder, "results"),
        }),
      );
    for (const [flag, options] of elsewhere)
      assert.is(
        await run("continual/biographies.json", options),
        `${flag}: the inner loops of an experiment of kind "continual" cannot be handed out, only those of knowledge, biographies, pretraining, arc; leave it out.`,
      );
    assert.not.ok(existsSync(path.join(folder, "results")));
    for (const kind of [
      "knowledge/smollm2",
      "knowledge/biographies",
      "pretraining/biographies",
      "arc/smollm2",
    ])
      assert.match(await run(`${kind}.json`, elsewhere[0][1]), "No queue at redis://127.0.0.1:1");
  }));

test("a second run is refused; SIGTERM ends the first, keeps its work and gives back its lock", () =>
  withFolder(async (folder) => {
    const file = path.join(folder, "variant.json");
    await writeFile(file, JSON.stringify({ ...settings, name: "stopped" }));
    const output = path.join(folder, "results");
    const args = ["-r", "tsx/cjs", "src/cli.ts", "run", file, "--output", output];
    const first = spawn(process.execPath, args, { cwd: root });
    let said = "";
    first.stderr.on("data", (data: Buffer) => (said += data.toString()));
    const ended = new Promise<number | null>((resolve) => first.once("close", resolve));
    const partial = path.join(output, ".partial");
    const journal = path.join(partial, "knowledge--stopped", "journal.jsonl");
    const lines = (): number =>
      existsSync(journal) ? readFileSync(journal, "utf8").split("\n").length - 1 : 0;
    while (lines() < 2 && first.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 50));
    const [code, message] = await new Promise<[unknown, string]>((resolve) =>
      execFile(process.execPath, args, { cwd: root }, (error, _, stderr) =>
        resolve([error?.code, stderr]),
      ),
    );
    assert.is(code, 2);
    assert.match(message, `This run is already going on, in process ${first.pid}.`);
    first.kill("SIGTERM");
    assert.is(await ended, 143);
    assert.match(said, "the same command goes on from there");
    assert.equal(await readdir(partial), ["knowledge--stopped"]);
    assert.ok(lines() >= 2, "its work is kept");
  }));

test.run();
