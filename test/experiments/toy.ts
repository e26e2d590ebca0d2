/** A toy experiment, as CONTRIBUTING.md describes one: the small world's model says words, and longer ones are better. */
import { z } from "zod";
import { generate } from "../../src/lora/generate";
import { figureBars } from "../../src/plot/bars";
import {
  once,
  type Experiment,
  type ExperimentContext,
  type Outcome,
} from "../../src/run/experiment";
import { strictObject } from "../../src/schema/schema";
import { seedsSchema, variantKeys } from "../../src/run/variant";
import { withModel } from "../../src/run/with-model";
import { mean } from "../../src/statistics/statistics";

/** variant.ts */
export const toyVariantSchema = strictObject({
  experiment: z.literal("toy"),
  ...variantKeys,
  model: z.string().min(1).default("tiny:biographies"),
  seeds: seedsSchema,
  /** Texts of each seed. */
  texts: z.int().min(1).max(10).default(2),
});
/** Its values. */
export type ToyVariant = z.output<typeof toyVariantSchema>;

/** run.ts: every seed's texts are journalled, so that a run that was stopped does not write them again. */
async function runToy(variant: ToyVariant, context: ExperimentContext): Promise<Outcome> {
  const { seeds, texts: count } = variant;
  const ahead = { label: "texts", total: seeds.length * count };
  return withModel(variant.model, context, ahead, async ({ model, progress, inputs }) => {
    const rollouts: { seed: number; text: string }[] = [];
    for (const seed of seeds) {
      const texts = await once(context.journal, `${seed}`, async () => {
        const prompts = Array.from({ length: count }, () => "<passage>");
        const options = { temperature: 1, maximumTokens: 4, seed };
        return (await generate(model, prompts, options)).map(({ text }) => text);
      });
      context.log(`seed ${seed}: ${texts.length} texts`);
      progress.advance(texts.length);
      rollouts.push(...texts.map((text) => ({ seed, text })));
    }
    return reportToy(variant, rollouts, inputs);
  });
}

/** report.ts */
function reportToy(
  { seeds }: ToyVariant,
  rollouts: readonly { readonly seed: number; readonly text: string }[],
  inputs: Outcome["inputs"],
): Outcome {
  const accuracy = mean(rollouts.map(({ text }) => (text.length > 8 ? 1 : 0)));
  const none = { ungraded: 0, unparsable: 0, diverged: 0 };
  return {
    rows: [{ arm: "as it is", round: 0, n: rollouts.length, accuracy, ci95: [0, 1], ...none }],
    seeds,
    inputs,
    paper: [],
    seconds: { generate: 0, train: 0, answer: 0 },
    rollouts,
    metrics: [],
    figures: {
      words: figureBars([{ label: "as it is", value: 100 * accuracy }], {
        title: "Long texts",
        axisTitle: "Share (%)",
        format: (value) => `${value.toFixed(0)}%`,
      }),
    },
    tables: {},
  };
}

/** index.ts */
export const toy: Experiment<ToyVariant> = {
  name: "toy",
  schema: toyVariantSchema,
  run: runToy,
  plan: async ({ model, seeds, texts }) => ({
    model,
    trainings: 0,
    generations: seeds.length * texts,
    tokens: { trained: 0, generated: 4 * seeds.length * texts, prompts: seeds.length * texts },
    passes: [],
    weightSets: 1,
  }),
  handsOut: false,
};
