import { suite } from "uvu";
import * as assert from "uvu/assert";
import { figureLines } from "../../src/plot/lines";

const test = suite("lines");

test("points, axes from zero, and labels at the right ends", () => {
  const figure = figureLines(
    [
      { label: "a", x: [1, 2, 3], y: [4, 2, 1] },
      { label: "b", x: [1, 2, 3], y: [3, 3, 4] },
    ],
    { title: "t", xTitle: "step", yTitle: "loss" },
  );
  const traces = figure.data as { x: number[]; y: number[]; mode: string }[];
  assert.equal(
    traces.map(({ y }) => y),
    [
      [4, 2, 1],
      [3, 3, 4],
    ],
  );
  const { xaxis, yaxis, annotations } = figure.layout as {
    xaxis: { range: number[] };
    yaxis: { range: number[] };
    annotations: { text: string; y: number }[];
  };
  assert.equal(xaxis.range, [1, 3]);
  assert.equal(yaxis.range, [0, 4.2]);
  assert.equal(
    annotations.map(({ text }) => text),
    ["a", "b"],
  );
  assert.ok(Math.abs(annotations[0].y - 1 / 4.2) < 1e-9);
  assert.ok(Math.abs(annotations[1].y - 4 / 4.2) < 1e-9);
});

test("values below zero lower the axis; nothing to draw is refused", () => {
  const options = { title: "t", xTitle: "x", yTitle: "y" };
  const { layout } = figureLines([{ label: "a", x: [0, 1], y: [-2, 2] }], options);
  assert.equal((layout.yaxis as { range: number[] }).range, [-2, 2.2]);
  assert.throws(() => figureLines([], options), /lines need points/);
});

test.run();
