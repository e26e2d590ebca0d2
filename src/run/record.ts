/** The record of a finished run: its schema, reading, writing, and the description of where it ran. */
import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { strictObject } from "../schema/schema";
import { UserError } from "../messages/errors";
import { machineSchema } from "../queue/machine";
import { writeFileAtomic } from "../files/files";
import { readJson } from "../files/text";
import { writingSchema } from "./writing";

const share = z.number().min(0).max(1);
const count = z.int().nonnegative();
const seconds = z.number().nonnegative();

/** An interval's type, written out: zod's own for a pair has optional ends where TypeScript is not strict, as in notebooks. */
type Pair = z.ZodType<[low: number, high: number]>;
const shares: Pair = z.tuple([share, share]);

const rowSchema = strictObject({
  /** What was compared, e.g. "passage only". */
  arm: z.string(),
  /** Round of the outer loop; 0 before any. */
  round: count,
  /** Questions with a verdict of correct or wrong. */
  n: count,
  /** Share of these answered rightly. */
  accuracy: share,
  /** Its 95% interval. */
  ci95: shares,
  /** Answers without a verdict; they are in no accuracy. */
  ungraded: count,
  /** Self-edits that nothing could be trained from. */
  unparsable: count,
  /** Trainings whose loss was not finite. */
  diverged: count,
  /** Self-edits out of bounds, refused before any work (ARC's recipes). */
  rejected: count.optional(),
  /** Self-edits beyond the limit on steps, refused before any work (ARC's recipes). */
  tooCostly: count.optional(),
  /** Mean of SQuAD's exact match over the same answers. */
  exactMatch: share.optional(),
  /** Mean of SQuAD's F1 over the same answers. */
  f1: share.optional(),
  /** Mean number of words of the same answers. */
  answerWords: z.number().nonnegative().optional(),
  /** Share of the same answers that have more than twenty words. */
  longAnswers: share.optional(),
  /** Accuracy of each seed, in the order of the record's `seeds`. */
  accuracyBySeed: z.array(share).optional(),
});

const difference = z.number().min(-1).max(1);
const differences: Pair = z.tuple([difference, difference]);

const comparisonSchema = strictObject({
  /** The two arms. */
  difference: z.string(),
  /** The first's accuracy minus the second's, over pairs. */
  mean: difference,
  /** Pairs. */
  n: count,
  /** Its 95% interval over people, passages or tasks. */
  ci95OverPeople: differences,
  /** Its 95% interval over seeds, where there are several. */
  ci95OverSeeds: differences.optional(),
});

const environmentSchema = strictObject({
  /** Version of Node. */
  node: z.string(),
  /** The engine's name. */
  engine: z.string(),
  /** Version of what computes. */
  engineVersion: z.string(),
  /** Processes that share the inner loops, where there are several. */
  processes: z.int().positive().optional(),
  /** Threads that a matrix product may use. */
  threads: z.int().positive(),
  /** Who has trained and asked, and how many groups, where a queue was used; those of an earlier part of a resumed run are not told. */
  workers: z
    .array(
      strictObject({
        /** What it computes with. */
        machine: machineSchema,
        /** Groups of candidates that it did. */
        groups: z.int().positive(),
      }),
    )
    .optional(),
  /** The server that wrote self-edits and answers. */
  server: z.string().optional(),
  /** The processor's name. */
  cpu: z.string(),
  /** The GPU's name, where one was used. */
  gpu: z.string().optional(),
  /** The program's commit; null where git or its history is missing. */
  gitCommit: z.string().nullable(),
  /** Whether files were changed since; null where git is missing. */
  gitDirty: z.boolean().nullable(),
});

/** What `record.json` holds; unknown keys are errors. */
export const recordSchema = strictObject({
  /** The result folder's name. */
  name: z.string(),
  /** Of this form. */
  schema: z.literal(1),
  /** There is no record of an unfinished run. */
  status: z.literal("complete"),
  /** The variant with its defaults. */
  config: z.record(z.string(), z.unknown()),
  /** The seeds that ran. */
  seeds: z.array(z.union([z.number(), z.string()])),
  /** Where it ran. */
  environment: environmentSchema,
  /** Files that the results depend on. */
  inputs: z.array(
    strictObject({
      /** The file's name. */
      name: z.string(),
      /** Where it came from, with the exact version. */
      source: z.string(),
      /** Of its bytes, in hexadecimal. */
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
  /** The results: a row for each arm and round. */
  rows: z.array(rowSchema),
  /** Paired differences between arms, where the experiment makes such claims. */
  comparisons: z.array(comparisonSchema).optional(),
  /** Length and variety of the self-edits, by arm and round; absent where none are written. */
  writing: z.array(writingSchema).optional(),
  /** What the paper reports of the same arms and rounds, with its model of 7 billion parameters. */
  paper: z.array(
    strictObject({
      /** The arm that it belongs to. */
      arm: z.string(),
      /** Rounds of the outer loop before the paper's measurement; 0 unless told. */
      round: z.int().nonnegative().optional(),
      /** As the paper has it, a share from 0 to 1. */
      accuracy: share,
      /** Where in the paper. */
      source: z.string(),
    }),
  ),
  /** What it took, in seconds. */
  seconds: strictObject({
    /** Wall clock of all parts of a resumed run. */
    total: seconds,
    /** Of this process, on all its cores; absent where others worked too. */
    cpu: seconds.optional(),
    /** Writing self-edits. */
    generate: seconds,
    /** Training adapters. */
    train: seconds,
    /** Answering questions. */
    answer: seconds,
  }),
});

/** A finished run's record. */
export interface RunRecord extends z.infer<typeof recordSchema> {}
/** One arm's result in one round. */
export type RecordRow = RunRecord["rows"][number];
/** A paired difference between two arms. */
export type Comparison = z.infer<typeof comparisonSchema>;
/** Where a run ran. */
export type Environment = RunRecord["environment"];

const FILE = "record.json";

/** Writes `record.json` into a folder, complete or not at all. Throws a UserError for a record that is not of the schema. */
export async function writeRecord(folder: string, record: RunRecord): Promise<string> {
  const file = path.join(folder, FILE);
  await writeFileAtomic(file, `${JSON.stringify(checked(record, file), null, 2)}\n`);
  return file;
}

/** Reads a record from its file or folder. Throws a UserError that names the key that is wrong. */
export async function readRecord(fileOrFolder: string): Promise<RunRecord> {
  const found = await stat(fileOrFolder).catch(() => undefined);
  const file = found?.isDirectory() ? path.join(fileOrFolder, FILE) : fileOrFolder;
  return checked(await readJson(file, { name: `the record ${file}` }), file);
}

function checked(data: unknown, file: string): RunRecord {
  const result = recordSchema.safeParse(data);
  if (result.success) return result.data;
  const [{ path: keys, message }] = result.error.issues;
  const place = keys
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("");
  throw new UserError(`${file}: ${place.replace(/^\./, "") || "the record"}: ${message}`);
}

/** What the engine knows of itself. */
export interface EngineDescription {
  engine: string;
  engineVersion: string;
  threads: number;
  processes?: number;
  gpu?: string;
}

/** Describes this machine and the program's own git state; `folder` is a folder of the checkout. */
export async function describeEnvironment(
  engine: EngineDescription,
  folder = __dirname,
): Promise<Environment> {
  const { engine: name, engineVersion, threads, processes, gpu } = engine;
  const status = await git(folder, "status", "--porcelain");
  return {
    node: process.versions.node,
    engine: name,
    engineVersion,
    threads,
    ...(processes !== undefined && { processes }),
    cpu: os.cpus().at(0)?.model.trim() || os.arch(),
    ...(gpu !== undefined && { gpu }),
    gitCommit: await git(folder, "rev-parse", "HEAD"),
    gitDirty: status === null ? null : status !== "",
  };
}

async function git(folder: string, ...command: string[]): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)("git", command, { cwd: folder });
    return stdout.trim();
  } catch {
    return null;
  }
}
