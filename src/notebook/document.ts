/** A notebook's text form (Markdown with TypeScript blocks) and Jupyter's file made from it. Executing it is `execute.ts`'s matter. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { UserError } from "../messages/errors";

/** A cell as the text form has it. */
export interface Cell {
  readonly kind: "markdown" | "code";
  readonly source: string;
}

const cellSchema = z.looseObject({
  cell_type: z.enum(["markdown", "code", "raw"]),
  id: z.string().optional(),
  metadata: z.record(z.string(), z.unknown()),
  source: z.union([z.string(), z.array(z.string())]),
  execution_count: z.number().nullable().optional(),
  outputs: z.array(z.looseObject({ output_type: z.string() })).optional(),
});

/** Jupyter's notebook format 4, as far as this project reads it. */
const notebookSchema = z.looseObject({
  cells: z.array(cellSchema),
  metadata: z.looseObject({ seal: z.object({ text: z.string() }).optional() }),
  nbformat: z.literal(4),
  nbformat_minor: z.number(),
});

/** A notebook file's content. */
export type Notebook = z.infer<typeof notebookSchema>;

const FENCE = /^```typescript\n([\s\S]*?)^```$/m;

/** Cells of a text form: each block fenced as `typescript` is a code cell, each stretch of text between them a Markdown cell. */
export function parseText(text: string): Cell[] {
  // With one capture group, split gives text and code by turns.
  return text
    .split(new RegExp(FENCE, "gm"))
    .map((source, i): Cell => ({ kind: i % 2 === 0 ? "markdown" : "code", source: source.trim() }))
    .filter(({ source }) => source !== "");
}

/** What identifies a text form: a notebook carries it, so that it is known to be made from this text. */
export function hashOfText(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** The notebook of a text form, without outputs. */
export function makeNotebook(text: string): Notebook {
  const cells = parseText(text).map(({ kind, source }, i) => ({
    cell_type: kind,
    id: `cell-${String(i + 1).padStart(2, "0")}`,
    metadata: {},
    ...(kind === "code" ? { execution_count: null, outputs: [] } : {}),
    source: source.split(/(?<=\n)/),
  }));
  return {
    cells,
    metadata: {
      kernelspec: { display_name: "TypeScript (tslab)", language: "typescript", name: "tslab" },
      language_info: {
        name: "typescript",
        file_extension: ".ts",
        mimetype: "text/typescript",
        codemirror_mode: { mode: "typescript", name: "javascript", typescript: true },
      },
      seal: { text: hashOfText(text) },
    },
    nbformat: 4,
    nbformat_minor: 5,
  };
}

/** Reads a notebook's JSON; throws UserError where it is not one. */
export function parseNotebook(json: string, where: string): Notebook {
  try {
    return notebookSchema.parse(JSON.parse(json));
  } catch {
    throw new UserError(`${where} is not a notebook of Jupyter's format 4.`);
  }
}

/** The source of a cell as one string. */
export function sourceOf({ source }: Notebook["cells"][number]): string {
  return typeof source === "string" ? source : source.join("");
}

/** Why a notebook is not what its text form gives (edited by hand, or not executed since); undefined where it is. */
export function whyStale(notebook: Notebook, text: string): string | undefined {
  const wanted = parseText(text);
  const same =
    notebook.cells.length === wanted.length &&
    notebook.cells.every(
      (cell, i) => cell.cell_type === wanted[i].kind && sourceOf(cell) === wanted[i].source,
    );
  if (notebook.metadata.seal?.text !== hashOfText(text))
    return "its text form was changed since it was executed";
  if (!same) return "its cells were edited; edit its text form instead";
  const run = notebook.cells.filter(({ cell_type }) => cell_type === "code");
  return run.every(({ execution_count }, i) => execution_count === i + 1)
    ? undefined
    : "not every cell was executed, in order";
}

/** The file's bytes: the way Jupyter writes it, and with no path of this machine (`folders` are replaced by their names). */
export function notebookJson(
  notebook: Notebook,
  folders: Readonly<Record<string, string>>,
): string {
  let json = JSON.stringify(notebook, null, 1);
  for (const [folder, name] of Object.entries(folders))
    json = json.replaceAll(JSON.stringify(folder).slice(1, -1), name);
  return `${json}\n`;
}
