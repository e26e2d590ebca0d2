/** The workload of the outer loop on the small world. What it takes of a machine is src/run/plan.ts's. */
import { stepCount } from "../../lora/plan";
import { trainingPass, type Workload } from "../../run/plan";
import { BIOGRAPHY } from "../lessons/size";
import { candidatesPerSeed } from "./run";
import { roundLines, type BiographiesVariant } from "./variant";

/** The workload of a variant on the small world. */
export function planBiographies(variant: BiographiesVariant): Promise<Workload> {
  const { seeds, people, rounds, sampling, innerLoop, fineTuning } = variant;
  const candidates = seeds.length * candidatesPerSeed(variant);
  const untrained = seeds.length * 2 * people.heldOut;
  const lines = roundLines(variant).length;
  const fineTunings = seeds.length * lines * rounds;
  const perSeed =
    rounds * lines * (people.train * sampling.count + people.heldOut * variant.evaluationSamples) +
    people.heldOut * variant.evaluationSamples;
  const selfEdits = seeds.length * perSeed;
  const answered = candidates * BIOGRAPHY.questions;
  const sequence = 1.25 * sampling.maximumTokens + BIOGRAPHY.passageTokens;
  const example = BIOGRAPHY.passageTokens + sampling.maximumTokens;
  return Promise.resolve({
    model: variant.model,
    trainings: candidates - untrained + fineTunings,
    generations: selfEdits + answered,
    tokens: {
      trained:
        innerLoop.epochs * (candidates - untrained) * sequence +
        fineTunings * fineTuning.epochs * people.train * variant.keep * example,
      generated: selfEdits * sampling.maximumTokens + answered * BIOGRAPHY.answerTokens,
      prompts: selfEdits * BIOGRAPHY.passageTokens + answered * BIOGRAPHY.questionTokens,
    },
    ...(fineTunings > 0
      ? {
          fineTunings: {
            count: fineTunings,
            steps: stepCount(people.train * variant.keep, fineTuning),
          },
        }
      : {}),
    passes: [
      trainingPass(innerLoop, variant.concurrency, BIOGRAPHY.passageTokens),
      trainingPass(fineTuning, 1, example),
    ],
    weightSets: 2,
  });
}
