/** `npm run notebooks`: opens JupyterLab, or executes the notebooks and keeps what came of it. The set-up has put Jupyter there. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { UserError } from "../messages/errors";
import { writeFileAtomic } from "../files/files";
import { packageRoot } from "../files/package";
import { readText } from "../files/text";
import { makeNotebook, notebookJson, parseNotebook, whyStale, type Notebook } from "./document";
import { executeNotebook } from "./execute";
import { notebookSize } from "./short";

const HELP = `npm run notebooks                         JupyterLab in notebooks/ (what follows "--" goes to it)
npm run notebooks -- --execute [names]    runs them (all unless named) from clean kernels, and keeps their outputs
npm run notebooks -- --setup              only sets up Jupyter and its kernel

SEAL_NOTEBOOK_SHORT=1 does less work, to check that they run; their outputs are then not kept.`;

const CELL_SECONDS = 1800;
const LARGEST_FILE = 1e6;

/** A notebook of a folder: its name without ending, its text form if it has one, and its file if that is there. */
interface Found {
  readonly name: string;
  readonly text?: string;
  readonly notebook?: Notebook;
}

/** The notebooks in `folder` whose names contain one of `names` (all, if there are none). Throws UserError where nothing matches. */
export async function findNotebooks(folder: string, names: readonly string[]): Promise<Found[]> {
  const files = (await readdir(folder)).filter((file) => /\.(ipynb|md)$/.test(file));
  const all = [...new Set(files.map((file) => file.replace(/\.(ipynb|md)$/, "")))]
    .filter((name) => name !== "README")
    .sort();
  const unknown = names.find((wanted) => !all.some((name) => name.includes(wanted)));
  if (unknown !== undefined)
    throw new UserError(`No notebook is named "${unknown}"; there are ${all.join(", ")}.`);
  const chosen = all.filter((name) => names.length === 0 || names.some((n) => name.includes(n)));
  return Promise.all(
    chosen.map(async (name) => {
      const [file, textFile] = ["ipynb", "md"].map((end) => path.join(folder, `${name}.${end}`));
      return {
        name,
        ...(existsSync(textFile) && { text: await readText(textFile) }),
        ...(existsSync(file) && { notebook: parseNotebook(await readText(file), file) }),
      };
    }),
  );
}

/** What to execute: the text form's cells; the file's where it has none. Throws UserError where the file was edited instead of its text. */
export function cellsToExecute({ name, text, notebook }: Found): Notebook {
  if (text === undefined) return notebook as Notebook;
  if (notebook && /edited/.test(whyStale(notebook, text) ?? ""))
    throw new UserError(
      `${name}.ipynb: its cells were edited. Put the change into ${name}.md, which it is made from, or remove ${name}.ipynb.`,
    );
  return makeNotebook(text);
}

/** Executes notebooks one after the other; a line for each. Returns how many failed. */
export async function executeAll(
  folder: string,
  names: readonly string[],
  python: string,
  say: (line: string) => void,
): Promise<number> {
  const keep = notebookSize({ full: true, short: false });
  let [failed, total] = [0, 0];
  for (const found of await findNotebooks(folder, names)) {
    const run = { notebook: cellsToExecute(found), folder, python, cellSeconds: CELL_SECONDS };
    const { notebook, seconds, problem: error } = await executeNotebook(run);
    const json = notebookJson(notebook, { [packageRoot]: "seal-lab", [os.homedir()]: "~" });
    const size = Buffer.byteLength(json);
    const problem = error ?? (size > LARGEST_FILE ? `it has ${size} bytes, more than 1 MB` : "");
    if (problem !== "") failed += 1;
    else if (keep) await writeFileAtomic(path.join(folder, `${found.name}.ipynb`), json);
    total += seconds;
    say(`${problem === "" ? "ok      " : "FAILED  "} ${found.name} (${seconds.toFixed(1)} s)`);
    if (problem !== "") say(problem);
  }
  say(`${total.toFixed(0)} s in all${keep ? "" : ", in short mode: outputs are not kept"}`);
  return failed;
}

/** JupyterLab in the notebooks' folder; resolves to its exit code. */
function openLab(folder: string, python: string, args: readonly string[]): Promise<number> {
  // Jupyter refuses to run as root unless told; in a container everyone is.
  const root = process.getuid?.() === 0 ? ["--allow-root"] : [];
  const options = ["-m", "jupyterlab", `--ServerApp.root_dir=${folder}`, ...root, ...args];
  return new Promise((resolve, reject) => {
    const child = spawn(python, options, { stdio: "inherit" });
    // Ctrl-C reaches JupyterLab by itself, which asks back; we end when it ends.
    process.on("SIGINT", () => undefined);
    process.on("SIGTERM", () => child.kill("SIGTERM"));
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

async function main(args: readonly string[]): Promise<number> {
  const python = process.env.SEAL_JUPYTER_PYTHON;
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  if (!python) throw new UserError(`Start it as "npm run notebooks", which sets up Jupyter first.`);
  const folder = path.join(packageRoot, "notebooks");
  if (!args.includes("--execute")) return openLab(folder, python, args);
  const names = args.filter((argument) => argument !== "--execute");
  const unknown = names.find((name) => name.startsWith("-"));
  if (unknown !== undefined) throw new UserError(`Unknown option ${unknown}.\n${HELP}`);
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  return (await executeAll(folder, names, python, say)) > 0 ? 1 : 0;
}

if (require.main === module) {
  main(process.argv.slice(2)).then(
    (code) => process.exit(code),
    (error: unknown) => {
      process.stderr.write(
        `${error instanceof UserError ? error.message : ((error as Error).stack ?? String(error))}\n`,
      );
      process.exit(error instanceof UserError ? 2 : 1);
    },
  );
}
