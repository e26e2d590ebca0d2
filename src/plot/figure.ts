/** What a figure is, and what rows it is made from: plain data. Drawing is `render.ts`. */

/** A trace, a layout, or a part of one, as Plotly documents them. */
export type PlotlyObject = Record<string, unknown>;

/** A figure ready to draw: width and height in pixels, `data` and `layout` as Plotly takes them. */
export interface Figure {
  /** The message, as plain text. */
  title: string;
  /** In pixels. */
  width: number;
  /** In pixels. */
  height: number;
  /** Plotly's traces. */
  data: PlotlyObject[];
  /** Plotly's layout. */
  layout: PlotlyObject;
}

/** What every figure is told. */
export interface FigureOptions {
  /** The message of the figure. */
  readonly title: string;
  /** Smaller, under the title; nothing unless told. */
  readonly note?: string;
}

/** The part of a record's row that figures show; accuracies are shares from 0 to 1. */
export interface AccuracyRow {
  /** What was compared, e.g. "passage only". */
  arm: string;
  /** Round of the outer loop; 0 before any. */
  round: number;
  /** Questions with a verdict. */
  n: number;
  /** Share of these answered rightly. */
  accuracy: number;
  /** Its 95% interval. */
  ci95: readonly [low: number, high: number];
}

/** A value that the paper reports (its model has 7 billion parameters); a share from 0 to 1. */
export interface PaperRow {
  /** The arm that it belongs to. */
  arm: string;
  /** Rounds of the outer loop before it was measured; 0 unless told. */
  round?: number;
  /** As the paper has it. */
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
