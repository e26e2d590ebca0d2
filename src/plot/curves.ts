/** Lines over a few numbered settings, with intervals and labels at their ends. */
import type { Figure, FigureOptions, PlotlyObject } from "./figure";
import { axis, edgeLabels, makeFigure, niceTicks, SERIES } from "./theme";

/** One line, in the axis's unit. */
export interface Curve {
  /** Written at its right end. */
  readonly label: string;
  /** Its points, by rising x. */
  readonly points: readonly {
    /** The setting. */
    readonly x: number;
    /** What was measured there. */
    readonly value: number;
    /** Lower and upper end of the value's interval. */
    readonly interval: readonly [low: number, high: number];
  }[];
}

/** Settings of `figureCurves`. */
export interface CurveOptions extends FigureOptions {
  /** The horizontal quantity and its unit. */
  readonly xTitle: string;
  /** The vertical quantity and its unit. */
  readonly yTitle: string;
  /** How the last value is written beside the line's label. */
  readonly format: (value: number) => string;
}

/** Lines with 95% intervals; the x values stand at equal distances, in rising order. */
export function figureCurves(curves: readonly Curve[], options: CurveOptions): Figure {
  const shown = curves.filter(({ points }) => points.length > 0);
  const xs = [...new Set(shown.flatMap(({ points }) => points.map(({ x }) => x)))].sort(
    (a, b) => a - b,
  );
  const tops = shown.flatMap(({ points }) => points.map(({ interval }) => interval[1]));
  const high = 1.06 * Math.max(1, ...tops);
  const plotHeight = Math.max(340, 22 * shown.length);
  const colour = (i: number): string => SERIES[i % SERIES.length];
  const { annotations, shapes, room } = edgeLabels(
    shown.map(({ label, points }, i) => {
      const { value } = points[points.length - 1];
      const text = `${label} ${options.format(value)}`;
      return { text, colour: colour(i), height: value / high };
    }),
    plotHeight,
  );
  return makeFigure({
    title: options.title,
    ...(options.note === undefined ? {} : { note: options.note }),
    margin: { left: 66, right: room, bottom: 58 },
    plotHeight,
    data: shown.map((curve, i) =>
      // Side by side, so that the intervals of two lines do not cover each other.
      trace(curve, xs, colour(i), (i - (shown.length - 1) / 2) * 0.05),
    ),
    layout: {
      xaxis: axis(options.xTitle, {
        range: [-0.2, xs.length - 0.8],
        tickvals: xs.map((_, i) => i),
        ticktext: xs.map(String),
        showgrid: false,
      }),
      yaxis: axis(options.yTitle, { range: [0, high], tickvals: niceTicks(0, high) }),
      annotations,
      shapes,
    },
  });
}

function trace(
  { label, points }: Curve,
  xs: readonly number[],
  color: string,
  shift: number,
): PlotlyObject {
  return {
    type: "scatter",
    mode: "lines+markers",
    name: label,
    x: points.map(({ x }) => xs.indexOf(x) + shift),
    y: points.map(({ value }) => value),
    error_y: {
      type: "data",
      symmetric: false,
      array: points.map(({ value, interval }) => interval[1] - value),
      arrayminus: points.map(({ value, interval }) => value - interval[0]),
      ...{ color, thickness: 1.6, width: 5 },
    },
    line: { color, width: 2.5 },
    marker: { color, size: 8 },
    hovertemplate: `${label}: %{y:.1f}<extra></extra>`,
  };
}
