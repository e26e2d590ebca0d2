/** A matrix with its numbers written in the cells. */
import type { Figure, FigureOptions } from "./figure";
import { axis, COLOURS, labelRoom, makeFigure, plotWidth } from "./theme";
import { escapeMarkup, FONT_SIZE, textWidth, wrapText } from "./text";

/** A matrix to show: `values[row][column]`; null where there is none. */
export interface Heatmap extends FigureOptions {
  /** Labels of the rows, from top to bottom. */
  rows: readonly string[];
  /** Labels of the columns, from left to right. */
  columns: readonly string[];
  /** `values[row][column]`. */
  values: readonly (readonly (number | null)[])[];
  /** What the rows are; nothing is written unless told. */
  rowTitle?: string;
  /** What the columns are; nothing is written unless told. */
  columnTitle?: string;
  /** How a value is written in its cell. */
  format: (value: number) => string;
}

const PALE = [239, 245, 250] as const;
const DARK = [0, 74, 124] as const;

/** A heat map from pale (smallest) to dark blue (largest); rows from top to bottom in the given order. */
export function figureHeatmap(heatmap: Heatmap): Figure {
  const { title, note, rows, columns, values, format } = heatmap;
  const cells = values.flatMap((row, y) =>
    row.flatMap((value, x) => (value === null ? [] : [{ x, y, value }])),
  );
  const present = cells.map(({ value }) => value);
  const [low, high] = [Math.min(...present), Math.max(...present)];
  const rowLabels = rows.map((row) => wrapText(row, 220));
  const left = labelRoom(rowLabels.flat()) + 28;
  const margin = { left, right: 24 };
  const cell = plotWidth(margin) / columns.length;
  const columnLabels = columns.map((column) => wrapText(column, cell - 8));
  const lines = Math.max(...columnLabels.map((label) => label.length));
  const size = Math.min(FONT_SIZE, fittingSize(present.map(format), cell - 6));
  return makeFigure({
    title,
    note,
    margin: { ...margin, bottom: 44 + 17 * lines },
    plotHeight: Math.max(80, 40 * rows.length),
    data: [
      {
        // Plotly's heat maps need a canvas; bars of height 1 do not.
        type: "bar",
        x: cells.map(({ x }) => x),
        y: cells.map(() => 0.94),
        base: cells.map(({ y }) => y - 0.47),
        width: 0.96,
        marker: {
          color: cells.map(({ value }) => value),
          colorscale: [
            [0, `rgb(${PALE.join(",")})`],
            [1, `rgb(${DARK.join(",")})`],
          ],
          ...{ cmin: low, cmax: high > low ? high : low + 1, showscale: false },
        },
        text: cells.map(({ x, y, value }) =>
          escapeMarkup(`${rows[y]}, ${columns[x]}: ${format(value)}`),
        ),
        textposition: "none",
        hovertemplate: "%{text}<extra></extra>",
      },
    ],
    layout: {
      xaxis: axis(heatmap.columnTitle ?? "", {
        range: [-0.5, columns.length - 0.5],
        tickvals: columns.map((_, i) => i),
        ticktext: columnLabels.map((label) => label.map(escapeMarkup).join("<br>")),
        tickangle: 0,
        ticks: "",
        showgrid: false,
      }),
      yaxis: axis(heatmap.rowTitle ?? "", {
        range: [rows.length - 0.5, -0.5],
        tickvals: rows.map((_, i) => i),
        ticktext: rowLabels.map((label) => label.map(escapeMarkup).join("<br>")),
        ticks: "",
        showgrid: false,
      }),
      barmode: "overlay",
      annotations: cells.map(({ x, y, value }) => {
        const dark = high > low && (value - low) / (high - low) > 0.5;
        const font = { size, color: dark ? "white" : COLOURS.ink };
        return { text: escapeMarkup(format(value)), x, y, showarrow: false, font };
      }),
    },
  });
}

/** The font size at which the widest text is `width` pixels wide. */
function fittingSize(texts: readonly string[], width: number): number {
  return width / Math.max(...texts.map((text) => textWidth(text, 1)), 1e-9);
}
