/** A run that stopped by a mistake: before any work it binds nobody, after that it is thrown away on purpose only. */
import { existsSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { discardRun } from "../../src/run/discard";
import { acquireLock } from "../../src/run/lock";
import { type RunOptions } from "../../src/run/runner";
import { parseVariant, runVariant } from "../../src/experiments/variants";
import { writeByteModel } from "../model/byte-model";
import { withFolder } from "./temporary";

const test = suite("throwing runs away");

async function refusal(action: Promise<unknown>): Promise<string> {
  const error: unknown = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, UserError);
  return (error as UserError).message;
}

const squad = path.join(__dirname, "../fixtures/squad/squad.parquet");
const completion = (id: string): string => `${JSON.stringify({ id, completion: "It is deep." })}\n`;

test("a corrected variant runs, unless work of the mistaken one was finished; --discard throws that away", () =>
  withFolder(async (folder) => {
    const model = await writeByteModel(path.join(folder, "model"));
    const [wrong, right] = ["wrong.jsonl", "right.jsonl"].map((name) => path.join(folder, name));
    writeFileSync(wrong, completion("Elsewhere/0"));
    writeFileSync(right, completion("Sant/0"));
    const run = (file: string, changes: object = {}, options: RunOptions = {}) =>
      runVariant(
        parseVariant({
          experiment: "knowledge",
          name: "corrected",
          model,
          data: { source: squad, titles: ["Sant"] },
          arms: ["untouched"],
          authors: [{ kind: "file", name: "a file", path: file }],
          sampling: { count: 1, maximumTokens: 4 },
          innerLoop: { rank: 1, epochs: 1 },
          answers: { maximumTokens: 2 },
          ...changes,
        }),
        { output: folder, quiet: true, ...options },
      );
    // Stopped before any work: another data file, another author's file.
    assert.match(await refusal(run(wrong, { data: { source: `${squad}x` } })), /no data file/i);
    assert.match(await refusal(run(wrong)), /no completion for the passage "Sant\/0"/);
    assert.is((await run(right)).record.rows.length, 2);

    // Stopped after the model has written its own self-edits.
    const more = { arms: ["untouched", "untrained self-edits"] };
    const again = { again: true };
    assert.match(await refusal(run(wrong, more, again)), /no completion/);
    const changed = { ...more, seeds: [2] };
    assert.match(await refusal(run(right, changed, again)), /seeds\[0\]: 1 -> 2.*\n.*--discard/s);
    const told: string[] = [];
    const log = (line: string): void => void told.push(line);
    const { record } = await run(right, changed, { ...again, discard: true, log });
    assert.equal(record.seeds, [2]);
    assert.ok(told.some((line) => line.startsWith("Thrown away: the unfinished run in ")));
    assert.not(told.some((line) => line.startsWith("Resuming")));
  }));

test("a run that is going on is not thrown away, and none is nothing to throw away", () =>
  withFolder(async (folder) => {
    const partial = path.join(folder, ".partial", "a--b");
    assert.is(await discardRun(partial), false);
    await mkdir(partial, { recursive: true });
    const lock = await acquireLock(`${partial}.lock`);
    assert.match(await refusal(discardRun(partial)), /already going on/);
    assert.ok(existsSync(partial));
    await lock.release();
    assert.is(await discardRun(partial), true);
    assert.not(existsSync(partial));
  }));

test("a name that may not be says what one may be", () => {
  for (const experiment of ["knowledge", "biographies", "continual", "pretraining", "arc"])
    assert.throws(
      () => parseVariant({ experiment, name: "My run", model: "tiny:x" }),
      (error: Error) =>
        error instanceof UserError &&
        /: name: a name may be of small letters, digits, "\." and "-", .*"my-run-2"$/.test(
          error.message,
        ),
      experiment,
    );
});

test.run();
