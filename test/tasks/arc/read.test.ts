import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import { UserError } from "../../../src/messages/errors";
import { parseGridAnswer } from "../../../src/tasks/arc/grids";
import { readArc } from "../../../src/tasks/arc/read";
import { sharedPath, testWithShared } from "../../shared";

const test = suite("reading ARC");
const folder = mkdtempSync(path.join(tmpdir(), "seal-arc-"));
test.after(() => rmSync(folder, { recursive: true }));

const write = (name: string, data: unknown): string => {
  const file = path.join(folder, name);
  writeFileSync(file, typeof data === "string" ? data : JSON.stringify(data));
  return file;
};
const one = { train: [{ input: [[1]], output: [[2]] }], test: [{ input: [[3]] }] };
const solved = { ...one, test: [{ input: [[3]], output: [[4]] }] };

test("one file for each task, its name the id", async () => {
  assert.deepEqual(await readArc(write("abc123.json", solved)), [{ id: "abc123", ...solved }]);
});

test("challenges with solutions, in either order", async () => {
  const challenges = write("challenges.json", { b: one, a: one });
  const solutions = write("solutions.json", { a: [[[4]]], other: [[[5]]] });
  for (const paths of [
    [challenges, solutions],
    [solutions, challenges],
  ])
    assert.deepEqual(await readArc(...paths), [
      { id: "b", ...one },
      { id: "a", ...solved },
    ]);
});

test("a whole folder of Kaggle's: every task once, solved where a solution is known; what is handed in is none", async () => {
  const kaggle = path.join(folder, "kaggle");
  mkdirSync(path.join(kaggle, "more"), { recursive: true });
  const put = (name: string, data: unknown): string => write(path.join("kaggle", name), data);
  const unknown = { ...one, test: [{ input: [[3]], output: null }] };
  put("arc-agi_training_challenges.json", { a: one, b: one });
  put("arc-agi_training_solutions.json", { a: [[[4]]], b: [[[5]]] });
  put("arc-agi_evaluation_challenges.json", {
    c: { ...one, test: [{ input: [[3]] }, { input: [[6]] }] },
  });
  put(
    "arc-agi_evaluation_solutions.json",
    `\ufeff${JSON.stringify({ c: [[[7]], [[8]]], a: [[[4]]] })}`,
  );
  put("arc-agi_test_challenges.json", { a: unknown, d: unknown });
  const attempts = { attempt_1: [[0]], attempt_2: [[0]] };
  const submitted = put("sample_submission.json", { a: [attempts], c: [attempts, attempts] });
  writeFileSync(path.join(kaggle, "._sample_submission.json"), Buffer.from([0, 5, 0x16, 7]));
  writeFileSync(path.join(kaggle, "evaluation.txt"), "c\n");
  const tasks = await readArc(kaggle);
  const solutions = tasks.map(({ id, test: tests }) => [id, tests.map(({ output }) => output)]);
  assert.deepEqual(solutions.sort(), [
    ["a", [[[4]]]],
    ["b", [[[5]]]],
    ["c", [[[7]], [[8]]]],
    ["d", [undefined]],
  ]);
  await assert.rejects(readArc(submitted), /No ARC task is in .*submissions alone/);
});

test("a task in two files, one of which lacks its solution", async () => {
  const files = [write("lacks.json", { a: one }), write("has.json", { a: solved })];
  for (const paths of [files, [...files].reverse()])
    assert.deepEqual(await readArc(...paths), [{ id: "a", ...solved }]);
});

test("mistakes name file and task", async () => {
  const challenges = write("few.json", { a: one });
  const nested = path.join(folder, "nested");
  for (const part of ["training", "evaluation"])
    mkdirSync(path.join(nested, part), { recursive: true });
  const cases: [string[], RegExp][] = [
    [[], /needs a file/],
    [[path.join(folder, "none.json")], /Cannot read ARC tasks at .*none\.json/],
    [[write("text.json", "{")], /text\.json is not JSON/],
    [[write("list.json", [1])], /neither an ARC task/],
    [[write("only.json", { a: [[[1]]] })], /solutions and submissions alone/],
    [[challenges, write("two.json", { a: [[[1]], [[2]]] })], /a has 2 solutions for 1 tests/],
    [[challenges, write("again.json", { a: solved, b: { ...one, train: [] } })], /again\.json: b/],
    [
      [write("x1.json", { a: { ...one, test: [{ input: [[10]] }] } })],
      /x1\.json: a: test 1: input: row 1 has 10/,
    ],
    [[write("x2.json", { a: { ...one, test: [{ input: [[1], [1, 2]] }] } })], /row 2 has 2 cells/],
    [[write("x3.json", { a: { ...one, test: [{ input: [Array(31).fill(1)] }] } })], /31 columns/],
    [
      [write("x4.json", { a: { ...one, train: [{ input: [[1]] }] } })],
      /a: train 1: output: it is missing/,
    ],
    [
      [write("x5.json", { a: { ...one, train: [{ input: [[1]], output: null }] } })],
      /a: train 1: output: a grid is a list of rows, not null/,
    ],
    [
      [write("x6.json", { a: { ...one, test: [{ input: [[1]], output: [] }] } })],
      /a: test 1: output is empty: leave it out/,
    ],
    [
      [write("x7.json", { a: { ...one, test: [{ input: [[1.5]] }] } })],
      /x7\.json: a: test 1: input: row 1 has 1\.5, which is no colour/,
    ],
    [[write("x8.json", { a: { ...one, test: [{ input: [[null]] }] } })], /row 1 has null/],
    [[write("half.json", { train: one.train })], /half: a task has the lists "train" and "test"/],
    [[write("examples.json", one.train)], /examples\.json is a list of examples, no task/],
    [[write("meta.json", { title: "ARC", id: "x" })], /meta\.json is neither .* move it elsewhere/],
    [
      [challenges, write("s1.json", { a: [[[1]]] }), write("s2.json", { a: [[[2]]] })],
      /s2\.json: a has other solutions than in .*s1\.json/,
    ],
    [
      [
        write("t1.json", { a: solved }),
        write("t2.json", { a: { ...one, test: [{ input: [[3]], output: [[5]] }] } }),
      ],
      /t2\.json: the task a differs/,
    ],
    [[nested], /nested has no \.json file; give one of the folders in it: evaluation, training\./],
    [
      [challenges, write("a.json", { ...one, train: [{ input: [[9]], output: [[2]] }] })],
      /differs/,
    ],
  ];
  for (const [paths, message] of cases)
    await assert.rejects(readArc(...paths), (error: Error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, message);
      return true;
    });
});

testWithShared(test, "data/arc", "Kaggle's sets: 400 tasks each, all solved", async () => {
  for (const part of ["training", "evaluation"]) {
    const files = ["challenges", "solutions"].map((kind) =>
      sharedPath("data", "arc", `arc-agi_${part}_${kind}.json`),
    );
    const tasks = await readArc(...files);
    assert.equal(tasks.length, 400);
    assert.ok(tasks.every((task) => task.test.every(({ output }) => output)));
    const [unsolved] = await readArc(files[0]);
    assert.equal(unsolved.test[0].output, undefined);
  }
});

const REPORTED = "cases/arc-files";
const reportedTasks = async (name: string): Promise<unknown[]> =>
  (await readArc(sharedPath(REPORTED, name))).map((task) => [
    task.id,
    task.test.map(({ output }) => output),
  ]);
const swapped = [
  [0, 0],
  [1, 1],
];
const read: [name: string, tasks: unknown[]][] = [
  ["plain.json", [["plain", [swapped]]]],
  ["bom.json", [["bom", [swapped]]]],
  ["agi2", [["00576224", [swapped]]]],
  ["nested/training", [["00576224", [swapped]]]],
  ["no-test-output.json", [["no-test-output", [undefined]]]],
  ["null-test-output.json", [["null-test-output", [undefined]]]],
  ["two-tests.json", [["two-tests", [[[1]], [[3]]]]]],
  [
    "kaggle",
    [
      ["a", [[[1]]]],
      ["b", [[[2]]]],
    ],
  ],
  [
    "kaggle2",
    [
      ["c", [[[5]], [[6]]]],
      ["a", [[[1]]]],
      ["b", [[[2]]]],
    ],
  ],
];
for (const [name, tasks] of read)
  testWithShared(test, `${REPORTED}/${name}`, `reported: ${name}`, async () =>
    assert.deepEqual(await reportedTasks(name), tasks),
  );

const refused: [name: string, message: RegExp][] = [
  ["kaggle3", /sols\.json: a has 2 solutions for 1 tests/],
  ["nested", /has no \.json file; give one of the folders in it: training/],
  ["re-arc-list.json", /is a list of examples, no task/],
  ["empty-test-output.json", /test 1: output is empty/],
  ["ragged.json", /train 1: input: row 2 has 1 cells, row 1 has 2/],
  ["colour10.json", /train 1: input: row 1 has 10/],
  ["neg1pad.json", /train 1: input: row 1 has -1/],
  ["big31.json", /train 1: input: 31 columns/],
];
for (const [name, message] of refused)
  testWithShared(test, `${REPORTED}/${name}`, `reported, refused: ${name}`, () =>
    assert.rejects(readArc(sharedPath(REPORTED, name)), (error: Error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, message);
      return true;
    }),
  );

test("a model's answer is a grid, or says what is wrong", () => {
  const grids: [string, number[][]][] = [
    [
      "[[1 2]\n [3 4]]#",
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      "[[1 2]\n [3 4]]",
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ["  [[0]]  # and more words", [[0]]],
    [
      "1  2\n3 4\n",
      [
        [1, 2],
        [3, 4],
      ],
    ],
  ];
  for (const [text, grid] of grids) assert.deepEqual(parseGridAnswer(text), { grid });
  const problems: [string, RegExp][] = [
    ["", /empty/],
    ["#[[1]]", /empty/],
    ["[[1 2]\n [3]]", /row 2 has 1 cells, row 1 has 2/],
    ["The answer is [[1]]", /"The" stands where a colour is due/],
    ["[[1, 2]]", /"1,"/],
    ["[[12]]", /row 1 has 12, which is no colour/],
    ["[[-1]]", /"-1"/],
    ["[[1.5]]", /"1\.5"/],
    [`[[${"1 ".repeat(31)}]]`, /31 columns/],
    ["[[1]\n".repeat(31), /31 rows/],
    ["1 ".repeat(1e6), /characters/],
  ];
  for (const [text, message] of problems) {
    const answer = parseGridAnswer(text);
    assert.match("problem" in answer ? answer.problem : "a grid", message);
  }
});

test.run();
