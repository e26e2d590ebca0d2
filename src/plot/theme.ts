/** The one look of all figures: colours, title, margins, axes, direct labels. What is drawn is decided in the figures. */
import type { Figure, PlotlyObject } from "./figure";
import { escapeMarkup, FONT_FAMILY, FONT_SIZE, LINE_HEIGHT, textWidth, wrapText } from "./text";

/** After Okabe and Ito's palette, told apart by colour-blind readers; darkened so that text in it reads on white. */
export const COLOURS = {
  blue: "#0072B2",
  vermilion: "#D55E00",
  green: "#007F5F",
  purple: "#A8527F",
  amber: "#B37400",
  sky: "#3C95C9",
  ink: "#222222",
  grey: "#666666",
  faint: "#E4E4E4",
} as const;

/** Colours for series, in order of use. */
export const SERIES: readonly string[] = [
  COLOURS.blue,
  COLOURS.vermilion,
  COLOURS.green,
  COLOURS.purple,
  COLOURS.amber,
  COLOURS.sky,
  COLOURS.grey,
];

/** Figures are made for this width in pixels. */
export const FIGURE_WIDTH = 800;
const TITLE_SIZE = 17;
const NOTE_SIZE = 12;
const EDGE = 16;

/** What a figure is made from; margins are of the plot area, in pixels. */
export interface FigureParts {
  /** The message, wrapped to the figure's width. */
  title: string;
  /** Smaller, under the title: what the marks mean. */
  note?: string;
  margin: { left: number; right: number; bottom: number };
  plotHeight: number;
  data: PlotlyObject[];
  layout: PlotlyObject;
}

/** Width of the plot area in pixels between these margins. */
export function plotWidth(margin: { left: number; right: number }): number {
  return FIGURE_WIDTH - margin.left - margin.right;
}

/** Puts the title and the margins around a plot area. */
export function makeFigure(parts: FigureParts): Figure {
  const room = FIGURE_WIDTH - 2 * EDGE;
  const titleLines = wrapText(parts.title, room, TITLE_SIZE, true);
  const noteLines = parts.note ? wrapText(parts.note, room, NOTE_SIZE) : [];
  const lineHeight = TITLE_SIZE * LINE_HEIGHT;
  const top = Math.ceil(EDGE + (titleLines.length + noteLines.length) * lineHeight + 14);
  const { left, right, bottom } = parts.margin;
  const height = top + parts.plotHeight + bottom;
  const text = [
    ...titleLines.map((line) => `<b>${escapeMarkup(line)}</b>`),
    ...noteLines.map(
      (line) =>
        `<span style="font-size:${NOTE_SIZE}px;color:${COLOURS.grey}">${escapeMarkup(line)}</span>`,
    ),
  ].join("<br>");
  return {
    title: parts.title,
    width: FIGURE_WIDTH,
    height,
    data: parts.data,
    layout: {
      paper_bgcolor: "white",
      plot_bgcolor: "white",
      font: { family: FONT_FAMILY, size: FONT_SIZE, color: COLOURS.ink },
      title: {
        text,
        font: { size: TITLE_SIZE },
        x: EDGE / FIGURE_WIDTH,
        xanchor: "left",
        // The first line's baseline: Plotly places several lines otherwise than one when anchored at the top.
        y: 1 - (EDGE + TITLE_SIZE) / height,
        yanchor: "bottom",
      },
      margin: { l: left, r: right, t: top, b: bottom, pad: 0 },
      showlegend: false,
      hoverlabel: { font: { family: FONT_FAMILY } },
      ...parts.layout,
    },
  };
}

/** An axis in the common look; `title` names the quantity and its unit. */
export function axis(title: string, more: PlotlyObject = {}): PlotlyObject {
  return {
    title: { text: escapeMarkup(title), standoff: 10, font: { size: FONT_SIZE } },
    gridcolor: COLOURS.faint,
    linecolor: COLOURS.grey,
    ticks: "outside",
    ticklen: 4,
    tickcolor: COLOURS.grey,
    zeroline: false,
    automargin: false,
    fixedrange: false,
    ...more,
  };
}

/** Pixels that the widest of these labels needs beside a plot, with a gap. */
export function labelRoom(labels: readonly string[], size = FONT_SIZE): number {
  return Math.ceil(Math.max(0, ...labels.map((label) => textWidth(label, size)))) + EDGE;
}

/** Round tick values from `low` to `high`, about `count` of them. */
export function niceTicks(low: number, high: number, count = 6): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step =
    [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

/**
 * Moves positions apart until neighbours are at least `gap` apart, within [low, high] if there is room;
 * the result is in the order of the input.
 */
export function spreadApart(
  positions: readonly number[],
  gap: number,
  low: number,
  high: number,
): number[] {
  const order = positions.map((_, i) => i).sort((a, b) => positions[a] - positions[b]);
  const placed = [...positions];
  let floor = low;
  for (const i of order) {
    placed[i] = Math.max(placed[i], floor);
    floor = placed[i] + gap;
  }
  let ceiling = high;
  for (const i of order.reverse()) {
    placed[i] = Math.min(placed[i], ceiling);
    ceiling = placed[i] - gap;
  }
  return placed;
}

/** A label beside the right edge of the plot, at a height from 0 (bottom) to 1 (top). */
export interface EdgeLabel {
  text: string;
  colour: string;
  height: number;
}

/** Annotations and leader lines that label what reaches the right edge, without overlaps. */
export function edgeLabels(
  labels: readonly EdgeLabel[],
  plotHeight: number,
): { annotations: PlotlyObject[]; shapes: PlotlyObject[]; room: number } {
  const gap = (FONT_SIZE * LINE_HEIGHT) / plotHeight;
  const heights = spreadApart(
    labels.map((label) => label.height),
    gap,
    0,
    1,
  );
  const annotations = labels.map(({ text, colour }, i) => ({
    text: escapeMarkup(text),
    font: { color: colour },
    ...{ xref: "paper", x: 1, xanchor: "left", xshift: 20 },
    ...{ yref: "paper", y: heights[i], yanchor: "middle", showarrow: false },
  }));
  const shapes = labels.map(({ colour, height }, i) => ({
    type: "line",
    ...{ xref: "paper", xsizemode: "pixel", xanchor: 1, x0: 3, x1: 19 },
    ...{ yref: "paper", y0: height, y1: heights[i] },
    line: { color: colour, width: 1 },
  }));
  return { annotations, shapes, room: labelRoom(labels.map((label) => label.text)) + 22 };
}
