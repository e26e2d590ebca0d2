/** The per-user store of downloaded models: a model is there whole, with its hashes, or not at all. */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { cacheDirectory } from "../files/cache";

/** A file that a result depends on, as the run record lists it. */
export interface ModelInput {
  /** The file's name. */
  readonly name: string;
  /** Where it came from, with the exact version. */
  readonly source: string;
  /** Of its bytes, in hexadecimal. */
  readonly sha256: string;
}

/** A downloaded file: its length and time say later whether it is still the one that was hashed. */
const manifestSchema = z.object({
  files: z.array(z.object({ name: z.string(), size: z.number(), modified: z.number() })),
  inputs: z.array(z.object({ name: z.string(), source: z.string(), sha256: z.string() })),
});

/** A model's folder in the store. */
export interface StoredModel {
  readonly directory: string;
  /** The files, from the folder on. */
  readonly files: readonly string[];
  readonly inputs: readonly ModelInput[];
}

const manifestName = "seal-source.json";
const day = 86_400_000;

/**
 * The stored model `key` (a relative path of plain names); where it is absent or its files have changed,
 * `fill` puts the files into an empty folder and tells their hashes, and the folder is then renamed into place.
 */
export async function storedModel(
  key: string,
  fill: (directory: string) => Promise<readonly ModelInput[]>,
): Promise<StoredModel> {
  const root = path.join(cacheDirectory(), "models");
  const directory = path.join(root, key);
  const known = await readStored(directory);
  if (known) return known;
  const partials = path.join(root, ".partial");
  await removeStale(partials);
  const partial = path.join(partials, randomUUID());
  await mkdir(partial, { recursive: true });
  try {
    const inputs = await fill(partial);
    await writeManifest(partial, inputs);
    await mkdir(path.dirname(directory), { recursive: true });
    // Another process may have finished first; its copy is as good.
    if (!(await readStored(directory))) {
      await rm(directory, { recursive: true, force: true });
      await rename(partial, directory);
    }
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  const stored = await readStored(directory);
  if (!stored) throw new Error(`${directory} changed while it was being written`);
  return stored;
}

async function writeManifest(directory: string, inputs: readonly ModelInput[]): Promise<void> {
  const names = (await readdir(directory, { recursive: true })).sort();
  const found = await Promise.all(
    names.map(async (name) => ({ name, file: await stat(path.join(directory, name)) })),
  );
  const files = found
    .filter(({ file }) => file.isFile())
    .map(({ name, file }) => ({ name, size: file.size, modified: file.mtimeMs }));
  await writeFile(path.join(directory, manifestName), JSON.stringify({ files, inputs }, null, 1));
}

async function readStored(directory: string): Promise<StoredModel | undefined> {
  try {
    const text = await readFile(path.join(directory, manifestName), "utf8");
    const manifest = manifestSchema.parse(JSON.parse(text));
    for (const { name, size, modified } of manifest.files) {
      const found = await stat(path.join(directory, name));
      if (found.size !== size || found.mtimeMs !== modified) return undefined;
    }
    return { directory, files: manifest.files.map(({ name }) => name), inputs: manifest.inputs };
  } catch {
    return undefined;
  }
}

/** What an interrupted download left; younger folders may belong to a running one. */
async function removeStale(partials: string): Promise<void> {
  if (!existsSync(partials)) return;
  for (const name of await readdir(partials)) {
    const folder = path.join(partials, name);
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > day) await rm(folder, { recursive: true, force: true });
  }
}
