/** What an experiment is given and what it gives back; the runner does the rest. */
import path from "node:path";
import type { z } from "zod";
import type { CheckpointOptions } from "../lora/checkpoint";
import { UserError } from "../messages/errors";
import type { Figure } from "../plot/figure";
import type { Table } from "../plot/table";
import { canonicalJson } from "../files/files";
import type { Executor } from "../restem/group";
import { settingsChanges } from "../schema/changes";
import { INPUTS, type Journal } from "./journal";
import type { Workload } from "./plan";
import type { RunRecord } from "./record";

/** What every experiment is given. */
export interface ExperimentContext {
  /** Finished pieces of work, kept across interruptions. */
  readonly journal: Journal;
  /** Folder for checkpoints of long trainings; gone when the run is complete. */
  readonly checkpoints: string;
  readonly log: (line: string) => void;
  readonly quiet: boolean;
  /** Who trains and asks: this process unless told. */
  readonly executor?: Executor;
}

/** The checkpoint of the training that has this name in the run. */
export function checkpointOf({ checkpoints }: ExperimentContext, name: string): CheckpointOptions {
  return { file: path.join(checkpoints, `${name.replace(/\W+/g, "-")}.safetensors`) };
}

/** What a finished experiment gives. */
export interface Outcome {
  readonly rows: RunRecord["rows"];
  readonly comparisons?: RunRecord["comparisons"];
  /** Where self-edits are written: `writingRows` of those that are evaluated. */
  readonly writing?: RunRecord["writing"];
  readonly seeds: RunRecord["seeds"];
  readonly inputs: RunRecord["inputs"];
  readonly paper: RunRecord["paper"];
  readonly seconds: Omit<RunRecord["seconds"], "total" | "cpu">;
  /** One object for each candidate. */
  readonly rollouts: readonly object[];
  readonly metrics: readonly object[];
  readonly figures: Readonly<Record<string, Figure>>;
  readonly tables: Readonly<Record<string, Table>>;
}

/** What the runner looks at in every variant. */
export interface AnyVariant {
  /** Name of the experiment. */
  readonly experiment: string;
  readonly name: string;
  readonly model: string;
}

/** All that is to be known of an experiment; its folder exports one such description. */
export interface Experiment<V extends AnyVariant> {
  /** What `experiment` in its variants is. */
  readonly name: V["experiment"];
  /** Checks a variant and fills in its defaults. */
  readonly schema: z.ZodType<V>;
  /** Variant in, outcome out. */
  readonly run: (variant: V, context: ExperimentContext) => Promise<Outcome>;
  /** The work of a run, for `--plan`. Throws UserError where it cannot be told. */
  readonly plan: (variant: V) => Promise<Workload>;
  /** Whether its inner loops go to the context's executor: other processes, a queue or a server may take them. */
  readonly handsOut: boolean;
  /** What its results' folders begin with; its name unless told. */
  readonly resultPrefix?: string;
  /** Whether several processes make it faster on a small world's model, one a core. Not unless told. */
  readonly severalProcesses?: boolean;
  /** The part of a variant that finished work depends on; all but the description unless told. */
  readonly whatMatters?: (variant: V) => object;
}

/** Any experiment; its functions take the variants that its schema has checked, and no others. */
export interface AnyExperiment extends Omit<Experiment<never>, "name" | "schema"> {
  readonly name: string;
  readonly schema: z.ZodType<AnyVariant>;
}

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

/** The same for what is written, with the time that it took. */
export function onceWritten<T>(
  journal: Journal,
  key: string,
  write: () => Promise<T>,
): Promise<{ readonly texts: T; readonly seconds: number }> {
  return once(journal, key, async () => {
    const started = performance.now();
    const texts = await write();
    return { texts, seconds: (performance.now() - started) / 1000 };
  });
}

/** Throws UserError where the run was begun with other files: what is kept would not fit what comes. */
export async function requireSameInputs(
  { journal }: ExperimentContext,
  inputs: readonly RunRecord["inputs"][number][],
): Promise<void> {
  const here = Object.fromEntries(inputs.map(({ name, sha256 }) => [name, sha256]));
  const before = await once(journal, INPUTS, () => Promise.resolve(here));
  const changes = settingsChanges(before, here);
  if (changes.length > 0)
    throw new UserError(
      `This run was begun with other files: ${changes.slice(0, 3).join(", ")}.\nPut them back to go on, or throw the run away with --discard to start anew.`,
    );
}
