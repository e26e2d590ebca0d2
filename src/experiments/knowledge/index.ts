/** Knowledge incorporation with a real model (paper, section 4.2, one passage). */
import type { Experiment } from "../../run/experiment";
import { planKnowledge } from "./plan";
import { runKnowledge } from "./run";
import { knowledgeVariantSchema, type KnowledgeVariant } from "./variant";

/** All that is to be known of the experiment. */
export const knowledge: Experiment<KnowledgeVariant> = {
  name: "knowledge",
  schema: knowledgeVariantSchema,
  run: runKnowledge,
  plan: planKnowledge,
  handsOut: true,
  // A run of passages may go on with more or fewer of them.
  whatMatters: (variant) => ({
    ...variant,
    description: undefined,
    data: { ...variant.data, count: undefined },
  }),
};
