/**
 * A group of inner-loop candidates as plain data: what is trained and asked, and what came of it. Whoever executes it
 * (this process, or a worker on another machine) knows nothing of judges; judging is `inner-loop.ts`'s work.
 */
import { z } from "zod";
import { isFull } from "../full/settings";
import { trainFullCandidate, type FullResult } from "../full/train";
import type { Adapter } from "../lora/adapter";
import { generateGroups, type GenerateOptions, type PromptGroup } from "../lora/generate";
import { answerLosses } from "../lora/score";
import { trainAdapterGroups } from "../lora/train";
import type { LoraSettings } from "../lora/settings";
import type { TrainingResult } from "../lora/trainer";
import { UserError } from "../messages/errors";
import { disposeModel, type Model } from "../model/load";

const text = z.string().max(16_000_000);
const tokenIds = z.array(z.int()).max(1_000_000).readonly();
const message = z.strictObject({ role: z.enum(["system", "user", "assistant"]), content: text });

const sequenceSchema = z.union([
  text,
  z.strictObject({ prompt: text, completion: text }),
  z.strictObject({ ids: tokenIds, lossFrom: z.int().optional(), padFrom: z.int().optional() }),
]);

const promptSchema = z.union([text, tokenIds, z.array(message).max(1000).readonly()]);

/** Settings may come from a self-edit: what is wrong with them is that candidate's trouble, found when it is trained. */
const settingSchema = z.union([
  z.number(),
  z.boolean(),
  z.string().max(200),
  z.array(z.string().max(200)).max(100),
]);

/** Schema of a group. */
export const groupWorkSchema = z.strictObject({
  candidates: z
    .array(
      z.strictObject({
        /** Absent: nothing is trained. Empty: the self-edit did not parse, nothing is trained or asked. */
        sequences: z.array(sequenceSchema).max(100_000).readonly().optional(),
        settings: z.record(z.string().max(100), settingSchema),
        prompts: z.array(promptSchema).max(100_000).readonly(),
        /** Right answers, one for each prompt; where they are given, their losses are measured. */
        gold: z.array(text).readonly().optional(),
      }),
    )
    .max(10_000)
    .readonly(),
  /** Adapters trained and asked at once. */
  concurrency: z.int().min(1).max(1000),
  /** Most tokens of an answer; with 0 none is decoded. */
  answerTokens: z.int().min(0).max(131_072),
  /** Texts that end an answer. */
  stop: z.array(z.string().min(1)).readonly().optional(),
});
/** What is trained and asked together. */
export type GroupWork = z.output<typeof groupWorkSchema>;

/** Schema of what came of a group. */
export const groupResultSchema = z.strictObject({
  candidates: z.array(
    z.strictObject({
      status: z.enum(["ok", "unparsable", "rejected", "diverged", "failed"]),
      reason: z.string().optional(),
      /** One for each prompt; empty unless the status is "ok" and answers were wanted. */
      answers: z.array(z.string()),
      /** Mean negative log-likelihood of each right answer's tokens in nats, where they were given. */
      answerLosses: z.array(z.number()).optional(),
      training: z
        .strictObject({
          losses: z.array(z.number()),
          gradientNorms: z.array(z.number()),
          tokens: z.int().min(0),
        })
        .optional(),
      /** This candidate's share of its group's time. */
      seconds: z.strictObject({ train: z.number().min(0), answer: z.number().min(0) }),
    }),
  ),
});
/** What came of a group, candidates in their order. */
export type GroupResult = z.output<typeof groupResultSchema>;
type CandidateResult = GroupResult["candidates"][number];

/** Continues the prompts of several adapters, or of none: [group][prompt]. */
export type GenerateAnswers = (
  model: Model,
  groups: readonly PromptGroup[],
  options: Omit<GenerateOptions, "adapter">,
) => Promise<readonly (readonly { readonly text: string }[])[]>;

/** Executes groups: in this process, or elsewhere. */
export interface Executor {
  /** Groups that may be given to it at once. */
  readonly groupsAtOnce: number;
  /** Continues prompts, where it does that elsewhere; absent: this process does. */
  readonly generate?: GenerateAnswers;
  /** Results in the candidates' order. `onFinished` is told how many candidates more are finished. */
  execute(
    model: Model,
    work: GroupWork,
    onFinished?: (candidates: number) => void,
  ): Promise<GroupResult>;
}

/** Executes groups in this process, one after the other. */
export const inProcess: Executor = {
  groupsAtOnce: 1,
  execute: (model, work, onFinished) => executeGroup(model, work, { onFinished }),
};

/** Options of `executeGroup`. */
export interface ExecuteOptions {
  readonly onFinished?: (candidates: number) => void;
  /** By this process's own model unless told. */
  readonly generateAnswers?: GenerateAnswers;
}

/** A candidate with what its training gave; nothing where there was none. */
interface Member {
  readonly index: number;
  readonly training?: TrainingResult | FullResult;
}

/**
 * Trains and asks every candidate, `concurrency` at a time: first those without training, then those with; those of whom
 * all weights are trained alone, last. What is trained together comes to an end alone, so that one's trouble changes
 * nothing about the others, not a bit. Throws UserError where other than this process would have to answer for a model
 * trained in full.
 */
export async function executeGroup(
  model: Model,
  work: GroupWork,
  options: ExecuteOptions = {},
): Promise<GroupResult> {
  const { candidates, concurrency } = work;
  const results: CandidateResult[] = [];
  const finish = async (group: readonly Member[], train: number, by = model): Promise<void> => {
    const started = performance.now();
    const asked = group.filter(canAnswer);
    const texts = work.answerTokens > 0 ? await answerGroup(by, work, asked, options) : [];
    const losses: (number[] | undefined)[] = [];
    for (const { index, training } of asked) {
      const { prompts, gold } = candidates[index];
      losses.push(gold && (await answerLosses(by, prompts, gold, adapterOf(training))));
    }
    const answer = (performance.now() - started) / 1000;
    const time = { train: train / group.length, answer: answer / group.length };
    group.forEach((member) => {
      const { index, training } = member;
      const at = asked.indexOf(member);
      const own = losses[at];
      results[index] = {
        ...outcome(candidates[index].sequences, training),
        answers: texts[at] ?? [],
        ...(own ? { answerLosses: own } : {}),
        seconds: time,
      };
    });
    options.onFinished?.(group.length);
  };
  const places = [...candidates.keys()];
  const untrained = places.filter((i) => !candidates[i].sequences);
  for (let start = 0; start < untrained.length; start += concurrency)
    await finish(
      untrained.slice(start, start + concurrency).map((index) => ({ index })),
      0,
    );
  const whole = places.filter((i) => candidates[i].sequences && isFull(candidates[i].settings));
  if (whole.length > 0 && options.generateAnswers)
    throw new UserError(
      'A server cannot answer for a model all of whose weights were trained: run "method": "full" without one.',
    );
  const trained = places.filter((i) => candidates[i].sequences && !isFull(candidates[i].settings));
  const jobs = trained.map((i) => ({
    sequences: candidates[i].sequences ?? [],
    // Checked where they are trained, each on its own.
    settings: candidates[i].settings as Partial<LoraSettings>,
  }));
  let started = performance.now();
  for await (const group of trainAdapterGroups(model, jobs, { concurrency })) {
    const seconds = (performance.now() - started) / 1000;
    const members = group.map(({ index, result }) => ({ index: trained[index], training: result }));
    await finish(members, seconds);
    started = performance.now();
  }
  for (const index of whole) {
    started = performance.now();
    const { sequences = [], settings } = candidates[index];
    const training = await trainFullCandidate(model, { sequences, settings });
    const seconds = (performance.now() - started) / 1000;
    try {
      await finish([{ index, training }], seconds, training.model);
    } finally {
      if (training.model) disposeModel(training.model);
    }
  }
  return { candidates: results };
}

/** Nothing was to be trained, or it was. */
function canAnswer({ training }: Member): boolean {
  return !training || training.status === "ok";
}

function adapterOf(training: Member["training"]): Adapter | undefined {
  return training && "adapter" in training ? training.adapter : undefined;
}

/** Decodes the answers of candidates that can be asked. */
async function answerGroup(
  model: Model,
  { candidates, concurrency, answerTokens, stop }: GroupWork,
  asked: readonly Member[],
  { generateAnswers = generateGroups }: ExecuteOptions,
): Promise<string[][]> {
  const filled = asked.filter(({ index }) => candidates[index].prompts.length > 0);
  if (filled.length === 0) return asked.map(() => []);
  const answers = await generateAnswers(
    model,
    filled.map(({ index, training }) => {
      const adapter = adapterOf(training);
      return { ...(adapter ? { adapter } : {}), prompts: candidates[index].prompts };
    }),
    {
      maximumTokens: answerTokens,
      batchRows: 8 * concurrency,
      ...(stop ? { stop } : {}),
    },
  );
  return asked.map((member) => (answers[filled.indexOf(member)] ?? []).map(({ text }) => text));
}

function outcome(
  sequences: readonly unknown[] | undefined,
  result: Member["training"],
): Omit<CandidateResult, "answers" | "seconds"> {
  if (sequences?.length === 0)
    return { status: "unparsable", reason: "the self-edit has no training sequence" };
  if (!result) return { status: "ok" };
  const { status, reason, losses, gradientNorms, tokens } = result;
  return {
    status,
    ...(reason ? { reason } : {}),
    // What diverged ends in NaN, which no journal can hold; the reason tells of it.
    training: {
      losses: losses.filter(Number.isFinite),
      gradientNorms: gradientNorms.filter(Number.isFinite),
      tokens,
    },
  };
}
