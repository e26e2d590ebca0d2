/** Finds the files that SEAL's authors released: in a checkout of either layout, in a folder of the same files, or on GitHub. */
import { existsSync } from "node:fs";
import path from "node:path";
import { cacheDirectory } from "../files/cache";
import { writeFileAtomic } from "../files/files";
import { readText } from "../files/text";
import { errorMessage, UserError } from "../messages/errors";
import { placesOf, SEAL_COMMIT, SEAL_FOLDERS, SEAL_MARKS } from "./seal-layouts";
import { passagesFile } from "./seal-passages";

const RAW = `https://raw.githubusercontent.com/Continual-Intelligence/SEAL`;

/** Where released files are read from: by names such as `eval/base.json`, whatever the folder's layout. */
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

/**
 * Where a released file such as `seal:eval/gpt4_1.json` lies on this machine. The passages of a training round
 * (`seal:train/passages_round1.json`, `…round2.json`) are taken from its logs. Throws UserError where it is not to be had.
 */
export async function resolveSealFile(name: string): Promise<string> {
  const inside = name.slice(SEAL_PREFIX.length);
  if (!/^\w[\w+-]*(?:\/\w[\w+-]*)*\.jsonl?$/.test(inside))
    throw new UserError(`"${name}" is no released file of SEAL; one is "seal:eval/gpt4_1.json".`);
  const files = sealFiles();
  const found =
    (await files.find(inside)) ?? (await passagesFile(inside, (log) => files.read(log)));
  if (found === undefined)
    throw new UserError(`${name}: there is no such file in ${files.source}.`);
  return found;
}

/**
 * Released files below `directory`: a checkout of the authors' repository in either layout, its knowledge folder, or a
 * folder with `eval/`, `train/`, `cpt/`, ... by our names; a part of them will do. Throws UserError where it has none.
 */
export function localFiles(directory: string): LogFiles {
  const layouts = [
    ...[...SEAL_FOLDERS, "."].map(
      (folder) => (name: string) =>
        placesOf(name).map((place) => path.join(directory, folder, place)),
    ),
    (name: string) => [path.join(directory, name)],
  ];
  const layout = layouts.find((candidates) =>
    SEAL_MARKS.some((mark) => candidates(mark).some(existsSync)),
  );
  if (!layout) {
    throw new UserError(
      `No released files of SEAL in ${directory}: looked for ${SEAL_MARKS.map((mark) => placesOf(mark)[0]).join(", ")} in ` +
        `${SEAL_FOLDERS.map((folder) => `${folder}/`).join(", in ")} and in the folder itself, and for ${SEAL_MARKS.join(", ")}. ` +
        "Give a checkout of github.com/Continual-Intelligence/SEAL, as --data or in SEAL_DATA.",
    );
  }
  return reading(directory, (name) => Promise.resolve(layout(name).find(existsSync)));
}

function reading(source: string, find: LogFiles["find"]): LogFiles {
  const read: LogFiles["read"] = async (name) => {
    const found = await find(name);
    return found === undefined ? undefined : readText(found);
  };
  return { source, find, read };
}

/** The same files from GitHub, at one commit, each downloaded once into the user's cache. */
export function githubFiles(base = `${RAW}/${SEAL_COMMIT}`): LogFiles {
  const cache = path.join(cacheDirectory(), "seal-logs", SEAL_COMMIT);
  return reading(base, async (name) => {
    const kept = path.join(cache, name);
    if (existsSync(kept)) return kept;
    const place = path.posix.join(SEAL_FOLDERS[0], placesOf(name)[0]);
    const text = await download(`${base}/${place}`);
    if (text === undefined) return undefined;
    await writeFileAtomic(kept, text);
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
