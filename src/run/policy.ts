/** A round's fine-tuning as part of a run: resumable, and checked to be the same when it is made again. */
import type { LoraSettings } from "../lora/settings";
import type { Model } from "../model/load";
import { sha256OfWeights } from "../model/weights";
import { UserError } from "../messages/errors";
import { fineTunePolicy, type PolicyExample } from "../restem/policy";
import { checkpointOf, once, type ExperimentContext } from "./experiment";

/**
 * The policy fine-tuned on these examples; the old one stays the caller's. A policy is not stored: a resumed run makes it
 * again from the same self-edits (from its checkpoint, where that takes long). That it is the same, bit for bit, is made
 * sure of here, as everything after it depends on that. Throws UserError where it is not. The name is its place in the run.
 */
export async function learnPolicy(
  context: ExperimentContext,
  policy: Model,
  examples: readonly PolicyExample[],
  settings: Partial<LoraSettings>,
  name: string,
): Promise<Model> {
  const next = await fineTunePolicy(policy, examples, settings, checkpointOf(context, name));
  const sha256 = await sha256OfWeights(next.weights);
  const before = await once(context.journal, `${name}/policy`, () => Promise.resolve(sha256));
  if (before !== sha256)
    throw new UserError(
      `${name}/policy: made again, the policy is not the one of before; was the run begun on another machine?\nGo on there, or move the run's folder away to start anew.`,
    );
  context.log(`Policy ${name}: sha256 ${sha256}`);
  return next;
}
