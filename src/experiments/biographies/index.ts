/** The whole of SEAL on the small world of biographies. */
import type { Experiment } from "../../run/experiment";
import { planBiographies } from "./plan";
import { runBiographies } from "./run";
import { biographiesVariantSchema, type BiographiesVariant } from "./variant";

/** All that is to be known of the experiment. */
export const biographies: Experiment<BiographiesVariant> = {
  name: "biographies",
  schema: biographiesVariantSchema,
  run: runBiographies,
  plan: planBiographies,
  handsOut: true,
  // A likeness of the knowledge experiment, whose results it stands beside.
  resultPrefix: "knowledge",
  severalProcesses: true,
};
