/** Blobs by content hash, through Redis in pieces or in a folder that all machines see. What is in them is not known here. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import path from "node:path";
import type { Redis } from "ioredis";
import { UserError } from "../messages/errors";
import { writeFileAtomic } from "../files/files";
import { PREFIX } from "./connection";

/** Where blobs are kept. Names are SHA-256 in hexadecimal. */
export interface BlobStore {
  /** Stores the bytes unless they are there, and gives their name. */
  put(bytes: Uint8Array): Promise<string>;
  /** The bytes, checked against their name. Throws an Error where they are missing, damaged or too large. */
  get(hash: string): Promise<Uint8Array>;
}

/** A blob that is larger is refused, before anything is allocated for it. */
const LARGEST_BLOB = 2 ** 31 - 1;
const PIECE = 4 * 2 ** 20;
const KEPT_SECONDS = 7 * 86_400;

/** SHA-256 in hexadecimal. */
export function blobName(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Blobs in Redis: a hash of numbered pieces and the length, which is written last. They are dropped a week after their last use. */
export function redisBlobs(client: Redis): BlobStore {
  const keyOf = (hash: string): string => `${PREFIX}:blob:${requireName(hash)}`;
  return {
    async put(bytes) {
      requireSize(bytes.length, "A blob");
      const hash = blobName(bytes);
      const key = keyOf(hash);
      if ((await client.hget(key, "length")) !== String(bytes.length)) {
        for (let start = 0, i = 0; start < bytes.length; start += PIECE, i++)
          await client.hset(key, String(i), Buffer.from(bytes.subarray(start, start + PIECE)));
        await client.hset(key, "length", String(bytes.length));
      }
      await client.expire(key, KEPT_SECONDS);
      return hash;
    },
    async get(hash) {
      const key = keyOf(hash);
      const length = Number((await client.hget(key, "length")) ?? NaN);
      if (!Number.isInteger(length) || length < 0) throw new Error(`blob ${hash} is missing`);
      requireSize(length, `Blob ${hash}`);
      const pieces: Buffer[] = [];
      for (let i = 0, missing = length; missing > 0; i++) {
        const piece = await client.hgetBuffer(key, String(i));
        if (!piece || piece.length !== Math.min(PIECE, missing)) throw damaged(hash);
        pieces.push(piece);
        missing -= piece.length;
      }
      await client.expire(key, KEPT_SECONDS);
      return requireContent(Buffer.concat(pieces), hash);
    },
  };
}

/** Blobs as files of a folder, named by their hash. */
export function folderBlobs(folder: string): BlobStore {
  const fileOf = (hash: string): string => path.join(folder, requireName(hash));
  const get = async (hash: string): Promise<Uint8Array> => {
    const handle = await open(fileOf(hash), "r").catch(() => {
      throw new Error(`blob ${hash} is missing in ${folder}`);
    });
    try {
      const { size } = await handle.stat();
      requireSize(size, `Blob ${hash}`);
      return requireContent(await handle.readFile(), hash);
    } finally {
      await handle.close();
    }
  };
  return {
    get,
    async put(bytes) {
      requireSize(bytes.length, "A blob");
      const hash = blobName(bytes);
      const there = await get(hash).then(
        () => true,
        () => false,
      );
      if (!there) await writeFileAtomic(fileOf(hash), bytes);
      return hash;
    },
  };
}

function requireName(hash: string): string {
  if (!/^[0-9a-f]{64}$/.test(hash)) throw new Error("a blob's name is not a SHA-256");
  return hash;
}

function requireSize(length: number, what: string): void {
  if (length > LARGEST_BLOB)
    throw new UserError(`${what} has ${length} bytes; at most ${LARGEST_BLOB} are moved.`);
}

function requireContent(bytes: Buffer, hash: string): Uint8Array {
  if (blobName(bytes) !== hash) throw damaged(hash);
  return bytes;
}

function damaged(hash: string): Error {
  return new Error(`blob ${hash} is damaged: it does not have the content of its name`);
}
