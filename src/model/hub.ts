/** Gets a model's files from the Hugging Face hub (or HF_ENDPOINT); reading them is elsewhere. */
import path from "node:path";
import { z } from "zod";
import { downloadFile, downloadText, type Progress } from "../files/download";
import { UserError } from "../messages/errors";
import { chooseFiles, partsIn } from "./folder";
import { hubDownloads, hubEndpoint, type HubPlace } from "./hub-access";
import type { ModelInput } from "./store";

/** A model on the hub at a branch, tag or commit. */
export interface HubModel {
  readonly owner: string;
  readonly name: string;
  readonly revision: string;
}

const placeOf = ({ owner, name, revision }: HubModel): HubPlace => ({
  what: `hub:${owner}/${name}`,
  page: `${owner}/${name}`,
  revision,
});

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

/**
 * Downloads the model's files into `directory`: as transformers writes it, or one GGUF model; `file`, where given, names a GGUF
 * of the repository. Throws UserError where the model cannot be had or has no weights.
 */
export async function downloadHubModel(
  model: HubModel,
  directory: string,
  file?: string,
  progress?: Progress,
): Promise<ModelInput[]> {
  const endpoint = hubEndpoint();
  const access = hubDownloads(placeOf(model));
  const id = `${model.owner}/${model.name}`;
  const revision = encodeURIComponent(model.revision);
  const { text } = await downloadText(
    `${endpoint}/api/models/${id}/revision/${revision}?blobs=true`,
    "application/json",
    access,
  );
  const answer = parseAnswer(text, id);
  const files = new Map(answer.siblings.map((sibling) => [sibling.rfilename, sibling]));
  const inputs: ModelInput[] = [];
  for (const name of chosen([...files.keys()], model, file)) {
    const { lfs, size } = files.get(name) ?? {};
    const local = file === undefined ? name : path.posix.basename(name);
    const { sha256 } = await downloadFile(
      `${endpoint}/${id}/resolve/${answer.sha}/${name}`,
      path.join(directory, ...local.split("/")),
      { sha256: lfs?.sha256, size, progress, ...access },
    );
    inputs.push({ name: local, source: `hub:${id}@${answer.sha}`, sha256 });
  }
  return inputs;
}

function chosen(
  names: readonly string[],
  { owner, name, revision }: HubModel,
  file: string | undefined,
): readonly string[] {
  const at = revision === "main" ? "" : `@${revision}`;
  const where = `hub:${owner}/${name}${at}`;
  if (file !== undefined) {
    if (!names.includes(file)) throw new UserError(`${where} has no file ${file}.`);
    return partsIn(file, names, where);
  }
  const safe = names.filter((one) => /^\w[\w.-]*(\/\w[\w.-]*)*$/.test(one));
  return chooseFiles(safe, where, (gguf) => `${where}:${gguf}`).names;
}

/** config.json of a model on the hub, as text. Throws UserError where it cannot be had. */
export async function hubConfig(model: HubModel): Promise<{ text: string; where: string }> {
  const { owner, name, revision } = model;
  const file = `${owner}/${name}/resolve/${encodeURIComponent(revision)}/config.json`;
  const where = `${hubEndpoint()}/${file}`;
  const { text } = await downloadText(where, "application/json", hubDownloads(placeOf(model)));
  return { text, where };
}

function parseAnswer(text: string, id: string): z.infer<typeof answerSchema> {
  try {
    return answerSchema.parse(JSON.parse(text));
  } catch {
    throw new UserError(`hub:${id}: the hub's answer cannot be read.`);
  }
}
