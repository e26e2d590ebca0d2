/** A small table as HTML that needs no style sheet (GitHub strips those) and as plain text; what is in it is the caller's matter. */
import { escapeMarkup } from "../plot/text";

/** A cell's text, in a colour if wanted. */
export type ShownCell = string | { readonly text: string; readonly colour: string };

const WIDEST_PLAIN = 60;

const textOf = (cell: ShownCell): string => (typeof cell === "string" ? cell : cell.text);

/** HTML with styles in the elements. */
export function htmlTable(
  columns: readonly string[],
  rows: readonly (readonly ShownCell[])[],
  note?: string,
): string {
  const left = 'style="text-align:left;vertical-align:top"';
  const head = columns.map((column) => `<th ${left}>${escapeMarkup(column)}</th>`).join("");
  const body = rows.map((row) => {
    const cells = row.map((cell) => {
      const colour = typeof cell === "string" ? "" : `;color:${cell.colour}`;
      const text = escapeMarkup(textOf(cell)).replace(/\n/g, "<br>");
      return `<td style="text-align:left;vertical-align:top${colour}">${text}</td>`;
    });
    return `<tr>${cells.join("")}</tr>`;
  });
  const below = note === undefined ? "" : `<p><small>${escapeMarkup(note)}</small></p>`;
  return `<table><thead><tr>${head}</tr></thead><tbody>\n${body.join("\n")}\n</tbody></table>${below}`;
}

/** Columns padded with spaces; long cells are cut. */
export function plainTable(
  columns: readonly string[],
  rows: readonly (readonly ShownCell[])[],
  note?: string,
): string {
  const short = (text: string): string => {
    const line = text.replace(/\s+/g, " ");
    return line.length > WIDEST_PLAIN ? `${line.slice(0, WIDEST_PLAIN - 1)}…` : line;
  };
  const lines = [columns, ...rows.map((row) => row.map(textOf))].map((row) => row.map(short));
  const widths = columns.map((_, c) => Math.max(...lines.map((line) => line[c].length)));
  const text = lines.map((line) =>
    line
      .map((cell, c) => cell.padEnd(widths[c]))
      .join("  ")
      .trimEnd(),
  );
  return [...text, ...(note === undefined ? [] : [note])].join("\n");
}
