/** Puts one output with several forms of the same thing into a notebook's cell, or its text on stdout; what is shown is `show.ts`'s matter. */
import { randomUUID } from "node:crypto";

/** Forms of one output by MIME type, the front end takes the best it can show; binary ones as base64. */
export interface Output {
  /** What is shown where nothing else can be, and printed outside a notebook. */
  readonly "text/plain": string;
  readonly [type: string]: unknown;
}

/** One output of a cell that can be replaced. */
export interface UpdatingOutput {
  update(output: Output): void;
}

type WriteDisplayData = (
  content: { data: object; metadata: object; transient: { display_id?: string } },
  update: boolean,
) => void;

/**
 * tslab's way to its front end; undefined outside a kernel. tslab's public API puts one MIME type into an output, so
 * its module is taken, found among the loaded ones: importing it would load TypeScript where there is no kernel.
 */
function kernelWriter(): WriteDisplayData | undefined {
  for (const module of Object.values(require.cache)) {
    if (module && /tslab[\\/]dist[\\/]jupyter\.js$/.test(module.filename)) {
      const { lastWriteDisplayData } = module.exports as {
        lastWriteDisplayData: WriteDisplayData | null;
      };
      if (lastWriteDisplayData) return lastWriteDisplayData;
    }
  }
  return undefined;
}

/** Whether this runs in a notebook's kernel. */
export function inNotebook(): boolean {
  return kernelWriter() !== undefined;
}

/** Adds an output to the cell; outside a notebook prints its `text/plain`. `metadata` is by MIME type, as Jupyter defines it. */
export function display(output: Output, metadata: object = {}): void {
  const write = kernelWriter();
  if (write) write({ data: output, metadata, transient: {} }, false);
  else process.stdout.write(`${output["text/plain"]}\n`);
}

/** An output that the cell shows once and that is then replaced in place; undefined outside a notebook. */
export function updatingOutput(first: Output): UpdatingOutput | undefined {
  if (!inNotebook()) return undefined;
  const transient = { display_id: randomUUID() };
  const write = (data: Output, again: boolean): void =>
    kernelWriter()?.({ data, metadata: {}, transient }, again);
  write(first, false);
  return { update: (output) => write(output, true) };
}
