/** A readable table of texts (a passage, self-edits, answers) as HTML, SVG and PNG. */
import { htmlPage, svgToPng, writeAll } from "./render";
import { COLOURS, FIGURE_WIDTH } from "./theme";
import { escapeMarkup, FONT_FAMILY, FONT_SIZE, LINE_HEIGHT, wrapText } from "./text";

/** How a cell is set: `right` and `wrong` also put a sign before the text, for those who do not see the colours. */
export type CellTone = "plain" | "right" | "wrong" | "muted";

/** A cell's text; line ends in it are kept. */
export type Cell = string | TonedCell;

/** A cell that is not plain. */
export interface TonedCell {
  /** What is written. */
  text: string;
  /** How it is set. */
  tone: CellTone;
}

/** A table: a header, and rows of as many cells. */
export interface Table {
  /** The message of the table. */
  title: string;
  /** Smaller, under the title; nothing unless told. */
  note?: string;
  /** The header, from left to right. */
  columns: readonly {
    /** What the column holds. */
    title: string;
    /** Share of the width, relative to the others. */
    share: number;
  }[];
  /** As many cells each as there are columns. */
  rows: readonly (readonly Cell[])[];
}

const EDGE = 16;
const PADDING = 8;
const TITLE_SIZE = 17;
const LINE = Math.round(FONT_SIZE * LINE_HEIGHT);
const TONES: Record<CellTone, { sign: string; colour: string }> = {
  plain: { sign: "", colour: COLOURS.ink },
  right: { sign: "✓ ", colour: COLOURS.green },
  wrong: { sign: "✗ ", colour: COLOURS.vermilion },
  muted: { sign: "", colour: COLOURS.grey },
};

function textOf(cell: Cell): { text: string; tone: CellTone; colour: string } {
  const { text, tone } = typeof cell === "string" ? { text: cell, tone: "plain" as const } : cell;
  return { text: TONES[tone].sign + text, tone, colour: TONES[tone].colour };
}

/** A complete page with the table. */
export function htmlTable(table: Table): string {
  const total = table.columns.reduce((sum, { share }) => sum + share, 0);
  const widths = table.columns
    .map(({ share }) => `<col style="width:${((100 * share) / total).toFixed(1)}%">`)
    .join("");
  const head = table.columns.map(({ title }) => `<th>${escapeMarkup(title)}</th>`).join("");
  const body = table.rows
    .map((row) =>
      row.map(textOf).map(({ text, tone }) => `<td class="${tone}">${escapeMarkup(text)}</td>`),
    )
    .map((cells) => `<tr>${cells.join("")}</tr>`)
    .join("\n");
  const note = table.note ? `<p class="muted">${escapeMarkup(table.note)}</p>\n` : "";
  const tones = Object.entries(TONES).map(([tone, { colour }]) => `.${tone} { color: ${colour}; }`);
  return htmlPage(
    table.title,
    `<h1>${escapeMarkup(table.title)}</h1>
${note}<table><colgroup>${widths}</colgroup>
<thead><tr>${head}</tr></thead>
<tbody>
${body}
</tbody></table>`,
    `h1 { font-size: ${TITLE_SIZE}px; } table { border-collapse: collapse; font-size: ${FONT_SIZE}px; max-width: 1000px; width: 100%; table-layout: fixed; }
th, td { text-align: left; vertical-align: top; padding: ${PADDING}px; border-top: 1px solid ${COLOURS.faint}; white-space: pre-line; overflow-wrap: anywhere; }
${tones.join(" ")}`,
  );
}

interface PlacedText {
  text: string;
  x: number;
  y: number;
  size: number;
  colour: string;
  bold: boolean;
}

/** The table as a picture 800 pixels wide. */
export function tableToSvg(table: Table): string {
  const texts: PlacedText[] = [];
  let y = EDGE;
  const write = (
    lines: string[],
    x: number,
    size: number,
    colour: string,
    bold = false,
  ): number => {
    const step = Math.round(size * LINE_HEIGHT);
    lines.forEach((text, i) => texts.push({ text, x, y: y + i * step + size, size, colour, bold }));
    return lines.length * step;
  };
  const room = FIGURE_WIDTH - 2 * EDGE;
  y += write(wrapText(table.title, room, TITLE_SIZE, true), EDGE, TITLE_SIZE, COLOURS.ink, true);
  if (table.note) y += 4 + write(wrapText(table.note, room, 12), EDGE, 12, COLOURS.grey);
  y += 8;
  const columns = columnPlaces(table, room);
  const rules: { y: number; colour: string }[] = [];
  const writeRow = (cells: { text: string; colour: string }[], bold: boolean): void => {
    y += PADDING;
    const heights = cells.map(({ text, colour }, i) => {
      const { x, width } = columns[i];
      return write(wrapText(text, width - PADDING, FONT_SIZE, bold), x, FONT_SIZE, colour, bold);
    });
    y += Math.max(LINE, ...heights) + PADDING;
  };
  writeRow(
    table.columns.map(({ title }) => ({ text: title, colour: COLOURS.ink })),
    true,
  );
  table.rows.forEach((row, i) => {
    rules.push({ y, colour: i === 0 ? COLOURS.grey : COLOURS.faint });
    writeRow(row.map(textOf), false);
  });
  return drawSvg(texts, rules, y + EDGE);
}

function columnPlaces(table: Table, room: number): { x: number; width: number }[] {
  const total = table.columns.reduce((sum, { share }) => sum + share, 0);
  let x = EDGE;
  return table.columns.map(({ share }) => {
    const width = (room * share) / total;
    const place = { x, width };
    x += width;
    return place;
  });
}

function drawSvg(
  texts: PlacedText[],
  rules: { y: number; colour: string }[],
  height: number,
): string {
  const lines = rules.map(
    ({ y, colour }) =>
      `<line x1="${EDGE}" x2="${FIGURE_WIDTH - EDGE}" y1="${y}" y2="${y}" stroke="${colour}"/>`,
  );
  const words = texts.map(
    ({ text, x, y, size, colour, bold }) =>
      `<text x="${x.toFixed(1)}" y="${y}" font-size="${size}" fill="${colour}"${bold ? ' font-weight="bold"' : ""}>${escapeMarkup(text)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${FIGURE_WIDTH}" height="${height}" viewBox="0 0 ${FIGURE_WIDTH} ${height}" font-family="${FONT_FAMILY}">
<rect width="${FIGURE_WIDTH}" height="${height}" fill="white"/>
${[...lines, ...words].join("\n")}
</svg>
`;
}

/** Writes `base`.json, .html, .svg and .png, each atomically; returns the four paths. */
export async function renderTable(table: Table, base: string): Promise<string[]> {
  const svg = tableToSvg(table);
  return writeAll(base, {
    json: `${JSON.stringify(table, null, 1)}\n`,
    html: htmlTable(table),
    svg,
    png: svgToPng(svg),
  });
}
