/** Bounded reading of files that may be cut, absurd or hostile; what the bytes mean is left to others. */
import { isUtf8 } from "node:buffer";
import { existsSync } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { UserError, errorMessage } from "../messages/errors";

/** A file open for positioned reads. */
export interface OpenFile {
  readonly path: string;
  /** Bytes, when it was opened. */
  readonly size: number;
  readonly handle: FileHandle;
}

/** A name out of a file, fit for a one-line message: quoted, escaped and cut to 80 characters. */
export function quoteName(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}

/** Opens a regular file for reading. Throws UserError where it is missing, unreadable or no file. */
export async function openForReading(path: string): Promise<OpenFile> {
  // Looked at before it is opened: opening a pipe would wait for its writer.
  const found = await stat(path).catch((error: unknown) => refuseToRead(path, error));
  if (!found.isFile()) throw new UserError(`${quotePath(path)} is not a file: name a file`);
  const handle = await open(path, "r").catch((error: unknown) => refuseToRead(path, error));
  return { path, size: found.size, handle };
}

function refuseToRead(path: string, error: unknown): never {
  const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
  if (missing) throw new UserError(`no such file: ${quotePath(path)}`);
  throw new UserError(`cannot read ${quotePath(path)}: ${errorMessage(error)}`);
}

/** A path for a one-line message: as it is, unless it holds control characters. */
export function quotePath(path: string): string {
  return /\p{Cc}/u.test(path) ? JSON.stringify(path) : path;
}

/** Fills `into` from the file, starting at byte `offset`. Throws UserError where the file ends too early. */
export async function readInto(file: OpenFile, into: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < into.length;) {
    const wanted = Math.min(into.length - done, maximumReadBytes);
    const { bytesRead } = await file.handle.read(into, done, wanted, offset + done);
    if (bytesRead === 0) {
      throw new UserError(
        `${quotePath(file.path)} is cut short: it ends at byte ${offset + done}, get it again`,
      );
    }
    done += bytesRead;
  }
}

/** One system call reads at most this much (Node's limit is 2 GiB). */
const maximumReadBytes = 2 ** 28;

/** The whole of a small text file. Throws UserError for more than `limit` bytes or bytes that are not UTF-8. */
export async function readSmallText(path: string, limit: number): Promise<string> {
  const file = await openForReading(path);
  try {
    if (file.size > limit) {
      throw new UserError(
        `${quotePath(path)} has ${file.size} bytes, more than the ${limit} allowed`,
      );
    }
    const bytes = Buffer.alloc(file.size);
    await readInto(file, bytes, 0);
    return decodeUtf8(bytes, quotePath(path));
  } finally {
    await file.handle.close();
  }
}

/** Bytes as text. Throws UserError, naming `where`, for bytes that are not UTF-8. */
export function decodeUtf8(bytes: Buffer, where: string): string {
  if (!isUtf8(bytes)) throw new UserError(`${where} is not valid UTF-8: the file is damaged`);
  return bytes.toString("utf8");
}

/** Above every published tokenizer.json. */
const maximumTextBytes = 512_000_000;

/** A text file of a model's folder; undefined where it is not there. Throws UserError as `readSmallText`. */
export async function readTextIfThere(file: string): Promise<string | undefined> {
  return existsSync(file) ? readSmallText(file, maximumTextBytes) : undefined;
}

/** What a JSON file of a model's folder holds, without a byte-order mark; undefined where it is not there. Throws UserError. */
export async function readJsonIfThere(file: string): Promise<unknown> {
  const text = await readTextIfThere(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text.replace(/^\ufeff/, "")) as unknown;
  } catch (error) {
    throw new UserError(`${quotePath(file)} is not JSON: ${errorMessage(error)}`);
  }
}
