/** The experiments by name, and what plans them. */
import { runArc } from "./arc/run";
import { planArc } from "./arc/plan";
import { runBiographies } from "./biographies/run";
import { runContinual } from "./continual/run";
import { runKnowledge } from "./knowledge/run";
import { planBiographies, planKnowledge } from "./knowledge/plan";
import { planContinual, planPretraining } from "./lessons/plan";
import type { Workload } from "../run/plan";
import { runPretraining } from "./pretraining/run";

/** What `experiment` in a variant may be, and what runs it. */
export const experiments = {
  knowledge: runKnowledge,
  biographies: runBiographies,
  continual: runContinual,
  pretraining: runPretraining,
  arc: runArc,
} as const;

/** The kinds whose inner loops go to the context's executor: other processes, a queue or a server may take them. */
export const handedOut: readonly (keyof typeof experiments)[] = [
  "knowledge",
  "biographies",
  "pretraining",
  "arc",
];

/** What each kind of experiment would do, for `--plan`: one function a kind. */
export const planners = {
  knowledge: planKnowledge,
  biographies: planBiographies,
  continual: planContinual,
  pretraining: planPretraining,
  arc: planArc,
} as const satisfies Partial<
  Record<keyof typeof experiments, (variant: never) => Promise<Workload>>
>;
