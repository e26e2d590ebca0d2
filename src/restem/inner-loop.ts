/**
 * The inner loop for many candidates: train an adapter on each one's sequences, answer its questions with it, judge.
 * What the sequences and questions are is the task's business.
 */
import type { CandidateStatus } from "./select";
import { accuracy, type Verdict } from "../judge/verdict";
import { generateGroups, type Prompt } from "../lora/generate";
import type { LoraSettings } from "../lora/settings";
import { trainAdapters, type Sequence } from "../lora/train";
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
  /** Called after each group with the number of candidates finished. */
  readonly onGroup?: (finished: number) => void;
}

/** Runs every candidate, `concurrency` at a time, in order. Trained and untrained candidates do not mix. */
export async function runInnerLoop(
  model: Model,
  candidates: readonly InnerLoopCandidate[],
  options: InnerLoopOptions,
): Promise<InnerLoopResult[]> {
  const results: InnerLoopResult[] = [];
  for (let start = 0; start < candidates.length; start += options.concurrency) {
    const group = candidates.slice(start, start + options.concurrency);
    results.push(...(await runGroup(model, group, options)));
    options.onGroup?.(group.length);
  }
  return results;
}

async function runGroup(
  model: Model,
  group: readonly InnerLoopCandidate[],
  options: InnerLoopOptions,
): Promise<InnerLoopResult[]> {
  const places = group.map((_, i) => i);
  const trained = places.filter((i) => (group[i].sequences?.length ?? 0) > 0);
  const started = performance.now();
  const training = await trainAdapters(
    model,
    trained.map((i) => ({
      sequences: group[i].sequences ?? [],
      settings: group[i].settings ?? {},
    })),
    { concurrency: options.concurrency },
  );
  const resultOf = (i: number): TrainingResult | undefined => training[trained.indexOf(i)];
  const train = (performance.now() - started) / 1000 / group.length;
  const asked = places.filter((i) => !group[i].sequences || resultOf(i)?.status === "ok");
  const answerStart = performance.now();
  const texts = await generateGroups(
    model,
    asked.map((i) => {
      const adapter = resultOf(i)?.adapter;
      const prompts = group[i].questions.map(({ prompt }) => prompt);
      return { ...(adapter ? { adapter } : {}), prompts };
    }),
    {
      maximumTokens: options.answerTokens,
      batchRows: 8 * options.concurrency,
      ...(options.stop ? { stop: options.stop } : {}),
    },
  );
  const answer = (performance.now() - answerStart) / 1000 / group.length;
  return places.map((i) => {
    const answers = (texts[asked.indexOf(i)] ?? []).map(({ text }, q) => ({
      answer: text,
      verdict: group[i].questions[q].judge(text),
    }));
    return { ...summary(group[i], resultOf(i), answers), seconds: { train, answer } };
  });
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
            losses: result.losses,
            gradientNorms: result.gradientNorms,
            tokens: result.tokens,
          },
        }
      : {}),
  };
}
