/** What a figure is, and what rows it is made from: plain data. Drawing is `render.ts`. */

/** A trace, a layout, or a part of one, as Plotly documents them. */
export type PlotlyObject = Record<string, unknown>;

/** A figure ready to draw: width and height in pixels, `data` and `layout` as Plotly takes them. */
export interface Figure {
  title: string;
  width: number;
  height: number;
  data: PlotlyObject[];
  layout: PlotlyObject;
}

/** The part of a record's row that figures show; accuracies are shares from 0 to 1. */
export interface AccuracyRow {
  arm: string;
  round: number;
  n: number;
  accuracy: number;
  ci95: readonly [low: number, high: number];
}

/** A value that the paper reports (its model has 7 billion parameters); a share from 0 to 1. */
export interface PaperRow {
  arm: string;
  /** Rounds of the outer loop before it was measured; 0 unless told. */
  round?: number;
  accuracy: number;
}

/** The paper's value for this arm after this many rounds, if it has one. */
export function paperValue(
  paper: readonly PaperRow[],
  arm: string,
  round: number,
): PaperRow | undefined {
  return paper.find((row) => row.arm === arm && (row.round ?? 0) === round);
}

/** A share from 0 to 1 as a percentage with one decimal. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
