/** Continued pretraining: one adapter for many passages (paper, table 2). */
import type { Experiment } from "../../run/experiment";
import { planPretraining } from "./plan";
import { runPretraining } from "./run";
import { pretrainingVariantSchema, type PretrainingVariant } from "./variant";

/** All that is to be known of the experiment. */
export const pretraining: Experiment<PretrainingVariant> = {
  name: "pretraining",
  schema: pretrainingVariantSchema,
  run: runPretraining,
  plan: planPretraining,
  handsOut: true,
};
