/** The record of a finished run: its schema, reading, writing, and the description of where it ran. */
import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { errorMessage, UserError } from "../messages/errors";
import { machineSchema } from "../queue/machine";
import { writeFileAtomic } from "../files/files";
import { writingSchema } from "./writing";

const share = z.number().min(0).max(1);
const count = z.int().nonnegative();
const seconds = z.number().nonnegative();

/** An interval's type, written out: zod's own for a pair has optional ends where TypeScript is not strict, as in notebooks. */
type Pair = z.ZodType<[low: number, high: number]>;
const shares: Pair = z.tuple([share, share]);

const rowSchema = z.strictObject({
  arm: z.string(),
  round: count,
  /** Questions with a verdict of correct or wrong. */
  n: count,
  accuracy: share,
  ci95: shares,
  ungraded: count,
  unparsable: count,
  diverged: count,
  /** Self-edits out of bounds, or beyond the limit on steps, before any work (ARC's recipes). */
  rejected: count.optional(),
  tooCostly: count.optional(),
  /** Means of SQuAD's measures over the same answers. */
  exactMatch: share.optional(),
  f1: share.optional(),
  /** Accuracy of each seed, in the order of the record's `seeds`. */
  accuracyBySeed: z.array(share).optional(),
});

const difference = z.number().min(-1).max(1);
const differences: Pair = z.tuple([difference, difference]);

const comparisonSchema = z.strictObject({
  difference: z.string(),
  mean: difference,
  /** Pairs. */
  n: count,
  /** Over people, passages or tasks. */
  ci95OverPeople: differences,
  /** Where there are several. */
  ci95OverSeeds: differences.optional(),
});

const environmentSchema = z.strictObject({
  node: z.string(),
  engine: z.string(),
  engineVersion: z.string(),
  /** Processes that share the inner loops, where there are several. */
  processes: z.int().positive().optional(),
  threads: z.int().positive(),
  /** Who has trained and asked, and how many groups, where a queue was used; those of an earlier part of a resumed run are not told. */
  workers: z
    .array(z.strictObject({ machine: machineSchema, groups: z.int().positive() }))
    .optional(),
  /** The server that wrote self-edits and answers. */
  server: z.string().optional(),
  cpu: z.string(),
  gpu: z.string().optional(),
  /** Null where git or its history is missing. */
  gitCommit: z.string().nullable(),
  gitDirty: z.boolean().nullable(),
});

/** What `record.json` holds; unknown keys are errors. */
export const recordSchema = z.strictObject({
  name: z.string(),
  schema: z.literal(1),
  status: z.literal("complete"),
  config: z.record(z.string(), z.unknown()),
  seeds: z.array(z.union([z.number(), z.string()])),
  environment: environmentSchema,
  inputs: z.array(
    z.strictObject({
      name: z.string(),
      source: z.string(),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
  rows: z.array(rowSchema),
  /** Paired differences between arms, where the experiment makes such claims. */
  comparisons: z.array(comparisonSchema).optional(),
  /** Length and variety of the self-edits, by arm and round; absent where none are written. */
  writing: z.array(writingSchema).optional(),
  /** What the paper reports, beside the row of the same arm and round. */
  paper: z.array(
    z.strictObject({
      arm: z.string(),
      /** Rounds of the outer loop before the paper's measurement; 0 unless told. */
      round: z.int().nonnegative().optional(),
      accuracy: share,
      source: z.string(),
    }),
  ),
  seconds: z.strictObject({
    /** Wall clock of all parts of a resumed run. */
    total: seconds,
    /** Of this process, on all its cores; absent where others worked too. */
    cpu: seconds.optional(),
    generate: seconds,
    train: seconds,
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
  let file = fileOrFolder;
  let text: string;
  try {
    if ((await stat(file)).isDirectory()) file = path.join(file, FILE);
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new UserError(`No record can be read at ${file}: ${errorMessage(error)}`);
  }
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${file} is not JSON: ${errorMessage(error)}`);
  }
  return checked(data, file);
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
