/** The workload of the experiments on lessons: continual self-edits and continued pretraining. What it takes is plan.ts's. */
import { attributes } from "../../tasks/biographies/words";
import type { ContinualVariant } from "../continual/variant";
import { isApart } from "../continual/variant";
import { BIOGRAPHY, measure, PROMPT_TOKENS, trainingPass } from "../knowledge/plan";
import type { LessonSettings, WritingSettings } from "./settings";
import type { Workload } from "../../run/plan";
import { isRoundArm, type PretrainingArm, type PretrainingVariant } from "../pretraining/variant";

/** Tokens of the small world's oracle: a statement of each fact. */
const ORACLE_TOKENS = 10 * attributes.length;

/** A lesson's mean size, in tokens. */
interface LessonSize {
  readonly passage: number;
  readonly questions: number;
  /** A question's prompt, and a self-edit's beside the passage. */
  readonly questionPrompt: number;
  readonly editPrompt: number;
}

async function lessonSize({ data }: Pick<LessonSettings, "data">): Promise<LessonSize> {
  if (data.source === "biographies")
    return {
      passage: BIOGRAPHY.passageTokens,
      questions: BIOGRAPHY.questions,
      questionPrompt: BIOGRAPHY.questionTokens,
      editPrompt: 0,
    };
  const { passages, questions, passageTokens } = await measure(data);
  return {
    passage: passageTokens,
    questions: questions / passages,
    questionPrompt: PROMPT_TOKENS,
    editPrompt: PROMPT_TOKENS,
  };
}

/** Writing self-edits and answering questions. */
function generation(
  size: LessonSize,
  { sampling }: Pick<WritingSettings, "sampling">,
  counts: { readonly edits: number; readonly answers: number; readonly answerTokens: number },
): Pick<Workload, "generations"> & { readonly generated: number; readonly prompts: number } {
  const { edits, answers, answerTokens } = counts;
  return {
    generations: edits + answers,
    generated: edits * sampling.maximumTokens + answers * answerTokens,
    prompts: edits * (size.passage + size.editPrompt) + answers * size.questionPrompt,
  };
}

/** Tokens of a row in training: a line where self-edits are split, else all of one; at least the passage. */
function rowTokens(size: LessonSize, editTokens: number, splitLines: boolean): number {
  return splitLines ? size.passage : Math.max(size.passage, editTokens);
}

/** The workload of continual self-edits. */
export async function planContinual(variant: ContinualVariant): Promise<Workload> {
  const { seeds, passages, arms, author, sampling, innerLoop, answers, splitLines } = variant;
  const size = await lessonSize(variant);
  const editTokens = author === "oracle" ? ORACLE_TOKENS : 1.25 * sampling.maximumTokens;
  const apart = arms.filter(isApart).length;
  // Those that train apart share their adapters.
  const trainings = seeds.length * passages * (arms.length - apart + Math.min(1, apart));
  const asked = passages + arms.length * ((passages * (passages + 1)) / 2);
  const { generations, generated, prompts } = generation(size, variant, {
    edits: author === "oracle" ? 0 : seeds.length * passages * sampling.count,
    answers: seeds.length * asked * size.questions,
    answerTokens: answers.maximumTokens,
  });
  return {
    model: variant.model,
    trainings,
    generations,
    tokens: {
      trained: trainings * innerLoop.epochs * (editTokens + size.passage),
      generated,
      prompts,
    },
    passes: [
      trainingPass(innerLoop, apart > 0 ? passages : 1, rowTokens(size, editTokens, splitLines)),
    ],
    weightSets: 2,
  };
}

/** The workload of continued pretraining. */
export async function planPretraining(variant: PretrainingVariant): Promise<Workload> {
  const { seeds, passages, arms, sampling, innerLoop, answers, splitLines, concurrency } = variant;
  const size = await lessonSize(variant);
  const editTokens = 1.25 * sampling.maximumTokens;
  // A self-edit's sequences end with the passage, each time.
  const ownEdits = sampling.count * (editTokens + size.passage);
  const perPassage: Readonly<Record<PretrainingArm, number>> = {
    untouched: 0,
    "passages only": size.passage,
    "passages only, matched steps": sampling.count * (editTokens / 10 + 1) * size.passage,
    "untrained self-edits": ownEdits,
    SEAL: ownEdits,
    "random selection": ownEdits,
    oracle: ORACLE_TOKENS + size.passage,
  };
  const together = passages.reduce((sum, count) => sum + count, 0);
  const trained = arms.reduce((sum, arm) => sum + perPassage[arm], 0);
  const untrained = arms.some((arm) => arm === "untrained self-edits" || arm.endsWith("steps"));
  const writers = (untrained ? 1 : 0) + arms.filter(isRoundArm).length;
  const { generations, generated, prompts } = generation(size, variant, {
    edits: seeds.length * writers * Math.max(...passages) * sampling.count,
    answers: seeds.length * together * arms.length * size.questions,
    answerTokens: answers.maximumTokens,
  });
  const rounds = roundsWorkload(variant, size);
  return {
    model: variant.model,
    trainings:
      seeds.length * passages.length * arms.filter((arm) => arm !== "untouched").length +
      rounds.trainings,
    generations: generations + rounds.generations,
    tokens: {
      trained: seeds.length * together * innerLoop.epochs * trained + rounds.tokens.trained,
      generated: generated + rounds.tokens.generated,
      prompts: prompts + rounds.tokens.prompts,
    },
    passes: [
      trainingPass(innerLoop, concurrency, rowTokens(size, editTokens, splitLines)),
      ...rounds.passes,
    ],
    weightSets: rounds.trainings > 0 ? 2 : 1,
  };
}

/** The rounds of ReST-EM before the arms that need them. */
function roundsWorkload(
  { seeds, arms, outerLoop, answers }: PretrainingVariant,
  size: LessonSize,
): Pick<Workload, "trainings" | "generations" | "tokens" | "passes"> {
  const lines = arms.filter(isRoundArm);
  if (!outerLoop || lines.length === 0)
    return {
      trainings: 0,
      generations: 0,
      tokens: { trained: 0, generated: 0, prompts: 0 },
      passes: [],
    };
  const { rounds, passages, sampling, rewardSeeds, innerLoop, fineTuning, keep } = outerLoop;
  const editTokens = 1.25 * sampling.maximumTokens;
  const fineTunings = seeds.length * lines.length * rounds;
  const edits = fineTunings * passages * sampling.count;
  const scored = lines.includes("SEAL") ? (edits / lines.length) * rewardSeeds : 0;
  const example = size.passage + size.editPrompt + sampling.maximumTokens;
  const { generations, generated, prompts } = generation(
    size,
    { sampling },
    { edits, answers: scored * size.questions, answerTokens: answers.maximumTokens },
  );
  return {
    trainings: scored + fineTunings,
    generations,
    tokens: {
      trained:
        scored * innerLoop.epochs * (editTokens + size.passage) +
        fineTunings * fineTuning.epochs * passages * keep * example,
      generated,
      prompts,
    },
    passes: [
      trainingPass(
        innerLoop,
        outerLoop.concurrency,
        rowTokens(size, editTokens, outerLoop.splitLines),
      ),
      trainingPass(fineTuning, 1, example),
    ],
  };
}
