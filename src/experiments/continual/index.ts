/** Continual self-edits: one passage after another (paper, section 5). */
import type { Experiment } from "../../run/experiment";
import { planContinual } from "./plan";
import { runContinual } from "./run";
import { continualVariantSchema, type ContinualVariant } from "./variant";

/** All that is to be known of the experiment. */
export const continual: Experiment<ContinualVariant> = {
  name: "continual",
  schema: continualVariantSchema,
  run: runContinual,
  plan: planContinual,
  handsOut: false,
};
