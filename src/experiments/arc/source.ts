/** Where few-shot ARC's tasks come from: files, by their ids, or the small world, drawn anew for every seed. */
import { sha256OfFile } from "../../files/files";
import type { ArcTask } from "../../tasks/arc/grids";
import { arcFiles, readArc } from "../../tasks/arc/read";
import { KNOWN_FAMILIES, NEW_FAMILIES, worldTask } from "../../tasks/arc/world";
import { tasksById } from "./inner-loop";
import type { ArcVariant } from "./variant";
import type { RunRecord } from "../../run/record";

/** A seed's tasks. */
export interface ArcParts {
  readonly train: readonly ArcTask[];
  readonly evaluate: readonly ArcTask[];
}

/** All that tasks are drawn from, read once. */
export interface ArcSource {
  readonly draw: (seed: number) => ArcParts;
  readonly inputs: RunRecord["inputs"];
}

/** Opens what the variant names. Throws UserError for files and ids that are not there. */
export async function openArcTasks({ data }: Pick<ArcVariant, "data">): Promise<ArcSource> {
  if ("world" in data) return { draw: (seed) => worldParts(data, seed), inputs: [] };
  const files = await arcFiles(...data.paths);
  const all = await readArc(...files);
  const parts = { train: tasksById(all, data.train), evaluate: tasksById(all, data.evaluate) };
  const inputs = files.map(async (file) => {
    const name = file.replace(/^.*[/\\]/, "");
    return { name, source: "ARC-AGI", sha256: await sha256OfFile(file) };
  });
  return { draw: () => parts, inputs: await Promise.all(inputs) };
}

function worldParts(
  { train, known, new: unseen }: Extract<ArcVariant["data"], { readonly world: unknown }>,
  seed: number,
): ArcParts {
  const tasks = (part: string, families: Parameters<typeof worldTask>[2], count: number) =>
    Array.from({ length: count }, (_, i) => worldTask(seed, part, families, i));
  return {
    train: tasks("train", KNOWN_FAMILIES, train),
    evaluate: [...tasks("held-out", KNOWN_FAMILIES, known), ...tasks("new", NEW_FAMILIES, unseen)],
  };
}

/** Numbers of tasks of a seed. */
export function taskCounts(data: ArcVariant["data"]): { train: number; evaluate: number } {
  return "world" in data
    ? { train: data.train, evaluate: data.known + data.new }
    : { train: data.train.length, evaluate: data.evaluate.length };
}
