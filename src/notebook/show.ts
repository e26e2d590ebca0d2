/** What notebooks show: figures, tables, self-edits, answers before and after. Everything has a static form and a plain text. */
import path from "node:path";
import type { DataFrame } from "danfojs-node";
import type { Verdict } from "../judge/verdict";
import type { Figure } from "../plot/figure";
import { figureArcTask } from "../plot/grids";
import { renderFigure } from "../plot/render";
import { figureToSvg } from "../plot/svg";
import { COLOURS } from "../plot/theme";
import type { ArcTask, Grid } from "../tasks/arc/grids";
import { trainingSequences, type SequenceOptions } from "../selfedit/sequences";
import { display, inNotebook } from "./display";
import { htmlTable, plainTable, type ShownCell } from "./tables";

/**
 * Shows a figure: interactive where the front end knows Plotly, else (and on GitHub, in exported pages) as a picture.
 * Outside a notebook it is written to `folder` and the path of the picture printed.
 */
export async function show(figure: Figure, folder = "figures"): Promise<void> {
  if (!inNotebook()) {
    const name = figure.title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    const files = await renderFigure(
      figure,
      path.join(folder, name.slice(0, 60).replace(/-$/, "")),
    );
    process.stdout.write(`${figure.title}: ${files.find((file) => file.endsWith(".png"))}\n`);
    return;
  }
  const { data, layout, width, height, title } = figure;
  display({
    "application/vnd.plotly.v1+json": {
      data,
      layout: { ...layout, width, height },
      config: { displaylogo: false },
    },
    // No PNG: JupyterLab's Plotly extension shows one, at twice the size, until the figure is touched.
    "image/svg+xml": await figureToSvg(figure),
    "text/plain": title,
  });
}

/** Shows an ARC task: its examples, the test with its solution, and attempts at it where there are any. */
export async function showGrid(
  { id, train, test: [test] }: ArcTask,
  attempts: readonly Grid[] = [],
): Promise<void> {
  const { input, output } = test;
  const task = { demonstrations: train, input, predictions: attempts };
  const title = id === undefined ? "An ARC task" : `ARC task ${id}`;
  await show(figureArcTask({ ...task, ...(output && { target: output }) }, { title }));
}

/** Options of `showTable`. */
export interface ShowTableOptions {
  /** Most rows shown, 20 unless told. */
  readonly rows?: number;
  /** Decimals of numbers that are not whole, 3 unless told. */
  readonly decimals?: number;
}

/** Shows the first rows of a danfojs DataFrame; says how many more there are. */
export function showTable(frame: DataFrame, options: ShowTableOptions = {}): void {
  const { rows = 20, decimals = 3 } = options;
  const values = frame.values as unknown[][];
  const write = (value: unknown): string => {
    if (value === null || value === undefined || Number.isNaN(value)) return "";
    // A difference that rounds to nothing has no sign.
    if (typeof value === "number" && !Number.isInteger(value))
      return value.toFixed(decimals).replace(/^-(0\.?0*)$/, "$1");
    return typeof value === "object" ? JSON.stringify(value) : String(value as string);
  };
  const cells = values.slice(0, rows).map((row) => row.map(write));
  const left = values.length - cells.length;
  showCells(frame.columns, cells, left > 0 ? `and ${left} more rows` : undefined);
}

/** Shows what a self-edit becomes: the numbered sequences that the adapter is trained on, the passage last. */
export function showSelfEdit(completion: string, options: SequenceOptions): void {
  const sequences = trainingSequences(completion, options);
  const rows = sequences.map((sequence, i): ShownCell[] => {
    const text = sequence.slice(options.title.length + 1);
    const last = i === sequences.length - 1;
    return [String(i + 1), last ? { text, colour: COLOURS.grey } : text];
  });
  const title = `each headed “${options.title}”; the last is the passage itself`;
  showCells(["", "training sequence"], rows, title);
}

/** An answered question. */
export interface ShownAnswer {
  /** The question. */
  readonly question: string;
  /** The right answer, if it is to be shown. */
  readonly gold?: string;
  /** What was answered. */
  readonly answer: string;
  /** What the judge says of it. */
  readonly verdict: Verdict;
}

const MARKS: Readonly<Record<Verdict, { sign: string; colour: string }>> = {
  correct: { sign: "✓", colour: COLOURS.green },
  wrong: { sign: "✗", colour: COLOURS.vermilion },
  ungraded: { sign: "?", colour: COLOURS.grey },
};

/** Shows the answers to the same questions before and after, under these `labels`; throws RangeError where the lists do not match. */
export function showDiff(
  before: readonly ShownAnswer[],
  after: readonly ShownAnswer[],
  labels: readonly [string, string] = ["before", "after"],
): void {
  if (before.length !== after.length || before.some((b, i) => b.question !== after[i].question))
    throw new RangeError("showDiff needs answers to the same questions in the same order");
  const cell = ({ answer, verdict }: ShownAnswer): ShownCell => {
    const { sign, colour } = MARKS[verdict];
    return { text: `${sign} ${answer.trim().replace(/\s+/g, " ")}`, colour };
  };
  const rows = before.map((own, i): ShownCell[] => [
    own.question,
    own.gold ?? "",
    cell(own),
    cell(after[i]),
  ]);
  const right = (answers: readonly ShownAnswer[]): number =>
    answers.filter(({ verdict }) => verdict === "correct").length;
  const note = `right answers of ${before.length}: ${labels[0]} ${right(before)}, ${labels[1]} ${right(after)}`;
  showCells(["question", "right answer", ...labels], rows, note);
}

function showCells(
  columns: readonly string[],
  rows: readonly (readonly ShownCell[])[],
  note?: string,
): void {
  display({
    "text/html": htmlTable(columns, rows, note),
    "text/plain": plainTable(columns, rows, note),
  });
}
