/** The experiments by name. */
import { runArc } from "./arc";
import { runBiographies } from "./biographies";
import { runContinual } from "./continual";
import { runKnowledge } from "./knowledge";
import { runPretraining } from "./pretraining";

/** What `experiment` in a variant may be, and what runs it. */
export const experiments = {
  knowledge: runKnowledge,
  biographies: runBiographies,
  continual: runContinual,
  pretraining: runPretraining,
  arc: runArc,
} as const;
