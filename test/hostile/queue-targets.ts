/** What a queue's ends take from Redis: jobs, what workers return, adapters, who is there. */
import * as assert from "uvu/assert";
import { checkData } from "../../src/schema/schema";
import { getAdapterFiles, readAdapterFiles } from "../../src/queue/adapters";
import { blobName, type BlobStore } from "../../src/queue/blobs";
import {
  blobOfJson,
  groupAnswerSchema,
  groupJobSchema,
  jobDataSchema,
  jobReturnSchema,
  jsonOfBlob,
  runStateSchema,
  workerStateSchema,
} from "../../src/queue/messages";
import { parseLoraSettings } from "../../src/lora/settings";
import { UserError } from "../../src/messages/errors";
import { smallConfig } from "../model/random-network";
import { smallGroup } from "../queue/small-model";
import type { Target } from "./targets";

const hash = "a".repeat(64);
const machine = { version: "1", engine: "wasm", engineVersion: "4", threads: 1, cpu: "x" };
const exactly = { version: "1", engine: "wasm", engineVersion: "4", threads: 1 };

const state = {
  id: "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed",
  model: "tiny:biographies",
  queue: "groups-a",
  started: 1,
  seen: 2,
};

const messages = {
  "queue job": [jobDataSchema, { job: hash }],
  "queue return": [jobReturnSchema, { result: hash, machine }],
  "queue run": [runStateSchema, { ...state, name: "n", weights: hash, exactly, done: 1, total: 2 }],
  "queue worker": [
    workerStateSchema,
    { ...state, host: "h", pid: 1, machine, job: hash, groups: 1, candidates: 2, busySeconds: 0.5 },
  ],
  "queue answer": [
    groupAnswerSchema,
    {
      schema: 1,
      job: hash,
      result: {
        candidates: [
          {
            status: "ok",
            answers: ["a", "b"],
            answerLosses: [0.5, 1],
            training: { losses: [1], gradientNorms: [2], tokens: 3 },
            seconds: { train: 1, answer: 2 },
          },
        ],
      },
    },
  ],
} as const;

/** A group as a worker takes it: settings are a candidate's own trouble. */
function readGroup(bytes: Uint8Array): void {
  const { work } = checkData(groupJobSchema, jsonOfBlob(bytes), "job");
  for (const { settings } of work.candidates)
    try {
      parseLoraSettings(settings);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
}

/** A store of nothing but these. */
function storeOf(blobs: readonly Uint8Array[]): BlobStore {
  const byName = new Map(blobs.map((bytes) => [blobName(bytes), bytes]));
  return {
    put: () => Promise.reject(new Error("nothing is stored here")),
    get: (name) => Promise.resolve(byName.get(name) ?? assert.unreachable(name) ?? Buffer.alloc(0)),
  };
}

/** An adapter as a worker takes it: whoever stored it named its blobs rightly, whatever is in them. */
async function readAdapter(config: Uint8Array, weights: Uint8Array): Promise<void> {
  const manifest = blobOfJson({ config: blobName(config), weights: blobName(weights) });
  const files = await getAdapterFiles(storeOf([config, weights, manifest]), blobName(manifest));
  await readAdapterFiles(smallConfig, files);
}

/** All of them; `config` and `weights` are the files of a good adapter for `smallConfig`. */
export function queueTargets(config: Buffer, weights: Buffer): Target[] {
  const job = { schema: 1, model: { id: "m", weights: hash, merged: [hash] }, exactly };
  return [
    ...Object.entries(messages).map(([name, [schema, good]]) => ({
      name,
      good: Buffer.from(blobOfJson(good)),
      header: "text" as const,
      read: (_: string, bytes: Buffer) => checkData(schema, jsonOfBlob(bytes), name),
    })),
    {
      name: "queue group",
      good: Buffer.from(blobOfJson({ ...job, work: smallGroup(1) })),
      header: "text",
      read: (_, bytes) => readGroup(bytes),
    },
    {
      name: "queue adapter",
      good: weights,
      header: weights.indexOf("}}") + 2,
      read: (_, bytes) => readAdapter(config, bytes),
    },
  ];
}
