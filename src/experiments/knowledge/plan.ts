/** The workload of knowledge incorporation with a real model. What it takes of a machine is src/run/plan.ts's. */
import { stepCount } from "../../lora/plan";
import { trainingPass, type Workload } from "../../run/plan";
import { measure, PROMPT_TOKENS, type Measure } from "../lessons/size";
import { candidateCount } from "./run";
import { knowledgeLines, type KnowledgeVariant } from "./variant";

/** The workload of a variant of the knowledge experiment. */
export async function planKnowledge(variant: KnowledgeVariant): Promise<Workload> {
  const { arms, seeds, sampling, innerLoop, outerLoop, answers } = variant;
  const own = await measure(variant.data);
  const training = await measureRounds(outerLoop);
  const lines = outerLoop ? knowledgeLines(outerLoop).length : 0;
  const counts = training.map(({ passages }) => passages);
  const candidates = candidateCount(variant, own.passages, counts);
  const untrained = arms.filter((arm) => arm === "untouched" || arm === "passage in context");
  const passageOnly = arms.includes("passage only") ? seeds.length * own.passages : 0;
  const trainings = candidates - untrained.length * own.passages;
  const fineTunings = seeds.length * lines * training.length;
  const learned = sum(counts);
  // In round 1 all lines have the same self-edits.
  const drawn = lines * learned - Math.max(0, lines - 1) * (counts[0] ?? 0);
  const selfEdits =
    (arms.includes("untrained self-edits") ? seeds.length * own.passages * sampling.count : 0) +
    seeds.length * drawn * sampling.count +
    fineTunings * own.passages * (outerLoop?.evaluationSamples ?? 0);
  const selfEditTokens = sampling.maximumTokens;
  // Each line of a self-edit gets the title before it.
  const editSequence = 1.25 * selfEditTokens + own.passageTokens;
  const trained =
    innerLoop.epochs * ((trainings - passageOnly) * editSequence + passageOnly * own.passageTokens);
  const example =
    Math.max(0, ...training.map(({ passageTokens }) => passageTokens)) +
    PROMPT_TOKENS +
    selfEditTokens;
  const fineTuned = outerLoop
    ? seeds.length * lines * outerLoop.fineTuning.epochs * learned * outerLoop.keep * example
    : 0;
  const steps = outerLoop
    ? stepCount(Math.max(...counts) * outerLoop.keep, outerLoop.fineTuning)
    : 0;
  const questions = own.questions / own.passages;
  const answered = candidates * questions;
  const inContext = arms.includes("passage in context") ? own.questions * own.passageTokens : 0;
  const row = variant.splitLines ? own.passageTokens : Math.max(own.passageTokens, selfEditTokens);
  return {
    model: variant.model,
    trainings: trainings + fineTunings,
    generations: selfEdits + answered,
    tokens: {
      trained: trained + fineTuned,
      generated: selfEdits * selfEditTokens + answered * answers.maximumTokens,
      prompts:
        selfEdits * (own.passageTokens + PROMPT_TOKENS) + answered * PROMPT_TOKENS + inContext,
    },
    ...(outerLoop ? { fineTunings: { count: fineTunings, steps } } : {}),
    passes: [
      trainingPass(innerLoop, variant.concurrency, row),
      ...(outerLoop ? [trainingPass(outerLoop.fineTuning, 1, example)] : []),
    ],
    weightSets: outerLoop ? 2 : 1,
  };
}

/** The training passages of each round. */
async function measureRounds(outerLoop: KnowledgeVariant["outerLoop"]): Promise<Measure[]> {
  if (!outerLoop) return [];
  const { data, rounds } = outerLoop;
  const measured = await Promise.all((Array.isArray(data) ? data : [data]).map(measure));
  return Array.from({ length: rounds }, (_, r) => measured[r % measured.length]);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
