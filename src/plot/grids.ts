/** Pictures of ARC grids in the usual palette: panels in rows, with cell differences. What is shown is the caller's. */
import type { Figure, FigureOptions } from "./figure";
import { escapeMarkup, textWidth } from "./text";
import { COLOURS, FIGURE_WIDTH, makeFigure } from "./theme";

/** Colours 0 to 9 as arcprize.org shows them. */
export const ARC_PALETTE: readonly string[] = [
  ...["#000000", "#0074D9", "#FF4136", "#2ECC40", "#FFDC00"],
  ...["#AAAAAA", "#F012BE", "#FF851B", "#7FDBFF", "#870C25"],
];

/** Rows of colours 0 to 9. */
type Cells = readonly (readonly number[])[];

/** One grid with its label. */
export interface GridPanel {
  /** Above the grid; lines are kept. */
  label: string;
  /** Absent where there is nothing to draw; the label then stands alone. */
  grid?: Cells;
  /** Draw how the grid differs from this one instead of its colours: right cells grey, wrong ones red, missing or surplus ones amber. */
  target?: Cells;
}

const EDGE = 16;
const GAP = 18;
const LABEL_SIZE = 12;
const LABEL_LINE = 16;
const LARGEST_CELL = 22;
const TALLEST_GRID = 330;
const DIFFERENCE = { right: "#D9D9D9", wrong: COLOURS.vermilion, size: COLOURS.amber };

interface PlacedPanel extends GridPanel {
  x: number;
  /** Of the label, and of the grid below it. */
  y: number;
  gridY: number;
  cell: number;
}

/** Rows of panels from top to bottom, each with as large cells as its row has room for. */
export function figureGrids(
  rows: readonly (readonly GridPanel[])[],
  { title, note }: FigureOptions,
): Figure {
  let y = 0;
  const placed: PlacedPanel[] = [];
  for (const panels of rows) {
    const cell = cellSize(panels);
    const gridY = y + labelHeight(panels);
    let x = 0;
    for (const panel of panels) {
      placed.push({ ...panel, x, y, gridY, cell });
      x += widthOf(panel, cell) + GAP;
    }
    y = gridY + cell * Math.max(0, ...panels.map((panel) => shapeOf(panel).height)) + GAP;
  }
  const cells = placed.flatMap(cellsOf);
  const plotHeight = Math.max(40, y - GAP + 2);
  const hidden = { showgrid: false, showticklabels: false, ticks: "", zeroline: false };
  return makeFigure({
    title,
    note,
    margin: { left: EDGE, right: EDGE, bottom: EDGE },
    plotHeight,
    data: [
      {
        type: "bar",
        // Bars from a base are the only rectangles that need no canvas and stay one trace.
        x: cells.map(({ x, size }) => x + size / 2),
        base: cells.map(({ y }) => y),
        y: cells.map(({ size }) => size),
        width: cells.map(({ size }) => size),
        marker: {
          color: cells.map(({ colour }) => colour),
          line: { color: "#777777", width: 0.6 },
        },
        text: cells.map(({ text }) => text),
        textposition: "none",
        hovertemplate: "%{text}<extra></extra>",
      },
    ],
    layout: {
      barmode: "overlay",
      // A pixel more, so that the outermost lines are drawn whole.
      xaxis: { range: [-1, FIGURE_WIDTH - 2 * EDGE - 1], ...hidden },
      yaxis: { range: [plotHeight - 1, -1], ...hidden },
      annotations: placed.map(({ label, x, y: top }) => ({
        text: label.split("\n").map(escapeMarkup).join("<br>"),
        font: { size: LABEL_SIZE, color: COLOURS.ink },
        ...{ x, xanchor: "left", y: top, yanchor: "top", align: "left", showarrow: false },
      })),
    },
  });
}

/** The cells' size at which a row of panels fits the figure. */
function cellSize(panels: readonly GridPanel[]): number {
  const room = FIGURE_WIDTH - 2 * EDGE - GAP * (panels.length - 1);
  const tallest = Math.max(1, ...panels.map((panel) => shapeOf(panel).height));
  let cell = Math.min(LARGEST_CELL, TALLEST_GRID / tallest);
  const total = (): number => panels.reduce((sum, panel) => sum + widthOf(panel, cell), 0);
  while (cell > 2 && total() > room) cell -= 0.5;
  return cell;
}

/** Room for a row's labels. */
function labelHeight(panels: readonly GridPanel[]): number {
  return 4 + LABEL_LINE * Math.max(1, ...panels.map(({ label }) => label.split("\n").length));
}

/** A panel is as wide as its grid or its label. */
function widthOf(panel: GridPanel, cell: number): number {
  const label = panel.label.split("\n").map((line) => textWidth(line, LABEL_SIZE) + 4);
  return Math.max(cell * shapeOf(panel).width, ...label);
}

/** A difference is as large as both grids together need. */
function shapeOf({ grid = [], target = [] }: GridPanel): { height: number; width: number } {
  return {
    height: Math.max(grid.length, target.length),
    width: Math.max(grid.at(0)?.length ?? 0, target.at(0)?.length ?? 0),
  };
}

interface DrawnCell {
  x: number;
  y: number;
  size: number;
  colour: string;
  text: string;
}

function cellsOf(panel: PlacedPanel): DrawnCell[] {
  const { height, width } = shapeOf(panel);
  return Array.from({ length: height * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    const place = { x: panel.x + column * panel.cell, y: panel.gridY + row * panel.cell };
    const where = `row ${row + 1}, column ${column + 1}`;
    return { ...place, size: panel.cell, ...look(panel, row, column, where) };
  });
}

function look(
  { grid, target }: GridPanel,
  row: number,
  column: number,
  where: string,
): { colour: string; text: string } {
  const own = grid?.[row]?.[column];
  if (!target) return { colour: ARC_PALETTE[own ?? 0], text: `${where}: ${own}` };
  const theirs = target[row]?.[column];
  if (own === undefined || theirs === undefined)
    return {
      colour: DIFFERENCE.size,
      text: `${where}: ${own === undefined ? "missing" : "surplus"}`,
    };
  if (own === theirs) return { colour: DIFFERENCE.right, text: `${where}: right` };
  return { colour: DIFFERENCE.wrong, text: `${where}: ${own} instead of ${theirs}` };
}

/** What `figureArcTask` shows of a task. */
export interface ArcTaskPicture {
  /** The examples. */
  demonstrations: readonly {
    /** What is given. */
    input: Cells;
    /** What it becomes. */
    output: Cells;
  }[];
  /** The test's input. */
  input: Cells;
  /** The solution, where it is known. */
  target?: Cells;
  /** The attempts, the first one first. */
  predictions: readonly Cells[];
}

/** A task on one page: demonstrations, the test with its solution, every attempt and its difference from the solution. */
export function figureArcTask(task: ArcTaskPicture, options: FigureOptions): Figure {
  const { demonstrations, input, target, predictions } = task;
  const shown = demonstrations.flatMap(({ input: given, output }, i): GridPanel[][] => [
    [
      { label: `Example ${i + 1}`, grid: given },
      { label: "becomes", grid: output },
    ],
  ]);
  const together = [...pairsOf(shown)];
  const test: GridPanel[] = [
    { label: "Test", grid: input },
    target ? { label: "Solution", grid: target } : { label: "Solution unknown" },
  ];
  const attempts = predictions.flatMap((grid, i): GridPanel[] => [
    { label: `Attempt ${i + 1}`, grid },
    ...(target ? [{ label: differenceLabel(grid, target), grid, target }] : []),
  ]);
  return figureGrids([...together, test, ...(attempts.length > 0 ? [attempts] : [])], options);
}

/** Two demonstrations a row. */
function pairsOf(panels: readonly GridPanel[][]): GridPanel[][] {
  return Array.from({ length: Math.ceil(panels.length / 2) }, (_, i) =>
    panels.slice(2 * i, 2 * i + 2).flat(),
  );
}

function differenceLabel(grid: Cells, target: Cells): string {
  if (grid.length !== target.length || grid[0].length !== target[0].length)
    return `size ${grid.length} x ${grid[0].length}, not ${target.length} x ${target[0].length}`;
  const cells = grid.flatMap((row, y) => row.map((cell, x) => cell !== target[y][x]));
  const wrong = cells.filter(Boolean).length;
  return wrong === 0 ? "right" : `${wrong} of ${cells.length} cells wrong`;
}

/** One of the answers that `figureVotes` shows. */
export interface VotedGrid {
  /** The answer. */
  readonly grid: Cells;
  /** How often it was given. */
  readonly count: number;
  /** Lines above it, under its count; none unless told. */
  readonly labels?: readonly string[];
}

/** The distinct answers to one test by falling number of votes; attempts and the solution are named in their labels. */
export function figureVotes(votes: readonly VotedGrid[], options: FigureOptions): Figure {
  const panels = votes.map(({ grid, count, labels = [] }) => ({
    label: [`${count} vote${count === 1 ? "" : "s"}`, ...labels].join("\n"),
    grid,
  }));
  const perRow = 6;
  const rows = Array.from({ length: Math.ceil(panels.length / perRow) }, (_, i) =>
    panels.slice(i * perRow, (i + 1) * perRow),
  );
  return figureGrids(rows.length > 0 ? rows : [[{ label: "No answer could be read." }]], options);
}
