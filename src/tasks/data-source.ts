/** Where a variant's passages come from: the embedded articles, a local file, one that SEAL's authors released, or one of a dataset on the Hugging Face hub. */
import { existsSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { downloadFile, downloadText, type Progress } from "../files/download";
import { UserError } from "../messages/errors";
import { hubDownloads, hubEndpoint } from "../model/hub-access";
import { storedModel } from "../model/store";
import { resolveSealFile, SEAL_PREFIX } from "./seal-files";
import { articlesPath } from "./squad";

/** A file of passages on this machine, and where it came from. */
export interface DataFile {
  readonly file: string;
  /** For the run record: never a path of this machine. */
  readonly source: string;
}

/** What `data.source` of a variant may be. */
const forms =
  '"articles", the path of a SQuAD file (.json, .jsonl or .parquet), seal:squad_val.json, or hub:owner/name[@revision]/path/in/the/dataset';

/**
 * The file that a source names. Files of the hub are kept in the user's cache, whole or not at all. Throws UserError
 * for a file that is not there and a download that fails.
 */
export async function resolveData(source: string, progress?: Progress): Promise<DataFile> {
  if (source === "articles") return { file: articlesPath, source };
  if (source.startsWith(SEAL_PREFIX)) return { file: await resolveSealFile(source), source };
  if (source.startsWith("hub:")) return hubFile(source, progress);
  const file = path.resolve(source);
  if (!existsSync(file))
    throw new UserError(`There is no data file ${file}; "data.source" is ${forms}.`);
  return { file, source: path.basename(file) };
}

const answerSchema = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: z.number().optional(),
      lfs: z.object({ sha256: z.string() }).nullish(),
    }),
  ),
});

async function hubFile(source: string, progress?: Progress): Promise<DataFile> {
  const parts =
    /^hub:(\w[\w.-]*)\/(\w[\w.-]*)(?:@([\w.][\w.-]*))?\/((?:\w[\w.-]*\/)*\w[\w.-]*\.(?:jsonl?|parquet))$/.exec(
      source,
    );
  const [, owner, name, revision = "main", file] = parts ?? [];
  if (!owner || !name || !file || source.includes(".."))
    throw new UserError(`"${source}" is no data source; it must be ${forms}.`);
  const key = path.join("hub-datasets", owner, name, revision, encodeURIComponent(file));
  const stored = await storedModel(key, async (directory) => {
    const answer = await datasetFiles(`${owner}/${name}`, revision);
    const found = answer.siblings.find(({ rfilename }) => rfilename === file);
    if (!found)
      throw new UserError(`The dataset ${owner}/${name} (${revision}) has no file ${file}.`);
    const { sha256 } = await downloadFile(
      `${hubEndpoint()}/datasets/${owner}/${name}/resolve/${answer.sha}/${file}`,
      path.join(directory, path.basename(file)),
      {
        sha256: found.lfs?.sha256,
        size: found.size,
        progress,
        ...access(`${owner}/${name}`, revision),
      },
    );
    const from = `hub:${owner}/${name}@${answer.sha}/${file}`;
    return [{ name: path.basename(file), source: from, sha256 }];
  });
  return {
    file: path.join(stored.directory, path.basename(file)),
    source: stored.inputs[0].source,
  };
}

async function datasetFiles(id: string, revision: string): Promise<z.output<typeof answerSchema>> {
  const { text } = await downloadText(
    `${hubEndpoint()}/api/datasets/${id}/revision/${encodeURIComponent(revision)}?blobs=true`,
    "application/json",
    access(id, revision),
  );
  try {
    return answerSchema.parse(JSON.parse(text));
  } catch {
    throw new UserError(`The hub's answer about the dataset ${id} cannot be read.`);
  }
}

/** The hub's token and words, as for models. */
function access(id: string, revision: string): ReturnType<typeof hubDownloads> {
  return hubDownloads({ what: `dataset ${id}`, page: `datasets/${id}`, revision });
}
