/** Finds the files that SEAL's authors released: in a checkout, in a folder of the same files, or on GitHub. Reading them is others'. */
import { existsSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { cacheDirectory } from "../files/cache";
import { readText } from "../files/text";
import { errorMessage, UserError } from "../messages/errors";

/** The commit of github.com/Continual-Intelligence/SEAL whose files are fetched. */
export const SEAL_COMMIT = "4cb1e7d4350c62403daee8c6723e6184886cb304";
const RAW = `https://raw.githubusercontent.com/Continual-Intelligence/SEAL`;

/** Our name of a kind of log, or of a file -> where the authors keep it. */
const PUBLIC_FOLDERS: Readonly<Record<string, string>> = {
  eval: "knowledge-incorporation/results/query_server/eval",
  "eval-prompts": "knowledge-incorporation/results/query_server/alternate_prompts/eval",
  train: "knowledge-incorporation/results/query_server/train",
  "train-prompts": "knowledge-incorporation/results/query_server/alternate_prompts/train",
  cpt: "knowledge-incorporation/results/cpt",
  continual: "knowledge-incorporation/results/continual_self_edits",
  arc: "few-shot/data",
  "squad_val.json": "knowledge-incorporation/data/squad_val.json",
};

/** Where logs are read from: names such as `eval/base.json`, whatever the folder's layout. */
export interface LogFiles {
  /** For the record: a path or an address. */
  readonly source: string;
  /** Where the file lies on this machine, or undefined where the source does not have it. */
  find(name: string): Promise<string | undefined>;
  /** The file's text, or undefined where the source does not have it. */
  read(name: string): Promise<string | undefined>;
}

/** The released files in `directory`, or in the folder that SEAL_DATA names, or else on GitHub. */
export function sealFiles(directory = process.env.SEAL_DATA): LogFiles {
  return directory ? localFiles(directory) : githubFiles();
}

/** What marks a released file in a variant: `seal:eval/gpt4_1.json`. */
export const SEAL_PREFIX = "seal:";

/** Where a released file such as `seal:eval/gpt4_1.json` lies on this machine. Throws UserError where it is not to be had. */
export async function resolveSealFile(name: string): Promise<string> {
  const inside = name.slice(SEAL_PREFIX.length);
  if (!/^\w[\w-]*(?:\/\w[\w-]*)*\.jsonl?$/.test(inside))
    throw new UserError(`"${name}" is no released file of SEAL; one is "seal:eval/gpt4_1.json".`);
  const files = sealFiles();
  const found = await files.find(inside);
  if (found === undefined)
    throw new UserError(`${name}: there is no such file in ${files.source}.`);
  return found;
}

/**
 * Logs below `directory`: a checkout of the authors' repository, its `knowledge-incorporation`
 * folder, or a folder with `eval/`, `train/`, `cpt/`, ... Throws UserError where it has none.
 */
export function localFiles(directory: string): LogFiles {
  const roots = [directory, path.join(directory, "..")];
  const find = (name: string): string | undefined =>
    roots
      .flatMap((root) => [path.join(root, name), path.join(root, publicName(name))])
      .find(existsSync);
  if (!find("eval/base.json")) {
    throw new UserError(
      `No released logs below ${directory} (no eval/base.json).\n` +
        "Give a checkout of github.com/Continual-Intelligence/SEAL, as --data or in SEAL_DATA.",
    );
  }
  return reading(directory, (name) => Promise.resolve(find(name)));
}

function reading(source: string, find: LogFiles["find"]): LogFiles {
  const read: LogFiles["read"] = async (name) => {
    const found = await find(name);
    return found === undefined ? undefined : readText(found);
  };
  return { source, find, read };
}

/** The same logs from GitHub, at one commit, each downloaded once into the user's cache. */
export function githubFiles(base = `${RAW}/${SEAL_COMMIT}`): LogFiles {
  const cache = path.join(cacheDirectory(), "seal-logs", SEAL_COMMIT);
  return reading(base, async (name) => {
    const kept = path.join(cache, name);
    if (existsSync(kept)) return kept;
    const text = await download(`${base}/${publicName(name)}`);
    if (text === undefined) return undefined;
    await mkdir(path.dirname(kept), { recursive: true });
    await writeFile(`${kept}.partial`, text);
    await rename(`${kept}.partial`, kept);
    return kept;
  });
}

async function download(address: string): Promise<string | undefined> {
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(60_000) });
    if (response.status === 404) return undefined;
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return await response.text();
  } catch (error) {
    throw new UserError(
      `Could not fetch ${address}: ${errorMessage(error)}.\n` +
        "Clone github.com/Continual-Intelligence/SEAL where there is a network and give its path, as --data or in SEAL_DATA.",
    );
  }
}

function publicName(name: string): string {
  const [folder, ...rest] = name.split("/");
  return [PUBLIC_FOLDERS[folder] ?? folder, ...rest].join("/");
}
