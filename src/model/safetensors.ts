/** Safetensors files, single or sharded: checked as the reference implementation does, read tensor by tensor, written atomically. */
import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { UserError } from "../messages/errors";
import { writeAtomically } from "../files/files";
import { readText } from "../files/text";
import { openForReading, quoteName, quotePath, type OpenFile } from "./files";
import { elementCount, floatCodecs, readStored } from "./floats";
import { parseStrictJson } from "./json";
import { readSafetensorsHeader, type SafetensorsEntry } from "./safetensors-header";
import type { TensorInfo, WeightSource } from "./types";

const maximumIndexBytes = 100_000_000;
const maximumShards = 1000;

/** A tensor in memory. */
export interface TensorValues {
  readonly shape: readonly number[];
  /** Row-major, as many as the shape says. */
  readonly values: Float32Array;
}

interface Shard {
  readonly file: OpenFile;
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
}

/**
 * Opens one .safetensors file, or a folder that holds model.safetensors or model.safetensors.index.json.
 * Throws UserError for anything missing, damaged or hostile. Tensors of types other than F32, F16 and BF16
 * are listed but refused by `read`.
 */
export async function openSafetensors(location: string): Promise<WeightSource> {
  if (!existsSync(location)) throw new UserError(`no such file or folder: ${quotePath(location)}`);
  if (!statSync(location).isDirectory()) return single(location);
  const file = path.join(location, "model.safetensors");
  if (existsSync(file)) return single(file);
  const index = path.join(location, "model.safetensors.index.json");
  if (existsSync(index)) return sharded(location, index);
  const other = readdirSync(location).find((name) => name.endsWith(".safetensors"));
  throw new UserError(
    `${quotePath(location)} holds neither model.safetensors nor model.safetensors.index.json${other ? `, but ${other}, which is not how transformers writes a model` : ""}`,
  );
}

async function single(location: string): Promise<WeightSource> {
  const shard = await openShard(location);
  return weightSource(new Map([...shard.entries.keys()].map((name) => [name, shard])), [shard]);
}

async function sharded(folder: string, index: string): Promise<WeightSource> {
  const fileOf = await readIndex(index);
  const names = [...new Set(fileOf.values())];
  const missing = names.filter((name) => !existsSync(path.join(folder, name)));
  if (missing.length > 0)
    throw new UserError(
      `${quotePath(index)} names ${names.length} weight files, and ${missing.length === 1 ? missing[0] : `${missing.length} of them (${missing[0]} first)`} is missing beside it: get the model's other files`,
    );
  const shards = new Map<string, Shard>();
  try {
    for (const name of names) shards.set(name, await openShard(path.join(folder, name)));
    const shardOf = new Map([...fileOf].map(([tensor, name]) => [tensor, shards.get(name)!]));
    for (const [tensor, { file, entries }] of shardOf) {
      if (!entries.has(tensor)) {
        throw new UserError(
          `${quotePath(file.path)} lacks the tensor ${quoteName(tensor)} that the index places there`,
        );
      }
    }
    return weightSource(shardOf, [...shards.values()]);
  } catch (error) {
    await Promise.all([...shards.values()].map(({ file }) => file.handle.close()));
    throw error;
  }
}

const indexSchema = z.looseObject({ weight_map: z.looseObject({}) });
/** Shards lie beside their index: a plain name, never a path that could lead out of the folder. */
const shardName = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,250}\.safetensors$/;

/** Tensor name -> shard file name. */
async function readIndex(index: string): Promise<Map<string, string>> {
  const where = quotePath(index);
  const text = await readText(index, { name: where, limit: maximumIndexBytes });
  const json = parseStrictJson(text, where);
  const parsed = indexSchema.safeParse(json);
  if (!parsed.success) throw new UserError(`${where} has no "weight_map" object`);
  const fileOf = new Map<string, string>();
  for (const [tensor, name] of Object.entries(parsed.data.weight_map)) {
    if (typeof name !== "string" || !shardName.test(name)) {
      throw new UserError(
        `${where}: the shard of ${quoteName(tensor)} must be a .safetensors file beside the index`,
      );
    }
    fileOf.set(tensor, name);
  }
  if (new Set(fileOf.values()).size > maximumShards) {
    throw new UserError(`${where} names more than ${maximumShards} shards`);
  }
  return fileOf;
}

async function openShard(location: string): Promise<Shard> {
  const file = await openForReading(location);
  try {
    return { file, entries: await readSafetensorsHeader(file) };
  } catch (error) {
    await file.handle.close();
    throw error;
  }
}

function weightSource(shardOf: ReadonlyMap<string, Shard>, shards: Shard[]): WeightSource {
  const find = (name: string): { entry: SafetensorsEntry; file: OpenFile } => {
    const shard = shardOf.get(name);
    const entry = shard?.entries.get(name);
    if (shard && entry) return { entry, file: shard.file };
    const where = shards.length > 0 ? quotePath(shards[0].file.path) : "the weight file";
    throw new UserError(`${where} has no tensor ${quoteName(name)}`);
  };
  const info = ({ name, dtype, shape }: TensorInfo): TensorInfo => ({ name, dtype, shape });
  return {
    tensors: new Map([...shardOf.keys()].map((name) => [name, info(find(name).entry)])),
    async read(name) {
      const { entry, file } = find(name);
      const codec = floatCodecs.get(entry.dtype);
      if (codec) return readStored(file, entry, codec);
      throw new UserError(
        `${quotePath(file.path)}: tensor ${quoteName(name)} is ${entry.dtype}; only F32, F16 and BF16 can be read`,
      );
    },
    async close() {
      await Promise.all(shards.map(({ file }) => file.handle.close()));
    },
  };
}

/** Every tensor of one small file (an adapter), as fp32. Throws UserError as `openSafetensors` does. */
export async function readSafetensors(file: string): Promise<Map<string, TensorValues>> {
  const source = await single(file);
  try {
    const tensors = new Map<string, TensorValues>();
    for (const { name, shape } of source.tensors.values()) {
      tensors.set(name, { shape, values: await source.read(name) });
    }
    return tensors;
  } finally {
    await source.close();
  }
}

/**
 * Writes the tensors as F32, sorted by name. The file appears whole or not at all.
 * `metadata` is what PEFT and transformers expect unless given.
 */
export async function writeSafetensors(
  file: string,
  tensors: ReadonlyMap<string, TensorValues>,
  metadata: Record<string, string> = { format: "pt" },
): Promise<void> {
  const names = [...tensors.keys()].sort();
  const header = headerBytes(names, tensors, metadata);
  await writeAtomically(file, async (handle) => {
    await handle.appendFile(header);
    for (const name of names) {
      const { values } = tensors.get(name)!;
      await handle.appendFile(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
  });
}

/** The length prefix and the header, padded with spaces so that the values start at a multiple of 8. */
function headerBytes(
  names: readonly string[],
  tensors: ReadonlyMap<string, TensorValues>,
  metadata: Record<string, string>,
): Buffer {
  let offset = 0;
  const entries = names.map((name): [string, unknown] => {
    const { shape, values } = tensors.get(name)!;
    if (name === "__metadata__" || elementCount(shape) !== values.length) {
      throw new Error(
        `${name}: the shape [${shape.join(", ")}] does not fit ${values.length} values`,
      );
    }
    const start = offset;
    offset += values.byteLength;
    return [name, { dtype: "F32", shape, data_offsets: [start, offset] }];
  });
  const json = Buffer.from(
    JSON.stringify(Object.fromEntries([["__metadata__", metadata], ...entries])),
  );
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(8 + length, " ");
  bytes.writeBigUInt64LE(BigInt(length));
  json.copy(bytes, 8);
  return bytes;
}
