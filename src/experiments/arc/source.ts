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
  /** All that self-edits are learned on. */
  readonly train: readonly ArcTask[];
  /** Those of each round. */
  readonly rounds: readonly (readonly ArcTask[])[];
  readonly evaluate: readonly ArcTask[];
}

/** All that tasks are drawn from, read once. */
export interface ArcSource {
  readonly draw: (seed: number) => ArcParts;
  readonly inputs: RunRecord["inputs"];
}

/** What decides on the tasks. */
type TaskSettings = Pick<ArcVariant, "data" | "rounds" | "newTasks">;

/** Opens what the variant names. Throws UserError for files and ids that are not there. */
export async function openArcTasks(variant: TaskSettings): Promise<ArcSource> {
  const { data } = variant;
  const parts = (train: readonly ArcTask[], evaluate: readonly ArcTask[]): ArcParts => ({
    train,
    rounds: tasksByRound(variant, train),
    evaluate,
  });
  if ("world" in data) {
    const { evaluate } = taskCounts(variant);
    return {
      draw: (seed) => {
        const tasks = (part: string, families: Parameters<typeof worldTask>[2], count: number) =>
          Array.from({ length: count }, (_, i) => worldTask(seed, part, families, i));
        return parts(tasks("train", KNOWN_FAMILIES, taskCounts(variant).train), [
          ...tasks("held-out", KNOWN_FAMILIES, data.known),
          ...tasks("new", NEW_FAMILIES, evaluate - data.known),
        ]);
      },
      inputs: [],
    };
  }
  const files = await arcFiles(...data.paths);
  const all = await readArc(...files);
  const own = parts(tasksById(all, data.train), tasksById(all, data.evaluate));
  const inputs = files.map(async (file) => {
    const name = file.replace(/^.*[/\\]/, "");
    return { name, source: "ARC-AGI", sha256: await sha256OfFile(file) };
  });
  return { draw: () => own, inputs: await Promise.all(inputs) };
}

/** The training tasks of each round: all of them, or an equal share. */
function tasksByRound<T>({ rounds, newTasks }: TaskSettings, train: readonly T[]): T[][] {
  const size = newTasks ? train.length / rounds : train.length;
  return Array.from({ length: rounds }, (_, r) => {
    const first = newTasks ? r * size : 0;
    return train.slice(first, first + size);
  });
}

/** Numbers of tasks of a seed: all training tasks, those of one round, and the evaluated ones. */
export function taskCounts({ data, rounds, newTasks }: TaskSettings): {
  train: number;
  round: number;
  evaluate: number;
} {
  const share = newTasks ? rounds : 1;
  return "world" in data
    ? { train: data.train * share, round: data.train, evaluate: data.known + data.new }
    : {
        train: data.train.length,
        round: data.train.length / share,
        evaluate: data.evaluate.length,
      };
}
