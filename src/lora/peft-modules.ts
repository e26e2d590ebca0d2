/** Which of a model's modules PEFT adapts under an adapter's settings, and with what rank and alpha (PEFT 0.21: check_target_module_exists, get_pattern_key). */
import { UserError } from "../messages/errors";
import { TARGET_NAMES, type TargetName } from "../model/adapters";
import type { ModelConfig } from "../model/types";
import { modulePath } from "../model/weights";
import type { ModuleForm } from "./adapter";
import type { PeftConfig } from "./peft-config";
import { matchNames } from "./peft-patterns";

/** A module with an adapter. */
export interface AdaptedModule extends ModuleForm {
  readonly path: string;
  readonly layer: number;
  readonly target: TargetName;
}

/** PEFT's target_modules for these families where none are named. */
const DEFAULT_TARGETS: readonly TargetName[] = ["q_proj", "v_proj"];

/**
 * The adapted modules in the order of layers and targets. Throws UserError where there are none, where one is no linear
 * layer of the model's, and where PEFT refuses too.
 */
export function adaptedModules(
  config: ModelConfig,
  settings: PeftConfig,
  where: string,
): AdaptedModule[] {
  const linear = new Map(
    Array.from({ length: config.layerCount }, (_, layer) =>
      TARGET_NAMES.map((target) => [modulePath(layer, target), { layer, target }] as const),
    ).flat(),
  );
  const names = moduleNames(config, [...linear.keys()]);
  const excluded = named(settings.exclude_modules ?? [], names, `${where}: exclude_modules`);
  const chosen = targeted(settings, names, [...linear.keys()], where).filter(
    (name) => !excluded.has(name),
  );
  const other = chosen.find((name) => !linear.has(name));
  if (other !== undefined)
    throw new UserError(
      `${where}: target_modules takes in ${other}; adapters can be had of the layers' ${TARGET_NAMES.join(", ")} only.`,
    );
  if (chosen.length === 0)
    throw new UserError(
      `${where}: target_modules ${JSON.stringify(settings.target_modules).slice(0, 100)}, with what is excluded, names no module of this model; it has ${TARGET_NAMES.join(", ")}.`,
    );
  const { rank_pattern: ranks, alpha_pattern: alphas } = settings;
  const rankOf = patternValues(ranks ?? {}, chosen, `${where}: rank_pattern`);
  const alphaOf = patternValues(alphas ?? {}, chosen, `${where}: alpha_pattern`);
  return chosen.map((path) => ({
    path,
    ...linear.get(path)!,
    rank: rankOf.get(path) ?? settings.r,
    alpha: alphaOf.get(path) ?? settings.lora_alpha,
  }));
}

/** The names of all modules of transformers' LlamaForCausalLM and Qwen2ForCausalLM. */
function moduleNames({ layerCount }: ModelConfig, linear: readonly string[]): string[] {
  const inLayer = "self_attn mlp mlp.act_fn input_layernorm post_attention_layernorm".split(" ");
  const layers = Array.from({ length: layerCount }, (_, layer) => `model.layers.${layer}`);
  return [
    ...linear,
    ..."model model.embed_tokens model.layers model.norm model.rotary_emb lm_head".split(" "),
    ...layers.flatMap((layer) => [layer, ...inLayer.map((name) => `${layer}.${name}`)]),
  ];
}

/** The names that a regular expression matches whole, or that a list names by the path or its end. */
function named(
  modules: string | readonly string[],
  names: readonly string[],
  where: string,
): Set<string> {
  if (modules.length === 0) return new Set();
  if (typeof modules === "string") {
    const [found] = matchNames([modules], "whole", names, where);
    return new Set(names.filter((_, i) => found[i].matches));
  }
  const listed = new Set(modules);
  return new Set(names.filter((name) => pathEnds(name).some((end) => listed.has(end))));
}

/** A module's path and every end of it: a.b.c, b.c, c. */
function pathEnds(name: string): string[] {
  const parts = name.split(".");
  return parts.map((_, i) => parts.slice(i).join("."));
}

function targeted(
  settings: PeftConfig,
  names: readonly string[],
  linear: readonly string[],
  where: string,
): string[] {
  const { layers_to_transform: layers, layers_pattern: pattern } = settings;
  const targets: string | readonly string[] = settings.target_modules ?? DEFAULT_TARGETS;
  const someLayers = layers !== undefined && layers !== null;
  if (typeof targets === "string" && (someLayers || pattern))
    throw new UserError(
      `${where}: layers_to_transform and layers_pattern go with a list of target_modules only.`,
    );
  if (pattern && pattern.length > 0 && !someLayers)
    throw new UserError(`${where}: layers_pattern needs layers_to_transform.`);
  if (typeof targets === "string" && targets.toLowerCase() === "all-linear") return [...linear];
  const found = named(targets, names, `${where}: target_modules`);
  const wanted = someLayers ? [layers].flat() : [];
  if (wanted.length === 0) return names.filter((name) => found.has(name));
  const layerOf = layerNumbers(pattern ?? [], names, `${where}: layers_pattern`);
  // A module that is named by its whole path is taken whatever its layer.
  return names.filter(
    (name, i) =>
      found.has(name) && (targets.includes(name) || wanted.includes(layerOf[i] ?? Number.NaN)),
  );
}

/** For each name the number of its layer, where it has one. */
function layerNumbers(
  pattern: string | readonly string[],
  names: readonly string[],
  where: string,
): (number | undefined)[] {
  const patterns = [pattern].flat().filter((own) => own !== "");
  const expressions =
    patterns.length === 0
      ? [String.raw`.*?\.[^.]*\.(?P<idx>\d+)\.`]
      : patterns.map((own) => String.raw`(?:^|.*?\.)${own}\.(?P<idx>\d+)\.`);
  const found = matchNames(expressions, "start", names, where);
  return names.map((_, i) => {
    const first = found.find((own) => own[i].matches)?.[i].idx;
    return first === undefined ? undefined : Number(first);
  });
}

/** By name, the value of the first pattern that matches its path or its end. */
function patternValues(
  patterns: Readonly<Record<string, number>>,
  names: readonly string[],
  where: string,
): Map<string, number> {
  const expressions = Object.keys(patterns).map((pattern) => String.raw`(.*\.)?(${pattern})`);
  const found = matchNames(expressions, "whole", names, where);
  return new Map(
    names.flatMap((name, i) => {
      const first = found.findIndex((own) => own[i].matches);
      return first < 0 ? [] : [[name, Object.values(patterns)[first]] as const];
    }),
  );
}
