/** The workload of continual self-edits. What it takes of a machine is src/run/plan.ts's. */
import { trainingPass, type Workload } from "../../run/plan";
import { generation, lessonSize, ORACLE_TOKENS, rowTokens } from "../lessons/size";
import { isApart, type ContinualVariant } from "./variant";

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
