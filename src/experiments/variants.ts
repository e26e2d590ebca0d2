/** Variants: experiments as plain data, read, checked, planned and run. */
import { UserError } from "../messages/errors";
import { modelShape } from "../model/shape";
import type { AnyExperiment, AnyVariant } from "../run/experiment";
import { planWorkload, type Plan, type PlanOptions } from "../run/plan";
import { runExperiment, type RunOptions, type RunResult } from "../run/runner";
import { readVariantData } from "../run/variant";
import { checkData } from "../schema/schema";
import { experiments, type Variant } from "./registry";

/** Reads and checks a variant's file. `extends` names another file that is laid under it. Throws UserError. */
export async function readVariant(file: string): Promise<Variant> {
  return parseVariant(await readVariantData(file), file);
}

/** Checks a variant as plain data. Throws UserError that names the nearest known key for an unknown one. */
export function parseVariant(data: unknown, where = "variant"): Variant {
  return parseVariantOf(experiments, data, where) as Variant;
}

/** The same for a list of experiments of one's own. */
export function parseVariantOf(
  known: readonly AnyExperiment[],
  data: unknown,
  where = "variant",
): AnyVariant {
  const kind = (data as { experiment?: unknown } | null)?.experiment;
  const experiment = known.find(({ name }) => name === kind);
  if (!experiment)
    throw new UserError(
      `${where}: "experiment" must be one of ${known.map(({ name }) => name).join(", ")}.`,
    );
  return checkData(experiment.schema, data, where);
}

/** What a variant's run would take. Throws UserError where nothing can be said about its model's shape. */
export function planVariant(variant: Variant, options?: PlanOptions): Promise<Plan> {
  return planVariantOf(experiments, variant, options);
}

/** The same for a list of experiments of one's own. */
export async function planVariantOf(
  known: readonly AnyExperiment[],
  variant: AnyVariant,
  options: PlanOptions = {},
): Promise<Plan> {
  const workload = await experimentOf(known, variant).plan(variant as never);
  return planWorkload(variant.name, workload, await modelShape(workload.model), options);
}

/**
 * Runs a variant (a file's path, or checked data), resuming an unfinished run of it. It may be killed at any moment.
 * Throws a UserError where a run of this name with other settings is there, with what differs.
 */
export async function runVariant(
  variant: Variant | string,
  options?: RunOptions,
): Promise<RunResult> {
  const checked = typeof variant === "string" ? await readVariant(variant) : variant;
  return runVariantOf(experiments, checked, options);
}

/** The same for a list of experiments of one's own, and checked data. */
export async function runVariantOf(
  known: readonly AnyExperiment[],
  variant: AnyVariant,
  options: RunOptions = {},
): Promise<RunResult> {
  const experiment = experimentOf(known, variant);
  requireHandedOut(known, experiment, options);
  return runExperiment(experiment, variant, options);
}

/** Throws where work is to be done elsewhere and this kind of experiment does all of it in this process. */
function requireHandedOut(
  known: readonly AnyExperiment[],
  { name, handsOut }: AnyExperiment,
  { queue, server, processes = 1 }: RunOptions,
): void {
  const asked = queue ? "--queue" : server ? "--generate-at" : processes > 1 && "--processes";
  if (!asked || handsOut) return;
  const others = known.filter((one) => one.handsOut).map((one) => one.name);
  throw new UserError(
    `${asked}: the inner loops of an experiment of kind "${name}" cannot be handed out, only those of ${others.join(", ")}; leave it out.`,
  );
}

/** The experiment of a checked variant. */
function experimentOf(known: readonly AnyExperiment[], { experiment }: AnyVariant): AnyExperiment {
  const found = known.find(({ name }) => name === experiment);
  if (!found) throw new Error(`no experiment is called ${experiment}`);
  return found;
}
