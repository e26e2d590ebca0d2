/** Files that are complete or absent, and hashes that keys are made of. */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { UserError } from "../messages/errors";

/** Writes a file as `writeAtomically` does, and makes its folder if needed. */
export async function writeFileAtomic(file: string, data: string | Uint8Array): Promise<void> {
  await makeFolder(path.dirname(file), file);
  await writeAtomically(file, (handle) => handle.writeFile(data));
}

/**
 * Has a file written so that a reader, or a restart after a crash, sees all of it or the one before:
 * a temporary file in the same folder, fsync, rename, fsync of the folder.
 */
export async function writeAtomically(
  file: string,
  write: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const folder = path.dirname(file);
  const temporary = path.join(folder, `.${path.basename(file)}.${randomUUID()}.tmp`);
  try {
    const handle = await open(temporary, "wx");
    try {
      await write(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw explainWriteError(error, file);
  }
  await syncFolder(folder);
}

const WRITE_PROBLEMS: Readonly<Record<string, string>> = {
  EACCES: "you may not write there",
  EPERM: "you may not write there",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "your disk quota is used up",
  EFBIG: "the file would be larger than is allowed here",
  ENOTDIR: "a part of its path is a file",
  EEXIST: "a file has the name of a folder",
};

/** What the user can do something about becomes a UserError; anything else stays as it is. */
export function explainWriteError(error: unknown, file: string): unknown {
  if (error instanceof UserError) return error;
  const problem = WRITE_PROBLEMS[(error as NodeJS.ErrnoException).code ?? ""];
  if (problem === undefined) return error;
  return new UserError(
    `Cannot write ${file}: ${problem}.\nMake room or choose another folder, and start again.`,
  );
}

/** Makes a folder, and those above it, where they are missing. Throws a UserError, about `what`, where that cannot be. */
export async function makeFolder(folder: string, what = folder): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    // What node says of a read-only file system, where it is to make several folders at once.
    const { code } = error as NodeJS.ErrnoException;
    throw explainWriteError(code === "ENOENT" ? { code: "EROFS" } : error, what);
  }
}

/** Removes from a folder, and those in it, the temporary files that killed processes have left. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) await removeLeftovers(full);
    else if (/^\..+\.[0-9a-f-]{36}\.tmp$/.test(entry.name)) await rm(full, { force: true });
  }
}

/** Makes the names in a folder durable, where the system lets folders be synced (Windows does not). */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** SHA-256 of a file's bytes, in hexadecimal; the file is streamed. */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/** SHA-256 of a text's UTF-8 bytes, in hexadecimal. */
export function sha256OfText(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/**
 * JSON with object keys in order, so that equal data give equal text. Keys that are undefined are left out.
 * Throws a TypeError for what JSON would change silently: numbers that are not finite, functions, symbols.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new TypeError(`${value} has no JSON form`);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(",")}}`;
  }
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError(`a ${typeof value} has no JSON form`);
  return text;
}
