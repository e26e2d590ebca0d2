/** Executes one notebook from a fresh kernel, by nbclient. Which ones, and where the results go, is `command.ts`'s matter. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { z } from "zod";
import { packageRoot } from "../files/package";
import { parseNotebook, sourceOf, type Notebook } from "./document";

/** What is executed, and how. */
export interface Execution {
  readonly notebook: Notebook;
  /** The kernel's working folder: `seal-lab` is found from here. */
  readonly folder: string;
  /** Python of a virtual environment that has nbclient and the tslab kernel. */
  readonly python: string;
  /** Most seconds for a cell. */
  readonly cellSeconds: number;
}

/** What came of it. */
export interface Executed {
  readonly notebook: Notebook;
  readonly seconds: number;
  /** What went wrong, where, with the cell and what it printed; absent if nothing did. */
  readonly problem?: string;
}

const resultSchema = z.object({ cell: z.number().optional(), problem: z.string().optional() });

/** What tslab prints, and goes on, where a promise that nobody waits for fails. */
const UNHANDLED = /^Un(handledPromiseRejection|caughtException):/m;

/** Runs every cell, up to the first that fails. */
export async function executeNotebook(execution: Execution): Promise<Executed> {
  const scratch = await mkdtemp(path.join(os.tmpdir(), "seal-notebook-"));
  const [source, target] = ["in", "out"].map((name) => path.join(scratch, `${name}.ipynb`));
  const started = performance.now();
  try {
    await writeFile(source, JSON.stringify(execution.notebook));
    const script = path.join(packageRoot, "src/notebook/execute.py");
    const { folder, python, cellSeconds } = execution;
    const printed = await run(python, [script, source, target, folder, String(cellSeconds)]);
    const seconds = (performance.now() - started) / 1000;
    if (printed.code !== 0) {
      const why = printed.errors.trim().split("\n").at(-1) ?? "";
      return { notebook: execution.notebook, seconds, problem: `it could not be run: ${why}` };
    }
    const result = resultSchema.parse(JSON.parse(printed.output));
    const notebook = parseNotebook(await readFile(target, "utf8"), target);
    const problem = describeProblem(notebook, result);
    return { notebook, seconds, ...(problem === undefined ? {} : { problem }) };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function describeProblem(
  notebook: Notebook,
  { cell: failed, problem = "failed" }: z.infer<typeof resultSchema>,
): string | undefined {
  const unhandled = notebook.cells.findIndex((cell) => UNHANDLED.test(errorText(cell)));
  const index = failed ?? unhandled;
  if (index < 0) return undefined;
  const cell = notebook.cells[index];
  const quoted = sourceOf(cell)
    .split("\n")
    .map((line) => `    ${line}`);
  return [`cell ${index + 1} ${problem}:`, ...quoted, errorText(cell).trim()].join("\n");
}

/** What a cell wrote to stderr, where tslab puts errors. */
function errorText({ outputs = [] }: Notebook["cells"][number]): string {
  return outputs
    .filter(({ output_type, name }) => output_type === "stream" && name === "stderr")
    .map(({ text }) => (Array.isArray(text) ? text.join("") : String(text)))
    .join("");
}

function run(
  command: string,
  args: readonly string[],
): Promise<{ code: number | null; output: string; errors: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let [output, errors] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output, errors }));
    // nbclient ends its kernel on these.
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.once(signal, () => child.kill(signal));
  });
}
