/** Passages of a file or data set, as a variant names them, and how their questions are asked. */
import path from "node:path";
import { z } from "zod";
import { strictObject } from "../../schema/schema";
import { sha256OfFile } from "../../files/files";
import { packagePath } from "../../files/package";
import { downloadProgress } from "../../messages/progress";
import type { RunRecord } from "../../run/record";
import { resolveData } from "../../tasks/data-source";
import { readPlaces, readSquad, selectPassages, type Passage } from "../../tasks/squad";

/** Which passages, of which data set. */
export const passageDataSchema = strictObject({
  /** "articles" (the embedded set), the path of a SQuAD file, or a file of a dataset on the hub (data-source.ts); "articles" unless told. */
  source: z.string().min(1).default("articles"),
  /** Part of the embedded set: articles to learn on, or to evaluate on; both unless told. */
  split: z.enum(["train", "eval"]).optional(),
  /** "seal-evaluation", "seal-training", "seal-training-2" (SEAL's choice of SQuAD's passages), or a file such as theirs; all passages unless told. */
  places: z.string().min(1).optional(),
  /** Only passages of these articles; all unless told. */
  titles: z.array(z.string()).optional(),
  /** How many of them are passed over, 0 unless told. */
  start: z.int().min(0).default(0),
  /** How many are taken; all unless told. */
  count: z.int().min(1).optional(),
});
/** Its values. */
export type PassageData = z.output<typeof passageDataSchema>;

/**
 * The passages that a variant's data names, and their file for the record. Throws UserError where there is no such file
 * or passage.
 */
export async function readPassages(
  { data }: { readonly data: PassageData },
  { quiet = true }: { readonly quiet?: boolean } = {},
): Promise<{ passages: Passage[]; input: RunRecord["inputs"][number] }> {
  const onProgress = downloadProgress(data.source, { quiet });
  const { file, source } = await resolveData(data.source, onProgress);
  const passages = await passagesOf(file, data);
  const input = { name: path.basename(file), source, sha256: await sha256OfFile(file) };
  return { passages, input };
}

/** The passages that are named of a file that is here. */
export async function passagesOf(
  file: string,
  { split, titles, places, start, count }: PassageData,
): Promise<Passage[]> {
  return selectPassages(await readSquad(file, split ? { split } : {}), {
    start,
    ...(places === undefined ? {} : { places: await readPlaces(placesFile(places)) }),
    ...(titles ? { titles } : {}),
    ...(count === undefined ? {} : { count }),
  });
}

/** The file of a variant's `data.places`. */
export function placesFile(places: string): string {
  return ["seal-evaluation", "seal-training", "seal-training-2"].includes(places)
    ? packagePath("experiments", "knowledge", `${places}-passages.json`)
    : path.resolve(places);
}
