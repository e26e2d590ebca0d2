/** Gets a model's files from the Hugging Face hub (or HF_ENDPOINT); reading them is elsewhere. */
import path from "node:path";
import { z } from "zod";
import { downloadFile, downloadText, type Progress } from "../files/download";
import { UserError } from "../messages/errors";
import type { ModelInput } from "./store";

/** A model on the hub at a branch, tag or commit. */
export interface HubModel {
  readonly owner: string;
  readonly name: string;
  readonly revision: string;
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

/** Names of files that are read; never pickles (.bin, .pt), and nothing in a folder. */
export function wantedFiles(names: readonly string[]): string[] {
  const plain = names.filter((name) => /^\w[\w.-]*$/.test(name));
  const weights = plain.filter((name) => name.endsWith(".safetensors"));
  const usual = weights.filter((name) => /^model(-\d+-of-\d+)?\.safetensors$/.test(name));
  const texts = new Set([
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "model.safetensors.index.json",
  ]);
  // Some repositories hold the same weights twice, under their maker's names too.
  return [
    ...plain.filter((name) => texts.has(name)),
    ...(usual.length > 0 ? usual : weights),
  ].sort();
}

/** Downloads the wanted files into `directory`. Throws UserError where the model cannot be had or has no weights. */
export async function downloadHubModel(
  model: HubModel,
  directory: string,
  progress?: Progress,
): Promise<ModelInput[]> {
  const endpoint = (process.env.HF_ENDPOINT ?? "https://huggingface.co").replace(/\/+$/, "");
  const id = `${model.owner}/${model.name}`;
  const revision = encodeURIComponent(model.revision);
  const { text } = await downloadText(
    `${endpoint}/api/models/${id}/revision/${revision}?blobs=true`,
    "application/json",
  );
  const answer = parseAnswer(text, id);
  const files = new Map(answer.siblings.map((file) => [file.rfilename, file]));
  const names = wantedFiles([...files.keys()]);
  if (!names.includes("config.json") || !names.some((name) => name.endsWith(".safetensors")))
    throw new UserError(`hub:${id}: no config.json with safetensors weights there.`);
  const inputs: ModelInput[] = [];
  for (const name of names) {
    const file = files.get(name);
    const { sha256 } = await downloadFile(
      `${endpoint}/${id}/resolve/${answer.sha}/${name}`,
      path.join(directory, name),
      { sha256: file?.lfs?.sha256, size: file?.size, progress },
    );
    inputs.push({ name, source: `hub:${id}@${answer.sha}`, sha256 });
  }
  return inputs;
}

function parseAnswer(text: string, id: string): z.infer<typeof answerSchema> {
  try {
    return answerSchema.parse(JSON.parse(text));
  } catch {
    throw new UserError(`hub:${id}: the hub's answer cannot be read.`);
  }
}
