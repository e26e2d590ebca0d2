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

/** A text that is written as it grows. */
export interface TextStream {
  /** Writes what is new in the text so far; characters at its end that may not be whole yet wait. */
  readonly show: (text: string) => void;
  /** Writes the rest of the whole text and ends the line. */
  readonly end: (text: string) => void;
}

/** Writes a growing text to stdout. */
export function createTextStream(
  write: (text: string) => void = (text) => process.stdout.write(text),
): TextStream {
  let written = 0;
  const upTo = (text: string, end: number): void => {
    if (end > written) write(text.slice(written, end));
    written = Math.max(written, end);
  };
  return {
    // A token may hold a part of a character's bytes: until the others come, each may show as U+FFFD.
    show: (text) => upTo(text, text.replace(/\ufffd+$/, "").length),
    end(text) {
      upTo(text, text.length);
      write("\n");
    },
  };
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
