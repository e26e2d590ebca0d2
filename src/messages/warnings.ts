/** Warnings: what a user should know though the work goes on. */

/** Says it on stderr, in one line; the output on stdout is not disturbed. */
export function warn(text: string): void {
  process.stderr.write(`warning: ${text}\n`);
}
