import assert from "node:assert/strict";
import { suite } from "uvu";
import { UserError } from "../../../src/messages/errors";
import { createRandom } from "../../../src/statistics/random";
import {
  augmentGrid,
  augmentTask,
  colourPermutation,
  inverseOf,
} from "../../../src/tasks/arc/augment";
import { taskKey, type ArcTask, type Grid } from "../../../src/tasks/arc/grids";
import { readArc } from "../../../src/tasks/arc/read";
import { GROUP_AUGMENTATIONS } from "../../../src/tasks/arc/recipe";
import { sharedPath, testWithShared } from "../../shared";

const test = suite("ARC augmentations");

const grid: Grid = [
  [1, 2, 3],
  [4, 5, 6],
];
const task: ArcTask = {
  train: [
    { input: grid, output: [[7]] },
    { input: [[1, 0]], output: [[2, 2]] },
  ],
  test: [{ input: [[0], [3]] }],
};

test("grids by hand", () => {
  const expected: Record<string, Grid> = {
    "Rotate(90)": [
      [3, 6],
      [2, 5],
      [1, 4],
    ],
    "Rotate(270)": [
      [4, 1],
      [5, 2],
      [6, 3],
    ],
    "Transpose()": [
      [1, 4],
      [2, 5],
      [3, 6],
    ],
    "Translate(1,1)": [
      [6, 4, 5],
      [3, 1, 2],
    ],
    "Translate(-1,0)": [
      [4, 5, 6],
      [1, 2, 3],
    ],
    "Chain(Flip(1), IncreaseHeight(2))": [
      [3, 2, 1],
      [3, 2, 1],
      [6, 5, 4],
      [6, 5, 4],
    ],
    "MapColors(1->6,6->1)": [
      [6, 2, 3],
      [4, 5, 1],
    ],
    "Repeat(1,2)": [
      [1, 2, 3, 1, 2, 3],
      [4, 5, 6, 4, 5, 6],
    ],
  };
  for (const [name, result] of Object.entries(expected))
    assert.deepEqual(augmentGrid(grid, name), result, name);
});

test("only what loses nothing has an inverse", () => {
  assert.equal(inverseOf("Rotate(90)"), "Rotate(270)");
  assert.equal(
    inverseOf("Chain(Rotate(90),Translate(1,0),Transpose())"),
    "Chain(Transpose,Translate(-1,0),Rotate(270))",
  );
  assert.equal(inverseOf("MapColors(1->2,2->3)"), "MapColors(2->1,3->2)");
  assert.equal(inverseOf("MapColors(1->2,3->2)"), undefined);
  for (const name of [...GROUP_AUGMENTATIONS.size, ...GROUP_AUGMENTATIONS.chain, "Reflect(0)"])
    assert.equal(inverseOf(name), undefined, name);
});

test("names that are none", () => {
  const names = [
    "",
    "Spin(90)",
    "Rotate(45)",
    "Rotate()",
    "Flip(2)",
    "Repeat(0,0)",
    "Repeat(0,99)",
  ];
  const odd = [
    "constructor(1)",
    "__proto__",
    "Chain()",
    "Chain(Spin)",
    "Transpose(1)",
    "Rotate(90",
  ];
  for (const name of [...names, ...odd, "x".repeat(1e5)])
    assert.throws(() => augmentTask(task, name), UserError, name.slice(0, 20));
  assert.throws(() => augmentTask(task, "PermuteColors"), /random generator/);
});

test("a task without its solution stays without one", () => {
  assert.deepEqual(augmentTask(task, "Rotate(90)").test, [{ input: [[0, 3]] }]);
});

test("permuted colours: 0 stays, no two become one, and the inverse takes them back", () => {
  for (let seed = 0; seed < 50; seed++) {
    const all = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].slice(0, 2 + (seed % 9))];
    const coloured: ArcTask = { train: [{ input: all, output: all }], test: [{ input: all }] };
    const permutation = colourPermutation(coloured, createRandom(seed));
    const [[zero, ...rest]] = permutation.onGrid?.(all) ?? [[]];
    assert.equal(zero, 0);
    assert.equal(new Set(rest).size, all[0].length - 1);
    assert.ok(!rest.includes(0));
    const back = augmentTask(permutation.apply(coloured), permutation.inverse ?? "");
    assert.deepEqual(back, coloured);
  }
});

test("random translation shifts grids of one size alike", () => {
  const square: Grid = [
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
  ];
  const same: ArcTask = {
    train: [
      { input: square, output: square },
      { input: square, output: square },
    ],
    test: [{ input: square, output: square }],
  };
  const random = createRandom(3);
  const results = Array.from({ length: 20 }, () => augmentTask(same, "RandomTranslateXY", random));
  for (const { train, test } of results) {
    assert.deepEqual(train[0], train[1]);
    assert.deepEqual(train[0], test[0]);
    assert.deepEqual(train[0].input.flat().sort(), square.flat());
  }
  assert.ok(new Set(results.map(({ train }) => JSON.stringify(train[0].input))).size > 3);
});

testWithShared(
  test,
  "data/arc",
  "all 800 tasks come back from every invertible augmentation",
  async () => {
    const tasks = await readArc(sharedPath("data", "arc"));
    assert.equal(tasks.length, 800);
    const named = Object.values(GROUP_AUGMENTATIONS).flat();
    const invertible = named.filter((name) => inverseOf(name) !== undefined);
    assert.deepEqual(invertible, [
      ...["Rotate(90)", "Rotate(270)", "Rotate(180)", "Flip(0)", "Flip(1)", "Transpose"],
    ]);
    const random = createRandom("round trip");
    for (const own of tasks) {
      const more = ["Translate(2,3)", "Chain(Rotate(90),Flip(1),Translate(1,2),Transpose)"];
      const colours = colourPermutation(own, random);
      for (const name of [...invertible, ...more, colours.name]) {
        const back = augmentTask(augmentTask(own, name), inverseOf(name) ?? "");
        assert.equal(taskKey(back), taskKey(own), `${own.id} ${name}`);
      }
    }
  },
);

test.run();
