/** Draws the figures of a finished run again from what is saved, with no training. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { readJson } from "../files/text";
import { UserError } from "../messages/errors";
import type { Figure } from "../plot/figure";
import { renderFigure } from "../plot/render";
import { renderTable, type Table } from "../plot/table";

/** Renders every figure and table of a result's folder from its saved JSON; returns the files written. */
export async function redrawFigures(folder: string): Promise<string[]> {
  const figures = path.join(folder, "figures");
  if (!existsSync(figures))
    throw new UserError(`${folder} has no figures/ folder; it is not a finished run.`);
  const written: string[] = [];
  for (const name of (await readdir(figures)).filter((file) => file.endsWith(".json")).sort()) {
    const file = path.join(figures, name);
    const base = file.slice(0, -".json".length);
    const saved = (await readJson(file)) as Figure | Table;
    written.push(
      ...("columns" in saved ? await renderTable(saved, base) : await renderFigure(saved, base)),
    );
  }
  return written;
}
