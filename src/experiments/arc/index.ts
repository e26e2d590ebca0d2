/** Few-shot ARC: the model chooses how it is trained (paper, section 4.1). */
import type { Experiment } from "../../run/experiment";
import { planArc } from "./plan";
import { runArc } from "./run";
import { arcVariantSchema, type ArcVariant } from "./variant";

/** All that is to be known of the experiment. */
export const arc: Experiment<ArcVariant> = {
  name: "arc",
  schema: arcVariantSchema,
  run: runArc,
  plan: planArc,
  handsOut: true,
  severalProcesses: true,
};
