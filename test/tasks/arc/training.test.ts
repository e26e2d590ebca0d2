import assert from "node:assert/strict";
import { suite } from "uvu";
import { createRandom } from "../../../src/statistics/random";
import { largestSide, taskKey, type ArcTask, type Grid } from "../../../src/tasks/arc/grids";
import { augmentGrid } from "../../../src/tasks/arc/augment";
import { arcMessages, arcPrompt } from "../../../src/tasks/arc/messages";
import { arcQueries, invertAnswer } from "../../../src/tasks/arc/queries";
import { cellAccuracy, judgeAttempts, judgeTask, submission } from "../../../src/tasks/arc/scoring";
import { leaveOut, trainingTasks } from "../../../src/tasks/arc/training";
import { voteCounts, voteGrids } from "../../../src/tasks/arc/vote";

const test = suite("ARC training and testing");

/** A task of n demonstrations with grids of 2 x 3, all different. */
function taskOf(n: number, side = 3): ArcTask {
  const grid = (k: number): Grid =>
    Array.from({ length: 2 }, (_, y) =>
      Array.from({ length: side }, (_, x) => (k + 3 * y + x * x) % 10),
    );
  return {
    id: "made",
    train: Array.from({ length: n }, (_, i) => ({ input: grid(i), output: grid(i + 4) })),
    test: [{ input: grid(8), output: grid(9) }],
  };
}

test("leave one out, leave two out", () => {
  const task = taskOf(3);
  const [a, b, c] = task.train;
  assert.deepEqual(leaveOut(task, 1), [
    { train: [b, c], test: [a] },
    { train: [a, c], test: [b] },
    { train: [a, b], test: [c] },
  ]);
  assert.deepEqual(
    leaveOut(task, 2).map(({ train }) => train),
    [[b], [c], [a], [c], [a], [b]],
  );
  assert.deepEqual(leaveOut(taskOf(1), 1), [{ train: [], test: taskOf(1).train }]);
  assert.deepEqual(leaveOut(taskOf(1), 2), []);
});

test("training samples: counts, limits, and that the test stays out", () => {
  const task = taskOf(3);
  const random = () => createRandom(1);
  // Without augmentations: 3 + 6 tasks, and the leave-one-out ones in the other order where the shuffle made one.
  const plain = trainingTasks(task, [], { random: random() });
  assert.ok(plain.length >= 9 && plain.length <= 12, String(plain.length));
  assert.equal(new Set(plain.map(taskKey)).size, plain.length);
  // Two augmentations: (3 + 6) x (1 + 2) tasks, and a recoloured copy of each.
  const names = ["Rotate(90)", "Flip(0)"];
  assert.equal(trainingTasks(task, names, { random: random() }).length, 54);
  assert.equal(trainingTasks(task, names, { random: random(), limit: 20 }).length, 20);
  // 2 x 16 doubled is 4 x 32: too wide, which leaves the tasks themselves and a recoloured copy of each.
  const wide = trainingTasks(taskOf(3, 16), ["IncreaseResolution(2)"], { random: random() });
  assert.equal(wide.length, 18);
  assert.ok(wide.every((sample) => largestSide(sample) <= 30));
  const { input } = task.test[0];
  assert.ok(!JSON.stringify(plain).includes(JSON.stringify(input)));
  const fitting = trainingTasks(task, [], {
    random: random(),
    fits: ({ train }) => train.length < 2,
  });
  assert.equal(fitting.length, 6);
  const again = trainingTasks(task, names, { random: random() });
  assert.deepEqual(again, trainingTasks(task, names, { random: random() }));
});

test("queries: answers to turned tests come back, and no solution is shown", () => {
  const task = taskOf(4);
  const queries = arcQueries(task, 0, { random: createRandom(2) });
  const turned = queries.filter(({ inverter }) => inverter !== null);
  assert.deepEqual(
    turned.map(({ inverter }) => inverter),
    ["Transpose()", "Flip(0)", "Flip(1)", "Rotate(270)", "Rotate(180)"],
  );
  // 4 choices of 3 demonstrations, in at most 3 orders.
  assert.ok(queries.length - 5 >= 4 && queries.length - 5 <= 12);
  for (const { task: asked, inverter } of queries) {
    assert.equal(asked.train.length, 3);
    assert.equal(asked.test[0].output, undefined);
    assert.deepEqual(invertAnswer(asked.test[0].input, inverter), task.test[0].input);
  }
  const few = arcQueries(task, 0, { random: createRandom(2), limit: 4 });
  assert.deepEqual(
    few.map(({ inverter }) => inverter),
    [null, null, "Transpose()", "Flip(0)"],
  );
  const single = arcQueries(taskOf(1), 0, { random: createRandom(2) });
  assert.deepEqual(single[0].task.train, taskOf(1).train);
});

test("the answer is no part of a prompt", () => {
  assert.equal(arcMessages(taskOf(2)).length, 3);
  assert.deepEqual(
    arcPrompt(taskOf(2)).map(({ role }) => role),
    ["system", "user"],
  );
  assert.throws(() => arcMessages(taskOf(2), 1), /no test 2/);
});

test("votes by hand", () => {
  const [a, b]: Grid[] = [[[1, 2]], [[3, 4]]];
  assert.deepEqual(voteGrids([]), [[[0]], [[0]]]);
  assert.deepEqual(voteGrids([{ output: a }]), [a, a]);
  const votes = [
    { output: b, inverter: "Flip(0)" },
    { output: a },
    { output: a, inverter: "Transpose()" },
  ];
  assert.deepEqual(voteGrids(votes), [a, b]);
  assert.deepEqual(voteCounts(votes), [
    { grid: a, count: 2 },
    { grid: b, count: 1 },
  ]);
});

test("two attempts, every test of a task, and the submission", () => {
  const [right, wrong]: Grid[] = [[[1]], [[2]]];
  assert.equal(judgeAttempts(right, [wrong, right]), "correct");
  assert.equal(judgeAttempts(right, [wrong, wrong]), "wrong");
  assert.equal(judgeAttempts(undefined, [right, wrong]), "ungraded");
  const two: ArcTask = { train: [], test: [{ input: [[0]], output: right }, { input: [[0]] }] };
  assert.equal(
    judgeTask(two, [
      [right, wrong],
      [right, wrong],
    ]),
    "ungraded",
  );
  assert.equal(
    judgeTask(two, [
      [wrong, wrong],
      [right, wrong],
    ]),
    "wrong",
  );
  assert.throws(() => judgeTask(two, [[right, wrong]]), /2 tests, but attempts at 1/);
  assert.deepEqual(
    submission([
      { id: "b", attempts: [[right, wrong]] },
      { id: "a", attempts: [[wrong, right]] },
    ]),
    { a: [{ attempt_1: wrong, attempt_2: right }], b: [{ attempt_1: right, attempt_2: wrong }] },
  );
  assert.equal(cellAccuracy(augmentGrid([[1, 2, 2, 2]], "Flip(1)"), [[1, 2, 2, 2]]), 0.5);
  assert.equal(cellAccuracy([[1]], [[1, 1]]), 0);
});

test.run();
