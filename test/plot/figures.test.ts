import { suite } from "uvu";
import * as assert from "uvu/assert";
import { figureAccuracyByArm, figureBars } from "../../src/plot/bars";
import type { AccuracyRow, Figure } from "../../src/plot/figure";
import { figureHeatmap } from "../../src/plot/heatmap";
import {
  figureAccuracyByRound,
  figureRewardDistribution,
  figureSelfEditStyles,
} from "../../src/plot/rounds";
import { niceTicks, spreadApart } from "../../src/plot/theme";
import { textWidth, wrapText } from "../../src/plot/text";

const test = suite("figures");

const row = (arm: string, round: number, accuracy: number): AccuracyRow => ({
  arm,
  round,
  n: 40,
  accuracy,
  ci95: [accuracy - 0.125, accuracy + 0.0625],
});
const rows = [
  row("untouched", 0, 0.25),
  row("untrained self-edits", 0, 0.5),
  row("best of K", 1, 0.625),
  row("best of K", 2, 0.75),
  row("random selection", 1, 0.5),
];

interface Trace {
  name: string;
  x: number[];
  y: number[];
  error_x: { array: number[]; arrayminus: number[] };
  error_y: { array: (number | null)[]; arrayminus: (number | null)[] };
  marker: { color: unknown };
}
interface Annotation {
  text: string;
  x: number;
  y: number;
  yref: string;
}

const traces = (figure: Figure): Trace[] => figure.data as unknown as Trace[];
const annotations = (figure: Figure): Annotation[] => figure.layout.annotations as Annotation[];
const texts = (figure: Figure): string[] => annotations(figure).map(({ text }) => text);
const axisOf = (figure: Figure, name: string): { range: number[]; ticktext: string[] } =>
  figure.layout[name] as { range: number[]; ticktext: string[] };

test("accuracy by arm: values, intervals, labels, and the paper's value at its round", () => {
  const paper = [
    { arm: "best of K", round: 2, accuracy: 0.47 },
    { arm: "elsewhere", accuracy: 0.9 },
  ];
  const figure = figureAccuracyByArm(rows, { title: "t", paper });
  const [measured, reference] = traces(figure);
  assert.equal(measured.x, [25, 50, 62.5, 75, 50]);
  assert.equal(measured.error_x.arrayminus, [12.5, 12.5, 12.5, 12.5, 12.5]);
  assert.equal(measured.error_x.array, [6.25, 6.25, 6.25, 6.25, 6.25]);
  assert.equal(reference.x, [47]);
  assert.is(Math.round(reference.y[0]), 3);
  assert.is(axisOf(figure, "yaxis").ticktext[3], "best of K, round 2 (n = 40)");
  assert.is(axisOf(figure, "yaxis").ticktext[0], "untouched (n = 40)");
  assert.equal(texts(figure), ["25.0%", "50.0%", "62.5%", "75.0%", "50.0%", "paper (7B) 47.0%"]);
});

test("a value of the paper stands beside its own round, not the last, and nowhere where that round was not run", () => {
  const places = (round?: number): number[] => {
    const paper = [{ arm: "best of K", accuracy: 0.47, ...(round === undefined ? {} : { round }) }];
    const [, reference] = traces(figureAccuracyByArm(rows, { title: "t", paper })) as (
      Trace | undefined
    )[];
    return reference?.y.map(Math.round) ?? [];
  };
  assert.equal([places(1), places(2), places(3), places()], [[2], [3], [], []]);
});

test("every value's label ends inside the figure", () => {
  const figure = figureAccuracyByArm([row("a", 0, 0.9375), row("b", 0, 0.25)], {
    title: "t",
    paper: [{ arm: "a", accuracy: 0.99 }],
  });
  const { l, r } = figure.layout.margin as { l: number; r: number };
  const [low, high] = axisOf(figure, "xaxis").range;
  for (const { text, x } of annotations(figure)) {
    const end = l + ((x - low) / (high - low)) * (figure.width - l - r) + 9 + textWidth(text);
    assert.ok(end <= figure.width, `${text} ends at ${end}`);
  }
});

test("accuracy by round: lines share the untrained start, the rest are controls", () => {
  const figure = figureAccuracyByRound(rows, { title: "t" });
  const [best, random, start] = traces(figure);
  assert.is(best.name, "best of K");
  assert.equal(best.y, [50, 62.5, 75]);
  assert.equal(best.x.map(Math.round), [0, 1, 2]);
  assert.equal(best.error_y.array, [null, 6.25, 6.25]);
  assert.equal(random.y, [50, 50]);
  assert.equal([start.x, start.y], [[0], [50]]);
  assert.equal(texts(figure), ["best of K 75.0%", "random selection 50.0%", "untouched 25.0%"]);
  const shapes = figure.layout.shapes as { yref: string; y0: number }[];
  assert.equal(
    shapes.filter(({ yref }) => yref === "y").map(({ y0 }) => y0),
    [25],
  );
});

test("rewards: shares of each round's candidates by bin, and their mean", () => {
  const figure = figureRewardDistribution(
    [
      { round: 0, rewards: [0, 0, 0.5, 1] },
      { round: 1, rewards: [1, 0.98] },
    ],
    { title: "t" },
  );
  const [first, second] = traces(figure);
  assert.equal([first.y[0], first.y[10], first.y[20]], [0.5, 0.25, 0.25]);
  assert.is(first.x[10], 0.5);
  assert.is(second.y[20], 1);
  assert.ok(texts(figure).includes("mean 0.38"));
  assert.ok(texts(figure).includes("mean 0.99"));
});

test("rewards: with steps, every possible share of the questions is a bin of its own", () => {
  const groups = [{ round: 0, rewards: [0, 1 / 3, 1 / 3, 2 / 3] }];
  const [bars] = traces(figureRewardDistribution(groups, { title: "t", steps: 3 }));
  assert.equal(bars.x, [0, 1 / 3, 2 / 3, 1]);
  assert.equal(bars.y, [0.25, 0.5, 0.25, 0]);
});

test("styles: a column a round, styles named in the order of the stack", () => {
  const figure = figureSelfEditStyles(
    [
      { round: 0, shares: { statements: 0.25, vague: 0.75 } },
      { round: 2, shares: { statements: 1 } },
    ],
    { title: "t" },
  );
  const [statements, vague] = traces(figure);
  assert.equal(
    [statements.y, vague.y],
    [
      [25, 100],
      [75, 0],
    ],
  );
  assert.equal(axisOf(figure, "xaxis").ticktext, ["0 (untrained)", "2"]);
  assert.equal(texts(figure), ["statements", "vague"]);
});

test("bars: without an interval no error is drawn", () => {
  const figure = figureBars(
    [
      { label: "a", value: 3 },
      { label: "b", value: -2, interval: [-3, -1] },
    ],
    {
      title: "t",
      axisTitle: "seconds",
      format: String,
    },
  );
  const [bars, errors] = traces(figure);
  assert.equal(bars.x, [3, -2]);
  assert.equal([errors.x, errors.y, errors.error_x.array], [[-2], [1], [1]]);
});

test("heat map: a number in each cell that has one", () => {
  const figure = figureHeatmap({
    title: "t",
    rows: ["after 1", "after 2"],
    columns: ["p1", "p2"],
    values: [
      [0.5, null],
      [0.25, 1],
    ],
    rowTitle: "Updates",
    columnTitle: "Passage",
    format: (value) => `${100 * value}%`,
  });
  assert.equal(
    annotations(figure).map(({ text, x, y }) => [text, x, y]),
    [
      ["50%", 0, 0],
      ["25%", 0, 1],
      ["100%", 1, 1],
    ],
  );
  assert.equal(traces(figure)[0].marker.color, [0.5, 0.25, 1]);
});

test("labels are moved apart, no further than needed, in their order", () => {
  assert.equal(spreadApart([5, 5, 9], 2, 0, 10), [5, 7, 9]);
  assert.equal(spreadApart([10, 10, 2], 3, 0, 10), [7, 10, 2]);
});

test("ticks are round numbers", () => {
  assert.equal(niceTicks(0, 100), [0, 20, 40, 60, 80, 100]);
  assert.equal(niceTicks(-0.3, 0.3, 3), [-0.2, 0, 0.2]);
});

test("text is measured by the font, and wrapped by words, or letters where a word is too wide", () => {
  // DejaVu Sans: a digit is 1303 units of 2048 wide.
  assert.is(textWidth("00", 2048), 2606);
  assert.ok(textWidth("word", 10, true) > textWidth("word", 10));
  assert.equal(wrapText("aa bb\ncc", textWidth("aa bb") - 1), ["aa", "bb", "cc"]);
  assert.equal(wrapText("000", textWidth("00")), ["00", "0"]);
  assert.equal(wrapText("a (n\u00a0=\u00a01)", textWidth("(n = 1)")), ["a", "(n = 1)"]);
});

test.run();
