/** Adapters on disk, as PEFT reads and writes them: adapter_config.json and adapter_model.safetensors. */
import { rm } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { readJson } from "../files/text";
import { UserError } from "../messages/errors";
import { TARGET_NAMES, targetShape, type TargetName } from "../model/adapters";
import { readSafetensors, writeSafetensors } from "../model/safetensors";
import type { ModelConfig } from "../model/types";
import { modulePath } from "../model/weights";
import { makeFolder, writeFileAtomic } from "../files/files";
import { adapterTensorName, type Adapter, type HostTensor } from "./adapter";

const CONFIG_FILE = "adapter_config.json";
const WEIGHTS_FILE = "adapter_model.safetensors";

/** Keys of PEFT's configuration that would change the arithmetic; they must have the value that means "off". */
const configSchema = z.looseObject({
  peft_type: z.literal("LORA"),
  r: z.int().min(1).max(4096),
  lora_alpha: z.number().positive(),
  lora_dropout: z.number().min(0).max(1).default(0),
  target_modules: z.union([z.array(z.string()).min(1), z.literal("all-linear")]),
  bias: z.literal("none").default("none"),
  use_rslora: z.literal(false).default(false),
  use_dora: z.literal(false).default(false),
  fan_in_fan_out: z.literal(false).default(false),
  lora_bias: z.literal(false).default(false),
  rank_pattern: z
    .record(z.string(), z.number())
    .nullish()
    .refine(isEmpty, "rank_pattern is not supported"),
  alpha_pattern: z
    .record(z.string(), z.number())
    .nullish()
    .refine(isEmpty, "alpha_pattern is not supported"),
  modules_to_save: z
    .array(z.string())
    .nullish()
    .refine(isEmpty, "modules_to_save is not supported"),
  layers_to_transform: z.null().optional(),
  alora_invocation_tokens: z.null().optional(),
  // Other ways of initializing (PiSSA, LoftQ, ...) also change the base weights.
  init_lora_weights: z.union([z.boolean(), z.enum(["gaussian", "eva", "orthogonal"])]).optional(),
});

/** Reads an adapter and checks every matrix against the model. Throws UserError for what PEFT could not apply either. */
export async function readPeft(config: ModelConfig, directory: string): Promise<Adapter> {
  const settings = await readConfig(path.join(directory, CONFIG_FILE));
  const targets = targetNames(config, settings.target_modules, directory);
  const file = path.join(directory, WEIGHTS_FILE);
  const stored = await readSafetensors(file);
  const tensors = new Map<string, HostTensor>();
  for (let layer = 0; layer < config.layerCount; layer++)
    for (const target of targets) {
      const { input, output } = targetShape(config, target);
      const shapes = { A: [settings.r, input], B: [output, settings.r] };
      for (const matrix of ["A", "B"] as const) {
        const name = adapterTensorName(layer, target, matrix);
        tensors.set(name, checkedTensor(stored, name, shapes[matrix], file));
      }
    }
  const extra = [...stored.keys()].find((name) => !tensors.has(name));
  if (extra) throw new UserError(`${file}: tensor ${extra} belongs to no target of this model.`);
  return {
    rank: settings.r,
    alpha: settings.lora_alpha,
    dropout: settings.lora_dropout,
    targets,
    tensors,
  };
}

/** Writes an adapter so that PEFT (and vLLM) load it. `baseModel` is recorded as base_model_name_or_path. */
export async function writePeft(
  adapter: Adapter,
  directory: string,
  baseModel: string | null = null,
): Promise<void> {
  const settings = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: baseModel,
    r: adapter.rank,
    lora_alpha: adapter.alpha,
    lora_dropout: adapter.dropout,
    target_modules: adapter.targets,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    use_rslora: false,
    use_dora: false,
    modules_to_save: null,
  };
  await makeFolder(directory);
  // Without its configuration a half-replaced adapter is none, rather than one of two minds.
  await rm(path.join(directory, CONFIG_FILE), { force: true });
  await writeSafetensors(path.join(directory, WEIGHTS_FILE), adapter.tensors);
  await writeFileAtomic(
    path.join(directory, CONFIG_FILE),
    `${JSON.stringify(settings, null, 2)}\n`,
  );
}

async function readConfig(file: string): Promise<z.output<typeof configSchema>> {
  const result = configSchema.safeParse(
    await readJson(file, { name: `the adapter's configuration ${file}` }),
  );
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new UserError(`${file}: ${issue.path.join(".")}: ${issue.message}`);
}

/** The targets that the names mean: each is a module's path or its end, as PEFT matches them. */
function targetNames(
  config: ModelConfig,
  modules: readonly string[] | "all-linear",
  where: string,
): TargetName[] {
  if (modules === "all-linear") return [...TARGET_NAMES];
  const named = new Set(modules);
  const used = new Set<string>();
  const targets = TARGET_NAMES.filter((target) => {
    let layers = 0;
    for (let layer = 0; layer < config.layerCount; layer++) {
      const matches = pathEnds(modulePath(layer, target)).filter((end) => named.has(end));
      matches.forEach((end) => used.add(end));
      if (matches.length > 0) layers++;
    }
    if (layers !== 0 && layers !== config.layerCount)
      throw new UserError(
        `${where}: target_modules names ${target} in ${layers} of ${config.layerCount} layers; all or none are supported.`,
      );
    return layers > 0;
  });
  const unknown = modules.find((name) => !used.has(name));
  if (unknown !== undefined)
    throw new UserError(
      `${where}: target module ${JSON.stringify(unknown)} is not one of ${TARGET_NAMES.join(", ")}.`,
    );
  return targets;
}

/** A module's path and every end of it: a.b.c, b.c, c. */
function pathEnds(module: string): string[] {
  const parts = module.split(".");
  return parts.map((_, i) => parts.slice(i).join("."));
}

function checkedTensor(
  stored: ReadonlyMap<string, { shape: readonly number[]; values: Float32Array }>,
  name: string,
  shape: readonly number[],
  file: string,
): HostTensor {
  const tensor = stored.get(name);
  if (!tensor) throw new UserError(`${file}: the tensor ${name} is missing.`);
  if (tensor.shape.join() !== shape.join())
    throw new UserError(
      `${file}: ${name} has shape [${tensor.shape.join(", ")}]; this model needs [${shape.join(", ")}].`,
    );
  return tensor;
}

function isEmpty(value: object | null | undefined): boolean {
  return !value || Object.keys(value).length === 0;
}
