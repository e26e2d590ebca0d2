/**
 * SEAL's released logs read again: its accuracies with intervals, and how noisy its rewards are.
 *
 * @module seal-lab/replay
 */
export { runReplay } from "../replay/run";
export type { ReplayOptions } from "../replay/run";
export { readReplay } from "../replay/results";
export type { LoggedVerdicts, ReplayResults } from "../replay/results";
export type { NoiseRecord } from "../replay/summary";
export type { PredictorRecord } from "../replay/predictors";
export type { Variety, WrittenChange, WrittenRecord } from "../replay/written";
export type { Diversity } from "../selfedit/diversity";
export type { ContinualRecord } from "../replay/continual";
export type { Estimate } from "../replay/accuracy";
export { simulatePlan } from "../replay/noise";
export type { HeldOutGain } from "../replay/held-out";
export type { Plan as SelectionPlan, PlanGain, SimulatedGain, Stage } from "../replay/noise";
