/** What an experiment is given and what it gives back; the runner does the rest. */
import type { Figure } from "../plot/figure";
import type { Table } from "../plot/table";
import { canonicalJson } from "../files";
import type { Executor } from "../restem/group";
import type { Journal } from "./journal";
import type { RunRecord } from "./record";

/** What every experiment is given. */
export interface ExperimentContext {
  /** Finished pieces of work, kept across interruptions. */
  readonly journal: Journal;
  readonly log: (line: string) => void;
  readonly quiet: boolean;
  /** Who trains and asks: this process unless told. */
  readonly executor?: Executor;
}

/** What a finished experiment gives. */
export interface Outcome {
  readonly rows: RunRecord["rows"];
  readonly comparisons?: RunRecord["comparisons"];
  readonly seeds: RunRecord["seeds"];
  readonly inputs: RunRecord["inputs"];
  readonly paper: RunRecord["paper"];
  readonly seconds: Omit<RunRecord["seconds"], "total">;
  /** One object for each candidate. */
  readonly rollouts: readonly object[];
  readonly metrics: readonly object[];
  readonly figures: Readonly<Record<string, Figure>>;
  readonly tables: Readonly<Record<string, Table>>;
}

/** An experiment: variant in, outcome out. */
export type Experiment<V> = (variant: V, context: ExperimentContext) => Promise<Outcome>;

/**
 * The value under a key of the journal, or the result of `work`, stored there. Both have passed through canonical
 * JSON, so that a resumed run writes the same bytes as an uninterrupted one.
 */
export async function once<T>(journal: Journal, key: string, work: () => Promise<T>): Promise<T> {
  const known = journal.get(key);
  if (known !== undefined) return known as T;
  const value = await work();
  await journal.append(key, value);
  return JSON.parse(canonicalJson(value)) as T;
}
