/** What of a folder's or repository's files makes a model: chosen by their names alone, or a word on what is there instead. */
import { UserError } from "../messages/errors";
import { TEMPLATES_FOLDER } from "./chat-templates";
import { partsOf } from "./gguf/split";

/** The files of a model, by name (a path with / from the folder on). */
export interface ChosenFiles {
  readonly kind: "gguf" | "huggingface";
  readonly names: readonly string[];
}

const texts = new Set([
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
  "model.safetensors.index.json",
]);
const plainName = /^\w[\w.-]*$/;

/** Names of files that are read of a model as transformers writes it; never pickles (.bin, .pt). */
export function wantedFiles(names: readonly string[]): string[] {
  const weights = names.filter((name) => plainName.test(name) && name.endsWith(".safetensors"));
  const usual = weights.filter((name) => /^model(-\d+-of-\d+)?\.safetensors$/.test(name));
  const templates = new RegExp(`^${TEMPLATES_FOLDER}/\\w[\\w.-]*\\.jinja$`);
  // Some repositories hold the same weights twice, under their maker's names too.
  return [
    ...names.filter((name) => texts.has(name) || templates.test(name)),
    ...(usual.length > 0 ? usual : weights),
  ].sort();
}

/**
 * The model's files among `names`, of a place called `where` in errors. Throws UserError where they are none: in one or two
 * lines what is there, and what to do; `choose` says how a user names one of several GGUF files.
 */
export function chooseFiles(
  names: readonly string[],
  where: string,
  choose: (file: string) => string,
): ChosenFiles {
  const wanted = wantedFiles(names);
  const hasWeights = wanted.some((name) => name.endsWith(".safetensors"));
  if (wanted.includes("config.json") && hasWeights) return { kind: "huggingface", names: wanted };
  const ggufs = ggufModels(names.filter((name) => plainName.test(name)));
  if (ggufs.length === 1) return { kind: "gguf", names: partsIn(ggufs[0], names, where) };
  throw new UserError(`${where} ${whatIsThere(names, ggufs, choose)}`);
}

/** GGUF models by their file's name, or their first part's. */
function ggufModels(names: readonly string[]): string[] {
  const ggufs = names.filter((name) => /\.gguf$/i.test(name));
  return [...new Set(ggufs.map((name) => partsOf(name)[0]))].sort();
}

/** The file, or all parts of the split model that it is of. Throws UserError where one is missing among `names`. */
export function partsIn(file: string, names: readonly string[], where: string): readonly string[] {
  const parts = partsOf(file);
  const missing = parts.filter((part) => !names.includes(part));
  if (missing.length === 0) return parts;
  throw new UserError(
    `${where}: the model is split into ${parts.length} files, and ${some(missing)} is missing: get all parts into one folder.`,
  );
}

function whatIsThere(
  names: readonly string[],
  ggufs: readonly string[],
  choose: (file: string) => string,
): string {
  const has = (pattern: RegExp): string | undefined => names.find((name) => pattern.test(name));
  if (has(/^adapter_config\.json$/))
    return "holds a LoRA adapter, not a model: give it as --adapter (loadAdapter), with the model that it was made for as --model.";
  if (ggufs.length > 0)
    return `holds ${ggufs.length} GGUF models (${some(ggufs)}): name one, as ${choose(ggufs[0])}`;
  const pickle = has(/\.(bin|pt|pth|ckpt)$/) ?? has(/\.(h5|msgpack|onnx|npz)$/);
  if (pickle !== undefined)
    return `holds weights only as ${pickle}, a form that is not read (pickles can run code). Write them as safetensors with transformers: AutoModelForCausalLM.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER).`;
  const weights = has(/\.safetensors$/);
  if (names.includes("config.json"))
    return weights === undefined
      ? "holds a config.json, but no weights (model.safetensors): get them from where it came from."
      : `holds a config.json, but its weights (${weights}) are not beside it.`;
  if (weights !== undefined)
    return `holds ${weights}, but no config.json with safetensors weights, as transformers writes a model: get the rest of its files.`;
  if (names.length === 0)
    return "is empty: it holds no config.json with safetensors weights, and no GGUF file.";
  return `holds no config.json with safetensors weights and no GGUF file, but ${some(names)}.`;
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, 4).join(", ");
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown;
}
