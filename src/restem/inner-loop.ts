/**
 * The inner loop for many candidates: train an adapter on each one's sequences, answer its questions with it, judge.
 * What the sequences and questions are is the task's business.
 */
import type { CandidateStatus } from "./select";
import { accuracy, type Verdict } from "../judge/verdict";
import { generateGroups, type Prompt } from "../lora/generate";
import type { LoraSettings } from "../lora/settings";
import type { Adapter } from "../lora/adapter";
import { trainAdapterGroups, type Sequence } from "../lora/train";
import type { TrainingResult } from "../lora/trainer";
import type { Model } from "../model/load";

/** A question and how its answer is judged. */
export interface InnerLoopQuestion {
  readonly prompt: Prompt;
  readonly judge: (answer: string) => Verdict;
}

/** What is trained, and asked afterwards. */
export interface InnerLoopCandidate {
  /** Absent: nothing is trained, the questions are answered by the model as it is. Empty: the self-edit did not parse. */
  readonly sequences?: readonly Sequence[];
  readonly settings?: Partial<LoraSettings>;
  readonly questions: readonly InnerLoopQuestion[];
}

/** How a candidate came out. Only "ok" has answers and a reward. */
export interface InnerLoopResult {
  readonly status: CandidateStatus;
  readonly reason?: string;
  /** Accuracy on the questions, in [0, 1]; absent where none was graded. */
  readonly reward?: number;
  readonly answers: readonly { readonly answer: string; readonly verdict: Verdict }[];
  readonly training?: Pick<TrainingResult, "losses" | "gradientNorms" | "tokens">;
  /** This candidate's share of its group's time. */
  readonly seconds: { readonly train: number; readonly answer: number };
}

/** Options of `runInnerLoop`. */
export interface InnerLoopOptions {
  /** Adapters trained and asked at once. */
  readonly concurrency: number;
  /** Most tokens of an answer. */
  readonly answerTokens: number;
  /** Texts that end an answer. */
  readonly stop?: readonly string[];
  /** Called after each group with the number of candidates finished in it. */
  readonly onGroup?: (finished: number) => void;
}

/** A candidate of a group, with what its training gave; nothing where there was none. */
interface Member {
  readonly index: number;
  readonly training?: TrainingResult;
}

/**
 * Runs every candidate, `concurrency` at a time, in order: first those without training, then those with. Groups are
 * made of candidates that come to an end alone, so that one's trouble changes nothing about the others, not a bit.
 */
export async function runInnerLoop(
  model: Model,
  candidates: readonly InnerLoopCandidate[],
  options: InnerLoopOptions,
): Promise<InnerLoopResult[]> {
  const results: InnerLoopResult[] = [];
  const finish = async (group: readonly Member[], train: number): Promise<void> => {
    const { answers, seconds } = await answerGroup(model, candidates, group, options);
    group.forEach(({ index, training }, i) => {
      const time = { train: train / group.length, answer: seconds / group.length };
      results[index] = { ...summary(candidates[index], training, answers[i]), seconds: time };
    });
    options.onGroup?.(group.length);
  };
  const places = [...candidates.keys()];
  const untrained = places.filter((i) => !candidates[i].sequences);
  for (let start = 0; start < untrained.length; start += options.concurrency)
    await finish(
      untrained.slice(start, start + options.concurrency).map((index) => ({ index })),
      0,
    );
  const trained = places.filter((i) => candidates[i].sequences);
  const jobs = trained.map((i) => ({
    sequences: candidates[i].sequences ?? [],
    settings: candidates[i].settings ?? {},
  }));
  let started = performance.now();
  const { concurrency } = options;
  for await (const group of trainAdapterGroups(model, jobs, { concurrency })) {
    const seconds = (performance.now() - started) / 1000;
    const members = group.map(({ index, result }) => ({ index: trained[index], training: result }));
    await finish(members, seconds);
    started = performance.now();
  }
  return results;
}

/** Answers to the questions of a group's candidates that can be asked; none for the others. */
async function answerGroup(
  model: Model,
  candidates: readonly InnerLoopCandidate[],
  group: readonly Member[],
  { answerTokens, concurrency, stop }: InnerLoopOptions,
): Promise<{ answers: InnerLoopResult["answers"][]; seconds: number }> {
  const started = performance.now();
  const asked = group.filter(({ training }) => !training || training.adapter);
  const texts = await generateGroups(
    model,
    asked.map(({ index, training }): { adapter?: Adapter; prompts: Prompt[] } => ({
      ...(training?.adapter ? { adapter: training.adapter } : {}),
      prompts: candidates[index].questions.map(({ prompt }) => prompt),
    })),
    {
      maximumTokens: answerTokens,
      batchRows: 8 * concurrency,
      ...(stop ? { stop } : {}),
    },
  );
  const answers = group.map((member) => {
    const given = texts[asked.indexOf(member)] ?? [];
    const { questions } = candidates[member.index];
    return given.map(({ text }, q) => ({ answer: text, verdict: questions[q].judge(text) }));
  });
  return { answers, seconds: (performance.now() - started) / 1000 };
}

function summary(
  candidate: InnerLoopCandidate,
  result: TrainingResult | undefined,
  answers: InnerLoopResult["answers"],
): Omit<InnerLoopResult, "seconds"> {
  if (candidate.sequences?.length === 0)
    return { status: "unparsable", reason: "the self-edit has no training sequence", answers: [] };
  const graded = accuracy(answers.map(({ verdict }) => verdict)).accuracy;
  return {
    status: result?.status ?? "ok",
    ...(result?.reason ? { reason: result.reason } : {}),
    ...(Number.isFinite(graded) ? { reward: graded } : {}),
    answers,
    ...(result
      ? {
          training: {
            // What diverged ends in NaN, which no journal can hold; the reason tells of it.
            losses: result.losses.filter(Number.isFinite),
            gradientNorms: result.gradientNorms.filter(Number.isFinite),
            tokens: result.tokens,
          },
        }
      : {}),
  };
}
