import assert from "node:assert/strict";
import { suite } from "uvu";
import { ARC_PALETTE, figureArcTask, figureGrids, figureVotes } from "../../src/plot/grids";
import type { Figure } from "../../src/plot/figure";
import { figureToSvg } from "../../src/plot/svg";

const test = suite("grid pictures");

interface Bars {
  x: number[];
  y: number[];
  base: number[];
  width: number[];
  marker: { color: string[] };
  text: string[];
}
const bars = (figure: Figure): Bars => figure.data[0] as unknown as Bars;
const labels = (figure: Figure): string[] =>
  (figure.layout.annotations as { text: string }[]).map(({ text }) => text);

test("cells have the palette's colours, row by row, and lie side by side", () => {
  const figure = figureGrids(
    [
      [
        {
          label: "a < b",
          grid: [
            [0, 1, 2],
            [3, 4, 9],
          ],
        },
      ],
    ],
    { title: "t" },
  );
  const { marker, x, base, width } = bars(figure);
  assert.deepEqual(
    marker.color,
    [0, 1, 2, 3, 4, 9].map((colour) => ARC_PALETTE[colour]),
  );
  const [cell] = width;
  assert.deepEqual(
    x.map((middle) => (middle - cell / 2) / cell),
    [0, 1, 2, 0, 1, 2],
  );
  assert.deepEqual(
    base.map((top) => (top - base[0]) / cell),
    [0, 0, 0, 1, 1, 1],
  );
  assert.deepEqual(labels(figure), ["a &lt; b"]);
  assert.equal(new Set(ARC_PALETTE).size, 10);
});

test("differences: right, wrong, missing, surplus", () => {
  const difference = (grid: number[][], target: number[][]): string[] =>
    bars(figureGrids([[{ label: "", grid, target }]], { title: "t" })).text;
  assert.deepEqual(difference([[1, 2]], [[1, 3]]), [
    "row 1, column 1: right",
    "row 1, column 2: 2 instead of 3",
  ]);
  assert.deepEqual(difference([[1, 2]], [[1], [1]]), [
    "row 1, column 1: right",
    "row 1, column 2: surplus",
    "row 2, column 1: missing",
    "row 2, column 2: missing",
  ]);
});

test("a task's page names what is right; thirty columns fit", () => {
  const wide = [Array.from({ length: 30 }, (_, i) => i % 10)];
  const task = {
    demonstrations: [
      { input: wide, output: wide },
      { input: [[1]], output: [[2]] },
      { input: [[3]], output: [[4]] },
    ],
    input: wide,
    target: [[5, 6]],
    predictions: [[[5, 6]], [[5, 7]], [[5]]],
  };
  const figure = figureArcTask(task, { title: "t" });
  assert.deepEqual(labels(figure), [
    ...["Example 1", "becomes", "Example 2", "becomes", "Example 3", "becomes", "Test", "Solution"],
    ...["Attempt 1", "right", "Attempt 2", "1 of 2 cells wrong"],
    ...["Attempt 3", "size 1 x 1, not 1 x 2"],
  ]);
  const { x, width } = bars(figure);
  assert.ok(Math.max(...x.map((middle, i) => middle + width[i] / 2)) <= 768);
  const { demonstrations, input, predictions } = task;
  const unsolved = { demonstrations, input, predictions };
  assert.ok(labels(figureArcTask(unsolved, { title: "t" })).includes("Solution unknown"));
});

test("votes by number, and no answer at all", async () => {
  const figure = figureVotes(
    [
      { grid: [[1]], count: 3, labels: ["attempt 1", "solution"] },
      { grid: [[2]], count: 1 },
    ],
    { title: "t" },
  );
  assert.deepEqual(labels(figure), ["3 votes<br>attempt 1<br>solution", "1 vote"]);
  const svg = await figureToSvg(figure);
  assert.ok(svg.includes("rgb(0, 116, 217)"), "the palette's blue");
  assert.deepEqual(labels(figureVotes([], { title: "t" })), ["No answer could be read."]);
});

test.run();
