/**
 * Figures of anything: bars, curves, lines, heat maps, tables, and writing them as HTML, SVG and PNG.
 *
 * @module seal-lab/plot
 */
export { figureBars } from "../plot/bars";
export type { Bar, BarOptions } from "../plot/bars";
export { figureCurves } from "../plot/curves";
export type { Curve, CurveOptions } from "../plot/curves";
export { figureLines } from "../plot/lines";
export type { Line, LinesOptions } from "../plot/lines";
export { figureHeatmap } from "../plot/heatmap";
export type { Heatmap } from "../plot/heatmap";
export { renderFigure } from "../plot/render";
export { renderTable } from "../plot/table";
export type { Cell, CellTone, Table, TonedCell } from "../plot/table";
