/** One value per labelled row, with intervals: accuracy by arm, and bars in general. */
import {
  paperValue,
  percent,
  type AccuracyRow,
  type Figure,
  type FigureOptions,
  type PaperRow,
  type PlotlyObject,
} from "./figure";
import { axis, COLOURS, labelRoom, makeFigure, niceTicks, plotWidth } from "./theme";
import { escapeMarkup, FONT_SIZE, NO_BREAK_SPACE, textWidth, wrapText } from "./text";

/** One row of `figureBars`: a value and, if known, its interval, in the axis's unit. */
export interface Bar {
  /** Written to the left. */
  label: string;
  /** Where the mark stands. */
  value: number;
  /** Lower and upper end; none is drawn unless told. */
  interval?: readonly [low: number, high: number];
  /** Another's value for the same thing, drawn as a hollow diamond; none unless told. */
  reference?: number;
}

/** Settings of `figureBars`. */
export interface BarOptions extends FigureOptions {
  /** The quantity and its unit. */
  axisTitle: string;
  /** How a value is written beside its mark. */
  format: (value: number) => string;
  /** What the hollow diamonds are, "reference" unless told. */
  referenceLabel?: string;
  /** "bars", which start at zero, or "points"; "bars" unless told. */
  marks?: "bars" | "points";
  /** The largest value that can be, beyond which no tick is put; none unless told. */
  largest?: number;
}

const BOTTOM = 58;
const WIDEST_LABEL = 250;
/** How far a row's own mark and its reference lie from the row's middle, in rows. */
const SHIFT = 0.2;

/** Horizontal bars or points, one row each from top to bottom in the given order, with values written beside them. */
export function figureBars(bars: readonly Bar[], options: BarOptions): Figure {
  const labels = bars.map((bar) => wrapText(bar.label, WIDEST_LABEL));
  const margin = { left: labelRoom(labels.flat()) + 4, right: 24, bottom: BOTTOM };
  const hasReference = bars.some((bar) => bar.reference !== undefined);
  const rowHeight = Math.max(hasReference ? 46 : 36, ...labels.map((lines) => 20 * lines.length));
  const marks = marksOf(bars, options);
  const range = rangeFor(marks, plotWidth(margin));
  const ticks = niceTicks(range[0], Math.min(range[1], options.largest ?? Infinity));
  return makeFigure({
    title: options.title,
    note: options.note,
    margin,
    plotHeight: Math.max(100, rowHeight * bars.length + 10),
    data: [
      ...(options.marks === "points" ? [] : [barTrace(bars, hasReference ? 0.36 : 0.6)]),
      pointTrace(bars, options),
      ...(hasReference ? [referenceTrace(bars)] : []),
    ],
    layout: {
      xaxis: axis(options.axisTitle, {
        range,
        tickvals: ticks,
        ticktext: ticks.map((tick) => String(tick)),
        zeroline: range[0] < 0,
        zerolinecolor: COLOURS.grey,
      }),
      yaxis: axis("", {
        range: [bars.length - 0.45, -0.55],
        tickvals: bars.map((_, i) => i),
        ticktext: labels.map((lines) => lines.map(escapeMarkup).join("<br>")),
        ticks: "",
        showgrid: false,
      }),
      annotations: marks.map(({ end, y, text, colour }) => ({
        text: escapeMarkup(text),
        font: { color: colour },
        ...{ x: end, xanchor: "left", xshift: 9, y, yanchor: "middle", showarrow: false },
      })),
    },
  });
}

interface Mark {
  start: number;
  end: number;
  y: number;
  text: string;
  colour: string;
}

/** A row's own mark gives way to a reference, if there is one. */
function heightOf({ reference }: Bar, row: number): number {
  return reference === undefined ? row : row - SHIFT;
}

/** Where each mark begins and ends, and what is written after it. */
function marksOf(bars: readonly Bar[], options: BarOptions): Mark[] {
  const { format, referenceLabel = "reference" } = options;
  const own = bars.map(({ value, interval = [value, value] }, i) => ({
    start: Math.min(value, interval[0]),
    end: Math.max(value, interval[1], options.marks === "points" ? -Infinity : 0),
    y: heightOf(bars[i], i),
    text: format(value),
    colour: COLOURS.ink as string,
  }));
  const references = bars.flatMap(({ reference }, i) =>
    reference === undefined
      ? []
      : [
          {
            start: reference,
            end: reference,
            y: i + SHIFT,
            text: `${referenceLabel} ${format(reference)}`,
            colour: COLOURS.grey as string,
          },
        ],
  );
  return [...own, ...references];
}

/** From zero (or the lowest mark) to where the last label still fits into `width` pixels. */
function rangeFor(marks: readonly Mark[], width: number): [number, number] {
  const lowest = Math.min(0, ...marks.map(({ start }) => start));
  const low = lowest < 0 ? lowest * 1.08 : 0;
  const ends = marks.map(({ end, text }) => {
    const share = 1 - (textWidth(text, FONT_SIZE) + 18) / width;
    return low + (end - low) / share;
  });
  const high = Math.max(...ends);
  return [low, high > low ? high : low + 1];
}

function barTrace(bars: readonly Bar[], thickness: number): PlotlyObject {
  return {
    type: "bar",
    orientation: "h",
    x: bars.map(({ value }) => value),
    y: bars.map(heightOf),
    width: thickness,
    marker: { color: COLOURS.blue, opacity: 0.55 },
    hoverinfo: "skip",
  };
}

function pointTrace(bars: readonly Bar[], options: BarOptions): PlotlyObject {
  const points = options.marks === "points";
  const rows = bars
    .map((bar, i) => ({ ...bar, y: heightOf(bar, i) }))
    .filter(({ interval }) => points || interval !== undefined);
  return {
    type: "scatter",
    mode: "markers",
    name: "measured",
    x: rows.map(({ value }) => value),
    y: rows.map(({ y }) => y),
    error_x: {
      type: "data",
      symmetric: false,
      array: rows.map(({ value, interval = [value, value] }) => interval[1] - value),
      arrayminus: rows.map(({ value, interval = [value, value] }) => value - interval[0]),
      color: points ? COLOURS.blue : COLOURS.ink,
      thickness: 1.6,
      width: 5,
    },
    marker: { color: COLOURS.blue, size: points ? 10 : 0.1, opacity: points ? 1 : 0 },
    text: rows.map(({ label, value }) => escapeMarkup(`${label}: ${options.format(value)}`)),
    hoverinfo: "text",
  };
}

function referenceTrace(bars: readonly Bar[]): PlotlyObject {
  const rows = bars.flatMap(({ reference }, i) =>
    reference === undefined ? [] : [{ reference, i }],
  );
  return {
    type: "scatter",
    mode: "markers",
    name: "reference",
    x: rows.map(({ reference }) => reference),
    y: rows.map(({ i }) => i + SHIFT),
    marker: { symbol: "diamond-open", color: COLOURS.grey, size: 10, line: { width: 1.6 } },
    hoverinfo: "x",
  };
}

function sizeLabel(n: number): string {
  return `(n = ${n})`.replaceAll(" ", NO_BREAK_SPACE);
}

/** Settings of `figureAccuracyByArm`. */
export interface AccuracyByArmOptions extends FigureOptions {
  /** Smaller, under the title; says what points and lines are unless told. */
  readonly note?: string;
  /** The paper's values, matched by arm and round; none unless told. */
  paper?: readonly PaperRow[];
}

/** Accuracy of each row with its 95% interval, from top to bottom in the given order; the paper's values beside it. */
export function figureAccuracyByArm(
  rows: readonly AccuracyRow[],
  { title, note, paper = [] }: AccuracyByArmOptions,
): Figure {
  const rounds = new Map<string, Set<number>>();
  for (const { arm, round } of rows) rounds.set(arm, (rounds.get(arm) ?? new Set()).add(round));
  const bars = rows.map(({ arm, round, n, accuracy, ci95 }) => {
    const several = (rounds.get(arm)?.size ?? 1) > 1;
    const theirs = paperValue(paper, arm, round);
    return {
      label: `${arm}${several ? `, round ${round}` : ""} ${sizeLabel(n)}`,
      value: 100 * accuracy,
      interval: [100 * ci95[0], 100 * ci95[1]] as const,
      ...(theirs && { reference: 100 * theirs.accuracy }),
    };
  });
  return figureBars(bars, {
    title,
    note: note ?? "Points: accuracy on n questions. Lines: 95% intervals.",
    axisTitle: "Questions answered correctly (%)",
    format: (value) => percent(value / 100),
    referenceLabel: "paper (7B)",
    marks: "points",
    largest: 100,
  });
}

/** A difference between two shares from 0 to 1, with its interval. */
export interface DifferenceRow {
  label: string;
  mean: number;
  ci95: readonly [low: number, high: number];
}

/** Differences in accuracy, in percentage points with their sign, one row each in the given order. */
export function figureDifferences(
  rows: readonly DifferenceRow[],
  texts: { title: string; note: string },
): Figure {
  const bars = rows.map(({ label, mean, ci95: [low, high] }) => ({
    label,
    value: 100 * mean,
    interval: [100 * low, 100 * high] as const,
  }));
  return figureBars(bars, {
    ...texts,
    axisTitle: "Difference in accuracy (points)",
    format: (value) => `${value >= 0 ? "+" : "−"}${Math.abs(value).toFixed(1)}`,
    marks: "points",
  });
}
