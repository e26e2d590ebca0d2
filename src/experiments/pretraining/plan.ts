/** The workload of continued pretraining. What it takes of a machine is src/run/plan.ts's. */
import { stepCount } from "../../lora/plan";
import { trainingPass, type Workload } from "../../run/plan";
import { generation, lessonSize, ORACLE_TOKENS, rowTokens, type LessonSize } from "../lessons/size";
import { isRoundArm, type PretrainingArm, type PretrainingVariant } from "./variant";

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
    ...(rounds.fineTunings ? { fineTunings: rounds.fineTunings } : {}),
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
): Pick<Workload, "trainings" | "generations" | "tokens" | "passes" | "fineTunings"> {
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
    fineTunings: { count: fineTunings, steps: stepCount(passages * keep, fineTuning) },
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
