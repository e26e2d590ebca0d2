/** The forgetting matrix as a heat map with numbers (the paper's figure on continual self-edits). */
import type { Figure, FigureOptions } from "./figure";
import { figureHeatmap } from "./heatmap";

/** Accuracy [update][passage] as shares from 0 to 1, row 0 before any update; null where a passage was not asked about. */
export function figureForgetting(
  accuracy: readonly (readonly (number | null)[])[],
  { title, note }: FigureOptions,
): Figure {
  return figureHeatmap({
    title,
    note,
    rows: accuracy.map((_, update) => (update === 0 ? "untouched" : `after ${update}`)),
    columns: (accuracy[0] ?? []).map((_, passage) => String(passage + 1)),
    values: accuracy.map((row) => row.map((value) => (value === null ? null : 100 * value))),
    rowTitle: "Update",
    columnTitle: "Passage, in the order learned",
    format: (value) => value.toFixed(0),
  });
}
