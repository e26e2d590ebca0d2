/** The experiments by name. */
import { runArc } from "./arc";
import { runBiographies } from "./biographies";
import { runContinual } from "./continual";
import { runKnowledge } from "./knowledge";

/** What `experiment` in a variant may be, and what runs it. */
export const experiments = {
  knowledge: runKnowledge,
  biographies: runBiographies,
  continual: runContinual,
  arc: runArc,
} as const;
