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
export type { ContinualRecord } from "../replay/tables";
export type { Estimate } from "../replay/accuracy";
export { simulatePlan } from "../replay/noise";
export type { HeldOutGain, Plan as SelectionPlan, PlanGain, SimulatedGain } from "../replay/noise";
