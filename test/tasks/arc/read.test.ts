import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
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

test("mistakes name file and task", async () => {
  const challenges = write("few.json", { a: one });
  const cases: [string[], RegExp][] = [
    [[], /needs a file/],
    [[path.join(folder, "none.json")], /Cannot read ARC tasks at .*none\.json/],
    [[write("text.json", "{")], /text\.json is not JSON/],
    [[write("list.json", [1])], /neither an ARC task/],
    [[write("only.json", { a: [[[1]]] })], /solutions alone/],
    [[challenges, write("two.json", { a: [[[1]], [[2]]] })], /a has 2 solutions for 1 tests/],
    [[challenges, write("again.json", { a: solved, b: { ...one, train: [] } })], /again\.json: b/],
    [
      [write("x1.json", { a: { ...one, test: [{ input: [[10]] }] } })],
      /x1\.json: a: test 1: input: row 1 has 10/,
    ],
    [[write("x2.json", { a: { ...one, test: [{ input: [[1], [1, 2]] }] } })], /row 2 has 2 cells/],
    [[write("x3.json", { a: { ...one, test: [{ input: [Array(31).fill(1)] }] } })], /31 columns/],
    [[write("x4.json", { a: { ...one, train: [{ input: [[1]] }] } })], /train 1: output/],
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
