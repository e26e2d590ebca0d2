/** PEFT's adapter_config.json: which settings are read, which change nothing, and which are refused because plain LoRA cannot do what they ask. */
import { z } from "zod";
import { UserError } from "../messages/errors";

const modules = z.union(
  [z.array(z.string().max(1000)).max(100_000), z.string().max(10_000)],
  "must be a list of names, or a regular expression",
);
const rankRule = "must be a whole number, 1 to 4096";
const rank = z.int(rankRule).min(1, rankRule).max(4096, rankRule);
const number = z.number("must be a number");
const share = "must be a number, 0 to 1";

/** The settings that decide what an adapter computes; PEFT's defaults. */
const schema = z.looseObject({
  r: rank.default(8),
  lora_alpha: number.default(8),
  lora_dropout: z.number(share).min(0, share).max(1, share).default(0),
  use_rslora: z.boolean("must be true or false").nullish(),
  target_modules: modules.nullish(),
  exclude_modules: modules.nullish(),
  layers_to_transform: z
    .union([z.int(), z.array(z.int())], "must be the number of a layer, or a list of numbers")
    .nullish(),
  layers_pattern: modules.nullish(),
  /** Regular expressions of a module's path or its end; the first that matches counts. */
  rank_pattern: z.record(z.string().max(1000), rank, "must map names to ranks").nullish(),
  alpha_pattern: z.record(z.string().max(1000), number, "must map names to numbers").nullish(),
});
/** What of adapter_config.json is used. */
export type PeftConfig = z.output<typeof schema>;

const MERGE = "merge it into its model with PEFT (merge_and_unload) and load that model's folder";

/** Settings that ask for more than plain LoRA, each off where it is absent, null, false or an empty list, and why they are refused. */
const REFUSED: Readonly<Record<string, string>> = {
  use_dora: `DoRA also trains a length for each row of a weight, which plain LoRA has no place for; ${MERGE}`,
  lora_bias: `plain LoRA has no place for B's biases; ${MERGE}`,
  modules_to_save: `plain LoRA has no place for modules that were trained whole; ${MERGE}`,
  trainable_token_indices: `plain LoRA has no place for embeddings that were trained; ${MERGE}`,
  target_parameters: "it adapts parameters of experts, which these models do not have",
  layer_replication: "it is for a model some of whose layers are repeated, which this one is not",
  megatron_config: "it is for Megatron's parallel layers, which these models do not have",
  alora_invocation_tokens:
    "activated LoRA changes the model only after an invocation text, which is not done here",
  use_bdlora: `BD-LoRA's matrices are made of blocks, which plain LoRA's are not; ${MERGE}`,
  kasa_config: `KaSA also cuts small singular values out of the model's own weights; ${MERGE}`,
  velora_config: `VeLoRA trains by compressed activations, which is not done here; ${MERGE}`,
  monteclora_config: `MonteCLoRA draws weights at random, which is not done here; ${MERGE}`,
  arrow_config: "Arrow chooses among several adapters at every token, which is not done here",
};

/** What the values of init_lora_weights leave behind in the model that was trained, where that is no longer the one it was. */
const CHANGED_BASE: readonly (readonly [value: RegExp, name: string])[] = [
  [/^pissa(_niter_\d+)?$/, "PiSSA"],
  [/^olora$/i, "OLoRA"],
  [/^loftq$/, "LoftQ"],
  [/^corda$/, "CorDA"],
  [/^lora_ga$/, "LoRA-GA"],
];
const KNOWN_STARTS: readonly unknown[] = [
  ...[undefined, null, true, false, "gaussian", "eva", "orthogonal", "mica"],
];

/** Settings of these forms may be a variant of LoRA; the others that are not known change nothing for PEFT either. */
const MAYBE_VARIANT = /^use_|_config$/;
const HARMLESS: ReadonlySet<string> = new Set([
  "use_rslora",
  // PEFT reads it for GPTQ's layers only.
  "use_qalora",
  "loftq_config",
  "eva_config",
  "corda_config",
  "lora_ga_config",
  "runtime_config",
]);

/** Checks the parsed file. Throws UserError that names the setting at fault and says why. */
export function checkPeftConfig(json: unknown, file: string): PeftConfig {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new UserError(`${file} is not a JSON object.`);
  const settings = json as Readonly<Record<string, unknown>>;
  const reason = refusal(settings);
  if (reason !== undefined) throw new UserError(`${file}: ${reason}.`);
  const result = schema.safeParse(settings);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new UserError(`${file}: ${issue.path.join(".")}: ${issue.message}`);
}

function refusal(settings: Readonly<Record<string, unknown>>): string | undefined {
  const { peft_type: type, bias = "none", init_lora_weights: start } = settings;
  if (type !== "LORA")
    return `peft_type is ${shown(type)}; only adapters of the type "LORA" can be read`;
  for (const [key, why] of Object.entries(REFUSED))
    if (isOn(settings[key])) return `${key} is not supported: ${why}`;
  if (bias !== "none")
    return `bias ${shown(bias)} is not supported: plain LoRA has no place for biases that were trained; ${MERGE}`;
  const changed = CHANGED_BASE.find(([value]) => typeof start === "string" && value.test(start));
  if (changed)
    return `init_lora_weights ${shown(start)} is not supported: ${changed[1]} also changes the model's own weights, which are not here; convert the adapter with PEFT (save_pretrained with path_initial_model_for_weight_conversion), or merge it`;
  if (!KNOWN_STARTS.includes(start))
    return `init_lora_weights ${shown(start)} is not known here, and may change the model's own weights`;
  const unknown = Object.keys(settings).find(
    (key) => MAYBE_VARIANT.test(key) && !HARMLESS.has(key) && isOn(settings[key]),
  );
  return unknown === undefined
    ? undefined
    : `${unknown} is not known here, and may change what the adapter computes`;
}

function isOn(value: unknown): boolean {
  const empty = Array.isArray(value) && value.length === 0;
  return value !== undefined && value !== null && value !== false && !empty;
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "missing").slice(0, 60);
}
