/** The outer loop's two moves on the policy: sampling self-edits, and fine-tuning on the kept ones (ReST-EM, Singh et al. 2023). */
import { z } from "zod";
import { UserError } from "../messages/errors";
import { generateGroups, promptTokens, type Prompt } from "../lora/generate";
import type { Adapter } from "../lora/adapter";
import type { CheckpointOptions } from "../lora/checkpoint";
import { mergeWeights } from "../lora/merge";
import { functionOf, requireSome } from "../lora/options";
import { parseLoraSettings, type LoraSettings } from "../lora/settings";
import { completionSequence, trainAdapters, trainResumably } from "../lora/train";
import type { Model } from "../model/load";
import { checkData, strictObject } from "../schema/schema";
import type { Executor } from "./group";

const samplingSchema = strictObject({
  /** Self-edits for each prompt, K. */
  count: z.int().min(1).max(100_000),
  /** Divides the logits; 0 is greedy. */
  temperature: z.number().min(0).max(10),
  /** Samples among the likeliest tokens that together have this probability; 1 is all. */
  topP: z.number().gt(0).max(1),
  /** Most tokens of a self-edit. */
  maximumTokens: z.int().min(1).max(131_072),
  /** The tokens that may follow a self-edit's tokens so far (constrained decoding); any unless told. */
  allowed: functionOf<(tokens: readonly number[]) => readonly number[] | undefined>().optional(),
}).readonly();
/** How self-edits are drawn. */
export interface SelfEditSampling extends z.output<typeof samplingSchema> {}

/** K completions of each prompt, written here or where the executor writes. Throws UserError for impossible sampling and without prompts. */
export async function sampleSelfEdits(
  model: Model,
  prompts: readonly Prompt[],
  sampling: SelfEditSampling,
  seed: string,
  executor: Pick<Executor, "generate"> = {},
): Promise<string[][]> {
  const { count, ...drawing } = checkData(samplingSchema, sampling, "sampleSelfEdits");
  requireSome(prompts, "prompt", "sampleSelfEdits");
  const repeated = prompts.flatMap((prompt) => Array.from({ length: count }, () => prompt));
  const generateAnswers = executor.generate ?? generateGroups;
  const options = { ...drawing, seed, batchRows: 256 };
  const [generated] = await generateAnswers(model, [{ prompts: repeated }], options);
  return prompts.map((_, p) => generated.slice(p * count, (p + 1) * count).map(({ text }) => text));
}

/** A prompt and a self-edit worth writing for it. */
export interface PolicyExample {
  /** The request for a self-edit. */
  readonly prompt: Prompt;
  /** The self-edit. */
  readonly completion: string;
}

/** A model into whose weights adapters were merged: with them another machine makes the same weights. */
export interface PolicyModel extends Model {
  /** In the order in which they were merged. */
  readonly merged: readonly Adapter[];
}

/**
 * The adapters that were merged into a model's files' weights; none for a model as it was loaded. Throws UserError for a
 * model of which that is not all that was trained, as another process or machine could not have its weights.
 */
export function mergedAdapters(model: Model | PolicyModel): readonly Adapter[] {
  if (model.ownWeights)
    throw new UserError(
      `The weights of ${model.id} were trained in full, so only this process has them: run it without a queue, processes or a server.`,
    );
  return mergedSoFar(model);
}

function mergedSoFar(model: Model | PolicyModel): readonly Adapter[] {
  return "merged" in model ? model.merged : [];
}

/**
 * Supervised fine-tuning on the kept self-edits: a LoRA adapter, loss on the completion only, merged into new weights
 * (paper, appendix B.1). The old model stays the caller's; the new one's weights are its own. With a checkpoint, a
 * fine-tuning that was stopped goes on where it was. Throws UserError for impossible settings, without examples, and
 * where the training gave no adapter.
 */
export async function fineTunePolicy(
  model: Model,
  examples: readonly PolicyExample[],
  settings: Partial<LoraSettings>,
  checkpoint?: CheckpointOptions,
): Promise<PolicyModel> {
  requireSome(examples, "example", "fineTunePolicy");
  parseLoraSettings(settings, "fineTunePolicy: settings");
  const sequences = examples.map(({ prompt, completion }) =>
    completionSequence(model, promptTokens(model, prompt), completion),
  );
  const job = { sequences, settings };
  const result = checkpoint
    ? await trainResumably(model, job, checkpoint)
    : (await trainAdapters(model, [job]))[0];
  if (!result.adapter)
    throw new UserError(
      `Fine-tuning the policy ended as "${result.status}": ${result.reason ?? ""}`,
    );
  return {
    ...model,
    weights: mergeWeights(model.config, model.weights, result.adapter),
    merged: [...mergedSoFar(model), result.adapter],
  };
}
