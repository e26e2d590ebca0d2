/** Lines of values over steps or settings, labelled at their right ends. */
import type { Figure, FigureOptions } from "./figure";
import { axis, edgeLabels, makeFigure, niceTicks, SERIES } from "./theme";

/** One line of `figureLines`; lists of equal length. */
export interface Line {
  /** Written at its right end. */
  readonly label: string;
  /** Places on the horizontal axis. */
  readonly x: readonly number[];
  /** The value at each. */
  readonly y: readonly number[];
}

/** Settings of `figureLines`. */
export interface LinesOptions extends FigureOptions {
  /** The horizontal quantity and its unit. */
  readonly xTitle: string;
  /** The vertical quantity and its unit. */
  readonly yTitle: string;
  /** Lowest value of the vertical axis; 0, or the lowest value if that is below, unless told. */
  readonly lowest?: number;
}

/** Lines in the given order of colours. Throws RangeError where there is nothing to draw. */
export function figureLines(lines: readonly Line[], options: LinesOptions): Figure {
  const xs = lines.flatMap(({ x }) => x);
  const ys = lines.flatMap(({ y }) => y);
  if (ys.length === 0 || xs.length !== ys.length)
    throw new RangeError(`lines need points: ${xs.length} x, ${ys.length} y`);
  const low = options.lowest ?? Math.min(0, ...ys);
  const top = Math.max(...ys);
  const high = top > low ? top + 0.05 * (top - low) : low + 1;
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const plotHeight = 320;
  const labels = lines.map(({ label, y }, i) => ({
    text: label,
    colour: SERIES[i % SERIES.length],
    height: ((y.at(-1) ?? low) - low) / (high - low),
  }));
  const { annotations, shapes, room } = edgeLabels(labels, plotHeight);
  return makeFigure({
    title: options.title,
    note: options.note,
    margin: { left: 72, right: room, bottom: 58 },
    plotHeight,
    data: lines.map(({ label, x, y }, i) => ({
      type: "scatter",
      mode: x.length > 30 ? "lines" : "lines+markers",
      name: label,
      x: [...x],
      y: [...y],
      line: { color: SERIES[i % SERIES.length], width: 2.5 },
      hovertemplate: `${label}: %{y}<extra></extra>`,
    })),
    layout: {
      xaxis: axis(options.xTitle, {
        range: right > left ? [left, right] : [left - 1, left + 1],
        tickvals: right > left ? niceTicks(left, right) : [left],
        showgrid: false,
      }),
      yaxis: axis(options.yTitle, { range: [low, high], tickvals: niceTicks(low, high) }),
      annotations,
      shapes,
    },
  });
}
