import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import { augmentTask } from "../../../src/tasks/arc/augment";
import type { ArcTask, Grid } from "../../../src/tasks/arc/grids";
import { arcMessages } from "../../../src/tasks/arc/messages";
import { pythonHash, pythonSet, type PythonTuple } from "../../../src/tasks/arc/python-set";
import { readArc } from "../../../src/tasks/arc/read";
import { leaveOut } from "../../../src/tasks/arc/training";
import { voteGrids, type Vote } from "../../../src/tasks/arc/vote";
import { readShared, sharedPath, testWithShared } from "../../shared";

const test = suite("ARC goldens");

interface Goldens {
  tasks: {
    id: string;
    augmented: Record<string, ArcTask>;
    leaveCounts: Record<string, number>;
    messages: unknown;
  }[];
  votes: { outputs: Vote[]; first: Grid; second: Grid }[];
}
const goldens = (): Goldens => readShared<Goldens>("goldens", "arc.json");
const data = sharedPath("data", "arc");

testWithShared(test, "goldens/arc.json", "augmentations, prompts and counts", async () => {
  const tasks = new Map((await readArc(data)).map((task) => [task.id, task]));
  for (const golden of goldens().tasks) {
    const task = tasks.get(golden.id);
    assert.ok(task, golden.id);
    assert.deepEqual(arcMessages(task), golden.messages);
    for (const [name, expected] of Object.entries(golden.augmented)) {
      const { train, test } = augmentTask(task, name);
      assert.deepEqual({ train, test }, { train: expected.train, test: expected.test }, name);
    }
    for (const [count, expected] of Object.entries(golden.leaveCounts))
      assert.equal(leaveOut(task, Number(count)).length, expected);
  }
});

testWithShared(test, "goldens/arc.json", "votes, ties included", () => {
  for (const { outputs, first, second } of goldens().votes)
    assert.deepEqual(voteGrids(outputs), [first, second]);
});

test("tuples hash, and sets are ordered, as in CPython", () => {
  const file = path.join(__dirname, "../../fixtures/arc/sets.json");
  const { lists, hashes } = JSON.parse(readFileSync(file, "utf8")) as {
    lists: { items: PythonTuple[]; set: PythonTuple[] }[];
    hashes: { value: PythonTuple; hash: string }[];
  };
  for (const { value, hash } of hashes) assert.equal(String(pythonHash(value)), hash);
  for (const { items, set } of lists) assert.deepEqual(pythonSet(items), set);
});

test.run();
