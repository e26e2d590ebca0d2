/** Adapters on disk, as PEFT reads and writes them: adapter_config.json and adapter_model.safetensors. */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { readJson } from "../files/text";
import { UserError } from "../messages/errors";
import { targetShape } from "../model/adapters";
import { readSafetensors, writeSafetensors, type TensorValues } from "../model/safetensors";
import type { ModelConfig } from "../model/types";
import { makeFolder, writeFileAtomic } from "../files/files";
import {
  adapterTensorName,
  orderedTargets,
  type Adapter,
  type AdapterForm,
  type HostTensor,
  type ModuleForm,
} from "./adapter";
import { checkPeftConfig, type PeftConfig } from "./peft-config";
import { adaptedModules, type AdaptedModule } from "./peft-modules";

const CONFIG_FILE = "adapter_config.json";
const WEIGHTS_FILE = "adapter_model.safetensors";
const PICKLE_FILE = "adapter_model.bin";
const CONVERSION = `python -c "import torch, safetensors.torch as s; s.save_file(torch.load('${PICKLE_FILE}', weights_only=True), '${WEIGHTS_FILE}')"`;

/** Reads an adapter and checks every matrix against the model. Throws UserError for what cannot be applied as PEFT does. */
export async function readPeft(config: ModelConfig, directory: string): Promise<Adapter> {
  const configFile = path.join(directory, CONFIG_FILE);
  const settings = checkPeftConfig(await readConfig(configFile), configFile);
  const modules = adaptedModules(config, settings, configFile);
  const file = path.join(directory, WEIGHTS_FILE);
  const stored = await readTensors(directory, file);
  const tensors = new Map<string, HostTensor>();
  for (const { layer, target, rank } of modules) {
    const { input, output } = targetShape(config, target);
    const shapes = { A: [rank, input], B: [output, rank] };
    for (const matrix of ["A", "B"] as const) {
      const name = adapterTensorName(layer, target, matrix);
      tensors.set(name, checkedTensor(stored, name, shapes[matrix], file));
    }
  }
  const extra = [...stored.keys()].find((name) => !tensors.has(name));
  if (extra)
    throw new UserError(`${file}: tensor ${extra} belongs to no target that ${CONFIG_FILE} names.`);
  return { ...adapterForm(config, settings, modules), tensors };
}

function adapterForm(
  config: ModelConfig,
  { lora_alpha: alpha, lora_dropout: dropout, use_rslora: rslora }: PeftConfig,
  adapted: readonly AdaptedModule[],
): AdapterForm {
  const rank = Math.max(...adapted.map((own) => own.rank));
  const targets = orderedTargets(adapted.map(({ target }) => target));
  const alike =
    adapted.length === config.layerCount * targets.length &&
    adapted.every((own) => own.rank === rank && own.alpha === adapted[0].alpha);
  const modules = adapted.map((own) => [own.path, { rank: own.rank, alpha: own.alpha }] as const);
  return {
    rank,
    alpha: alike ? adapted[0].alpha : alpha,
    dropout,
    targets,
    ...(rslora ? { rslora } : {}),
    ...(alike ? {} : { modules: new Map(modules) }),
  };
}

/** Writes an adapter so that PEFT (and vLLM) load it. `baseModel` is recorded as base_model_name_or_path. */
export async function writePeft(
  adapter: Adapter,
  directory: string,
  baseModel: string | null = null,
): Promise<void> {
  const { rank, alpha, dropout, rslora = false } = adapter;
  const settings = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: baseModel,
    r: rank,
    lora_alpha: alpha,
    lora_dropout: dropout,
    ...modulesAsPeft(adapter),
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    use_rslora: rslora,
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

async function readConfig(file: string): Promise<unknown> {
  return readJson(file, { name: `the adapter's configuration ${file}` });
}

/** The stored tensors, the adapter's own name taken out of theirs (`lora_A.default.weight`). */
async function readTensors(directory: string, file: string): Promise<Map<string, TensorValues>> {
  const pickle = path.join(directory, PICKLE_FILE);
  if (!existsSync(file) && existsSync(pickle))
    throw new UserError(
      `${pickle} is a pickle, which may run code and is not read; convert it, in its folder: ${CONVERSION}`,
    );
  const stored = await readSafetensors(file);
  const withName = /^(.+\.lora_[AB])\.([^.]+)\.weight$/;
  const names = new Set([...stored.keys()].flatMap((key) => withName.exec(key)?.[2] ?? []));
  const plain = new Map(
    [...stored].map(([key, tensor]) => [key.replace(withName, "$1.weight"), tensor]),
  );
  if (names.size > 1 || plain.size < stored.size)
    throw new UserError(
      `${file} holds several adapters (${[...names].join(", ").slice(0, 100)}); save the one that is meant by itself.`,
    );
  return plain;
}

/** Which modules are adapted, and with what rank and alpha, in PEFT's settings; single modules by their whole paths. */
function modulesAsPeft({ rank, alpha, targets, modules }: AdapterForm): object {
  if (!modules) return { target_modules: targets };
  const other = (own: keyof ModuleForm, usual: number): object =>
    Object.fromEntries(
      [...modules].filter(([, form]) => form[own] !== usual).map(([at, form]) => [at, form[own]]),
    );
  return {
    target_modules: [...modules.keys()],
    rank_pattern: other("rank", rank),
    alpha_pattern: other("alpha", alpha),
  };
}

function checkedTensor(
  stored: ReadonlyMap<string, TensorValues>,
  name: string,
  shape: readonly number[],
  file: string,
): HostTensor {
  const tensor = stored.get(name);
  if (!tensor) {
    const [first = "none"] = stored.keys();
    throw new UserError(`${file}: the tensor ${name} is missing; the first there is ${first}.`);
  }
  if (tensor.shape.join() !== shape.join())
    throw new UserError(
      `${file}: ${name} has shape [${tensor.shape.join(", ")}]; this model needs [${shape.join(", ")}].`,
    );
  return tensor;
}
