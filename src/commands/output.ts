/** Printing for the verbs: text and JSON to stdout, notes to stderr. */

/** A line to stdout. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Data as one line of JSON to stdout. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value));
}

/** A line to stderr, which `--json` does not disturb. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A plain table with aligned columns. */
export function textTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, c) => Math.max(...all.map((row) => row[c].length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join("  ");
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return [line(header), rule, ...rows.map(line)].join("\n");
}
