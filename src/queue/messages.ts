/** What goes through the queue, by schema: jobs, results, who computes. Nothing else is accepted on either end. */
import { z } from "zod";
import { errorMessage, UserError } from "../messages/errors";
import type { Model } from "../model/load";
import { groupResultSchema, groupWorkSchema } from "../restem/group";
import { canonicalJson, sha256OfText } from "../files/files";
import { machineSchema, type Machine } from "./machine";

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const short = z.string().max(200);

/** Schema of the model that a group needs. */
const modelReferenceSchema = z.strictObject({
  id: short,
  /** Hash of the model's files. */
  weights: hash,
  /** Blobs of the adapters merged into them, in order. */
  merged: z.array(hash).max(1000).readonly(),
  /** Hash of the weights that come of it, where they must be the same to the last bit. */
  policy: hash.optional(),
});
/** The model that a group needs. */
export type ModelReference = z.output<typeof modelReferenceSchema>;

/** Schema of the blob that a job names: a group with all that determines its result. */
export const groupJobSchema = z.strictObject({
  schema: z.literal(1),
  model: modelReferenceSchema,
  /** What a worker must agree with; absent: any worker with the weights will do. */
  exactly: machineSchema.omit({ cpu: true }).optional(),
  work: groupWorkSchema,
});
/** A group with all that determines its result. */
export type GroupJob = z.output<typeof groupJobSchema>;

/** Schema of a job's data in the queue. */
export const jobDataSchema = z.strictObject({ job: hash });

/** Schema of what a worker returns: the blob of its result. */
export const jobReturnSchema = z.strictObject({ result: hash, machine: machineSchema });

/** Schema of the blob of a result. `job` is the hash of what was asked. */
export const groupAnswerSchema = z.strictObject({
  schema: z.literal(1),
  job: hash,
  result: groupResultSchema,
});

/** Schema of what a worker tells of itself every few seconds. */
export const workerStateSchema = z.strictObject({
  id: z.uuid(),
  host: short,
  pid: z.int().positive(),
  machine: machineSchema,
  model: short,
  queue: short,
  /** Hash of the group that it works on. */
  job: hash.optional(),
  groups: z.int().min(0),
  candidates: z.int().min(0),
  /** Time spent on finished groups, in seconds. */
  busySeconds: z.number().min(0),
  /** Milliseconds since 1970. */
  started: z.number(),
  seen: z.number(),
});
/** What a worker tells of itself. */
export type WorkerState = z.output<typeof workerStateSchema>;

/** Schema of what a run tells of itself every few seconds. */
export const runStateSchema = z.strictObject({
  id: z.uuid(),
  name: short,
  model: short,
  weights: hash,
  queue: short,
  exactly: machineSchema.omit({ cpu: true }).optional(),
  /** Candidates done and all, where the run has said how many there are. */
  done: z.int().min(0),
  total: z.int().min(0).optional(),
  started: z.number(),
  seen: z.number(),
});
/** What a run tells of itself. */
export type RunState = z.output<typeof runStateSchema>;

/** Hash of a model's files, whatever they are called. */
export function weightsHash(model: Model): string {
  return sha256OfText(canonicalJson(model.inputs.map(({ sha256 }) => sha256).sort()));
}

/** The queue of a model's groups. A worker of other weights has another queue. */
export function queueName(weights: string): string {
  return `groups-${weights.slice(0, 16)}`;
}

/** What a machine lacks for a job, in words; undefined where it will do. */
export function mismatch(machine: Machine, exactly: GroupJob["exactly"]): string | undefined {
  if (!exactly) return undefined;
  const { version, engine, engineVersion, threads } = exactly;
  if (machine.version !== version)
    return `this is version ${machine.version}, the run is of ${version}`;
  if (machine.engine !== engine || machine.engineVersion !== engineVersion)
    return `the engine here is ${machine.engine} ${machine.engineVersion}, the run's ${engine} ${engineVersion}`;
  if (machine.threads !== threads)
    return `the engine uses ${machine.threads} threads here, the run's ${threads}`;
  return undefined;
}

/** JSON that a blob holds, checked by nobody yet. Throws UserError where it is none. */
export function jsonOfBlob(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (error) {
    throw new UserError(`a blob is not JSON: ${errorMessage(error)}`);
  }
}

/** Canonical JSON as a blob's bytes. */
export function blobOfJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalJson(value));
}
