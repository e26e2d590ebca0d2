/** Runs an experiment's variant from its journal to its record: lock, resume, write, rename. What an experiment does is elsewhere. */
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { engineInfo, prepareEngine, startEngine } from "../engine";
import { openQueueExecutor, type QueueExecutor, type QueueOptions } from "../queue/executor";
import { openLocalExecutor } from "../queue/local";
import { serverExecutor, type ServerOptions } from "../serving/server";
import { renderFigure } from "../plot/render";
import { renderTable } from "../plot/table";
import { UserError } from "../messages/errors";
import {
  explainWriteError,
  makeFolder,
  removeLeftovers,
  syncFolder,
  writeFileAtomic,
} from "../files/files";
import type { AnyExperiment, AnyVariant, Outcome } from "./experiment";
import { settingsChanges } from "../schema/changes";
import { discardRun } from "./discard";
import { openJournal, type Spent } from "./journal";
import { acquireLock } from "./lock";
import { describeEnvironment, readRecord, writeRecord, type RunRecord } from "./record";
import { packageRoot } from "../files/package";

/** What a run keeps in its folder while it goes on. */
const JOURNAL = "journal.jsonl";
const CHECKPOINTS = "checkpoints";

/** Options of `runVariant`. */
export interface RunOptions {
  /** Folder of all results, `results/` of this package unless told. */
  readonly output?: string;
  /** Run again although a finished result is there, false unless told; the old one is replaced when the new one is complete. */
  readonly again?: boolean;
  /** Throw an unfinished run of this name away first, with all that it has finished; it is resumed unless told. */
  readonly discard?: boolean;
  /** Lines for the user; silent unless told. */
  readonly log?: (line: string) => void;
  /** Shows no progress line; false unless told. */
  readonly quiet?: boolean;
  /** Processes that share the inner loops; `defaultProcesses` unless told. With a queue: parts of a group. */
  readonly processes?: number;
  /** Hand the inner loops to the workers of a queue; this process does them unless told. */
  readonly queue?: Pick<QueueOptions, "queue" | "blobs" | "otherWorkers">;
  /** Have an OpenAI-compatible server write self-edits and answers; this process does unless told. */
  readonly server?: Pick<ServerOptions, "url" | "adapters" | "model" | "apiKey">;
}

/** A finished run. */
export interface RunResult {
  /** The result's folder. */
  readonly directory: string;
  /** What was measured. */
  readonly record: RunRecord;
  /** True where the result was there already and nothing was run. */
  readonly alreadyComplete: boolean;
}

/** The folder name of a variant's result. */
function resultName({ name, resultPrefix = name }: AnyExperiment, variant: AnyVariant): string {
  return `${resultPrefix}--${variant.name}`;
}

/**
 * Runs a checked variant of an experiment, resuming an unfinished run of it. It may be killed at any moment.
 * Throws a UserError where a run of this name with other settings is there, with what differs.
 */
export async function runExperiment(
  experiment: AnyExperiment,
  variant: AnyVariant,
  options: RunOptions = {},
): Promise<RunResult> {
  const name = resultName(experiment, variant);
  const results = path.resolve(options.output ?? path.join(packageRoot, "results"));
  const directory = path.join(results, name);
  const log = options.log ?? (() => undefined);
  const partial = path.join(results, ".partial", name);
  if (options.discard && (await discardRun(partial)))
    log(`Thrown away: the unfinished run in ${partial}.`);
  if (existsSync(path.join(directory, "record.json")) && !options.again) {
    const record = await readRecord(directory);
    checkSameVariant(experiment, record, variant, directory);
    return { directory, record, alreadyComplete: true };
  }
  await makeFolder(partial);
  const lock = await acquireLock(`${partial}.lock`);
  try {
    await removeLeftovers(partial);
    prepareEngine(variant.model);
    const engine = await startEngine();
    log(
      `Engine: ${engine.name} ${engine.version}, ${engine.threads} threads${engine.why ? ` (${engine.why})` : ""}`,
    );
    // A record in the partial folder: a run that was stopped after its last write.
    let record: RunRecord;
    if (existsSync(path.join(partial, "record.json"))) {
      record = await readRecord(partial);
      checkSameVariant(experiment, record, variant, partial);
    } else record = await runInto(partial, experiment, variant, options, log);
    for (const working of [JOURNAL, CHECKPOINTS])
      await rm(path.join(partial, working), { recursive: true, force: true });
    await replaceFolder(partial, directory, `${partial}.old`);
    return { directory, record, alreadyComplete: false };
  } finally {
    await lock.release();
  }
}

/** Work that others do is in no count of this process. */
function secondsOf({ total, cpu }: Spent, handedOut: boolean): { total: number; cpu?: number } {
  return { total, ...(handedOut ? {} : { cpu }) };
}

async function runInto(
  partial: string,
  experiment: AnyExperiment,
  variant: AnyVariant,
  options: RunOptions,
  log: (line: string) => void,
): Promise<RunRecord> {
  const name = resultName(experiment, variant);
  const processes = options.processes ?? defaultProcesses(experiment, variant);
  const environment = await environmentOf(processes);
  const { engine, engineVersion, threads } = environment;
  // Who trains together determines rounding, and so the results to the last bit.
  const where = {
    processes,
    ...(options.queue ? { queue: true } : {}),
    ...(options.server ? { server: options.server.url, model: options.server.model } : {}),
  };
  const settings = {
    variant: experiment.whatMatters?.(variant as never) ?? { ...variant, description: undefined },
    engine: { engine, engineVersion, threads, ...where },
  };
  const journal = await openJournal(path.join(partial, JOURNAL), settings);
  if (journal.size > 0) log(`Resuming: ${journal.size} finished pieces of work are kept.`);
  const local =
    !options.queue && !options.server && processes > 1 ? openLocalExecutor(processes) : undefined;
  const server =
    options.server && serverExecutor({ ...options.server, rank: largestRank(variant) });
  let queue: QueueExecutor | undefined;
  try {
    if (options.queue)
      queue = await openQueueExecutor({
        ...options.queue,
        name,
        parts: processes,
        log,
      });
    const executor = queue ?? local ?? server;
    const outcome = await experiment.run(variant as never, {
      journal,
      checkpoints: path.join(partial, CHECKPOINTS),
      log,
      quiet: options.quiet ?? false,
      ...(executor ? { executor } : {}),
    });
    await writeOutcome(partial, outcome);
    const record: RunRecord = {
      name,
      schema: 1,
      status: "complete",
      config: { ...variant },
      seeds: outcome.seeds,
      environment: {
        ...environment,
        ...(queue ? { workers: queue.machines() } : {}),
        ...(options.server ? { server: options.server.url } : {}),
      },
      inputs: outcome.inputs,
      rows: outcome.rows,
      ...(outcome.comparisons ? { comparisons: outcome.comparisons } : {}),
      ...(outcome.writing ? { writing: outcome.writing } : {}),
      paper: outcome.paper,
      seconds: { ...secondsOf(journal.spent(), executor !== undefined), ...outcome.seconds },
    };
    await writeRecord(partial, record);
    return record;
  } finally {
    await queue?.close();
    local?.close();
    await journal.close();
  }
}

/** The rank of an inner-loop adapter on top of all rounds of fine-tuning, which a server must take. */
export function largestRank(variant: AnyVariant): number {
  const own = variant as AnyVariant & Rounds & { readonly outerLoop?: Rounds };
  const { innerLoop, fineTuning, rounds = 0 } = own.outerLoop ?? own;
  const inner = Math.max(own.innerLoop?.rank ?? 32, innerLoop?.rank ?? 0);
  return inner + rounds * (fineTuning?.rank ?? 0);
}

/** Settings of adapters, wherever an experiment has them. */
interface Rounds {
  readonly innerLoop?: { readonly rank?: number };
  readonly fineTuning?: { readonly rank?: number };
  readonly rounds?: number;
}

/** Small models' operations do not keep several cores busy: one process a core, up to 8. One for all others. */
function defaultProcesses(
  { severalProcesses = false }: AnyExperiment,
  { model }: AnyVariant,
): number {
  if (!severalProcesses || !model.startsWith("tiny:")) return 1;
  return Math.min(8, os.availableParallelism());
}

async function environmentOf(processes: number): Promise<RunRecord["environment"]> {
  const engine = engineInfo() ?? (await startEngine());
  return describeEnvironment(
    {
      engine: engine.name,
      engineVersion: engine.version,
      threads: engine.threads,
      ...(processes > 1 ? { processes } : {}),
      ...(engine.gpu ? { gpu: engine.gpu } : {}),
    },
    packageRoot,
  );
}

async function writeOutcome(folder: string, outcome: Outcome): Promise<void> {
  await writeFileAtomic(path.join(folder, "rollouts.jsonl"), lines(outcome.rollouts));
  await writeFileAtomic(path.join(folder, "metrics.jsonl"), lines(outcome.metrics));
  const figures = path.join(folder, "figures");
  await makeFolder(figures);
  for (const [name, figure] of Object.entries(outcome.figures))
    await renderFigure(figure, path.join(figures, name));
  for (const [name, table] of Object.entries(outcome.tables))
    await renderTable(table, path.join(figures, name));
}

function lines(values: readonly object[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join("");
}

/** Throws where a record is of the variant's name, but of other settings; one newer than the record had its default. */
function checkSameVariant(
  { schema }: AnyExperiment,
  { config }: RunRecord,
  variant: AnyVariant,
  folder: string,
): void {
  const changes = settingsChanges(schema.safeParse(config).data ?? config, variant);
  if (changes.length > 0)
    throw new UserError(
      `${folder} is of a run with other settings: ${changes.slice(0, 5).join(", ")}.\nGive the variant another name, or set them back; --again replaces a finished run, --discard throws an unfinished one away.`,
    );
}

/** Puts the finished folder in its place; an old result, set aside meanwhile, is gone only once the new one is there. */
async function replaceFolder(finished: string, directory: string, aside: string): Promise<void> {
  try {
    await rm(aside, { recursive: true, force: true });
    if (existsSync(directory)) await rename(directory, aside);
    await rename(finished, directory);
    await syncFolder(path.dirname(directory));
    await rm(aside, { recursive: true, force: true });
  } catch (error) {
    throw explainWriteError(error, directory);
  }
}
