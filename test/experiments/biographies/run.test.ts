/** The outer loop on the small world, tiny: repeatable, resumable after SIGKILL, complete, and refused with other settings. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { runVariant, parseVariant } from "../../../src/experiments/variants";
import { tinyLoop } from "../tiny-loop";
import { temporaryFolder } from "../../run/temporary";

const test = suite("outer loop");
const root = path.join(__dirname, "../../..");
const folder = temporaryFolder(test, "loop");

const settings = {
  ...tinyLoop,
  name: "tiny-loop",
  people: { train: 3, heldOut: 3 },
  rounds: 2,
  innerLoop: { ...tinyLoop.innerLoop, epochs: 2 },
  concurrency: 4,
};

interface Saved {
  rows: string;
  rollouts: string;
  count: number;
}

function saved(output: string): Saved {
  const read = (name: string): string =>
    readFileSync(path.join(output, "knowledge--tiny-loop", name), "utf8");
  const rollouts = read("rollouts.jsonl").trim().split("\n");
  const { rows } = JSON.parse(read("record.json")) as { rows: unknown };
  const timeless = rollouts.map((line) => {
    const { seconds, ...rest } = JSON.parse(line) as { seconds: unknown };
    assert.ok(seconds);
    return rest;
  });
  return { rows: JSON.stringify(rows), rollouts: JSON.stringify(timeless), count: rollouts.length };
}

let first: Saved;

test("every arm and round is there, with the right number of candidates and figures", async () => {
  const output = path.join(folder, "first");
  const { record, directory } = await runVariant(parseVariant(settings), { output, quiet: true });
  first = saved(output);
  assert.equal(
    record.rows.map(({ arm, round }) => `${arm} ${round}`),
    [
      "untouched 0",
      "passage only 0",
      "passage only, matched tokens 0",
      "passage only, matched steps 0",
      "untrained self-edits 0",
      "best of K 1",
      "best of K 2",
      "random selection 1",
      "random selection 2",
      "oracle 0",
      "passage in context 0",
    ],
  );
  // 11 arms and rounds of 3 held-out people, and 2 rounds of 3 x 2 scored candidates.
  assert.is(first.count, 11 * 3 + 2 * 6);
  record.rows.forEach(({ n, unparsable, diverged }) =>
    assert.is(n, 6 * (3 - unparsable - diverged)),
  );
  const open = record.rows.find(({ arm }) => arm === "passage in context");
  assert.ok(open && open.accuracy > 0.9, "the model reads");
  record.rows.forEach(({ n, exactMatch, answerWords }) =>
    assert.equal([exactMatch, answerWords].map(Number.isFinite), [n > 0, n > 0]),
  );
  assert.ok((open.exactMatch ?? 0) > 0.9 && open.longAnswers === 0);
  for (const name of ["accuracy-by-round", "reward-distribution", "self-edit-styles", "person"])
    for (const ending of ["html", "json", "png", "svg"])
      assert.ok(existsSync(path.join(directory, "figures", `${name}.${ending}`)), name);
  assert.not(existsSync(path.join(directory, "journal.jsonl")));
});

test("a complete run is not run again", async () => {
  const output = path.join(folder, "first");
  const again = await runVariant(parseVariant(settings), { output, quiet: true });
  assert.ok(again.alreadyComplete);
});

test("killed in the middle and started again, it gives the same rows and rollouts", async () => {
  const output = path.join(folder, "killed");
  const file = path.join(folder, "variant.json");
  writeFileSync(file, JSON.stringify(settings));
  const journal = path.join(output, ".partial", "knowledge--tiny-loop", "journal.jsonl");
  const args = ["-r", "tsx/cjs", path.join(root, "src/cli.ts"), "run", file, "--output", output];
  const child = spawn(process.execPath, args, { cwd: root, stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const lines = (): number =>
    existsSync(journal) ? readFileSync(journal, "utf8").split("\n").length : 0;
  while (lines() < 9 && child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill("SIGKILL");
  await ended;
  assert.ok(lines() >= 9, "some work was kept");
  assert.not(existsSync(path.join(output, "knowledge--tiny-loop")));
  const other = parseVariant({ ...settings, rounds: 1 });
  let refusal = "";
  await runVariant(other, { output, quiet: true }).catch(
    (error: Error) => (refusal = error.message),
  );
  assert.match(refusal, /rounds: 2 -> 1/);
  await runVariant(parseVariant(settings), { output, quiet: true });
  const second = saved(output);
  assert.is(second.rows, first.rows);
  assert.is(second.count, first.count);
  assert.ok(second.rollouts === first.rollouts, "the rollouts are the same, byte for byte");
});

test.run();
