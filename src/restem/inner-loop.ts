/**
 * The inner loop for many candidates: an adapter is trained on each one's sequences and answers its questions, here or
 * elsewhere (`group.ts`); the answers are judged here. What the sequences and questions are is the task's business.
 */
import { z } from "zod";
import type { CandidateStatus } from "./select";
import { accuracy, type Verdict } from "../judge/verdict";
import type { Prompt } from "../lora/generate";
import { functionOf } from "../lora/options";
import type { ChosenSettings } from "../full/settings";
import type { Sequence } from "../lora/train";
import type { TrainingResult } from "../lora/trainer";
import type { Model } from "../model/load";
import { checkData, strictObject } from "../schema/schema";
import {
  groupWorkSchema,
  inProcess,
  type Executor,
  type GroupResult,
  type GroupWork,
} from "./group";

/** A question and how its answer is judged. */
export interface InnerLoopQuestion {
  /** What the model is asked. */
  readonly prompt: Prompt;
  /** Says whether its answer is right. */
  readonly judge: (answer: string) => Verdict;
  /** The right answer, whose loss is measured where none are decoded. */
  readonly gold?: string;
}

/** What is trained, and asked afterwards. */
export interface InnerLoopCandidate {
  /** What is trained on. Absent: nothing, the questions are answered by the model as it is. Empty: the self-edit did not parse. */
  readonly sequences?: readonly Sequence[];
  /** Rank, rate, epochs and so on, each SEAL's unless told. */
  readonly settings?: ChosenSettings;
  /** Asked of the trained adapter. */
  readonly questions: readonly InnerLoopQuestion[];
}

/** How a candidate came out. Only "ok" has answers and a reward. */
export interface InnerLoopResult {
  /** How it ended. */
  readonly status: CandidateStatus;
  /** Why, where it is not "ok". */
  readonly reason?: string;
  /** Accuracy on the questions, in [0, 1]; absent where none was graded. */
  readonly reward?: number;
  /** In the questions' order. */
  readonly answers: readonly {
    /** What was answered. */
    readonly answer: string;
    /** What the judge says of it. */
    readonly verdict: Verdict;
  }[];
  /** Mean negative log-likelihood of each right answer's tokens in nats, where no answers are decoded. */
  readonly answerLosses?: readonly number[];
  /** What the training measured, where there was one. */
  readonly training?: Pick<TrainingResult, "losses" | "gradientNorms" | "tokens">;
  /** This candidate's share of its group's time, in seconds. */
  readonly seconds: {
    /** Training. */
    readonly train: number;
    /** Answering. */
    readonly answer: number;
  };
}

const innerLoopOptionsSchema = strictObject({
  /** Adapters trained and asked at once. */
  concurrency: groupWorkSchema.shape.concurrency,
  /** Most tokens of an answer. 0: none is decoded, the right answers' losses are measured instead. */
  answerTokens: groupWorkSchema.shape.answerTokens,
  /** Texts that end an answer; none unless told. */
  stop: groupWorkSchema.shape.stop,
  /** Called after each group with the number of candidates finished in it; nothing is called unless told. */
  onGroup: functionOf<(finished: number) => void>().optional(),
  /** Who trains and asks, this process unless told. */
  executor: z.custom<Executor>().optional(),
}).readonly();
/** Options of `runInnerLoop`. */
export interface InnerLoopOptions extends z.output<typeof innerLoopOptionsSchema> {}

const candidateSchema = z.strictObject({
  sequences: z.custom(Array.isArray, "must be a list").optional(),
  settings: z.unknown().optional(),
  questions: z.custom(Array.isArray, "must be a list"),
});

/**
 * Runs every candidate, `concurrency` at a time, and judges its answers. Results are in the candidates' order; what is
 * wrong with a candidate's own settings is its own trouble. Throws UserError for impossible options.
 */
export async function runInnerLoop(
  model: Model,
  candidates: readonly InnerLoopCandidate[],
  options: InnerLoopOptions,
): Promise<InnerLoopResult[]> {
  const where = "runInnerLoop";
  const {
    executor = inProcess,
    onGroup,
    ...how
  } = checkData(innerLoopOptionsSchema, options, where);
  candidates.forEach((one, c) => checkData(candidateSchema, one, `${where}: candidate ${c + 1}`));
  const work: GroupWork = {
    candidates: candidates.map(({ sequences, settings = {}, questions }) => ({
      ...(sequences ? { sequences } : {}),
      settings,
      prompts: questions.map(({ prompt }) => prompt),
      ...(how.answerTokens === 0 ? { gold: questions.map(goldOf) } : {}),
    })),
    ...how,
  };
  const results = await executor.execute(model, work, onGroup);
  return results.candidates.map((result, i) => judged(candidates[i], result));
}

function goldOf({ gold }: InnerLoopQuestion): string {
  if (gold === undefined) throw new Error("a question without a right answer has no loss");
  return gold;
}

function judged(
  { questions }: InnerLoopCandidate,
  {
    status,
    reason,
    answers: texts,
    answerLosses,
    training,
    seconds,
  }: GroupResult["candidates"][number],
): InnerLoopResult {
  const answers = texts.map((answer, q) => ({ answer, verdict: questions[q].judge(answer) }));
  const graded = accuracy(answers.map(({ verdict }) => verdict)).accuracy;
  return {
    status,
    ...(reason ? { reason } : {}),
    ...(Number.isFinite(graded) ? { reward: graded } : {}),
    answers,
    ...(answerLosses ? { answerLosses } : {}),
    ...(training ? { training } : {}),
    seconds,
  };
}
