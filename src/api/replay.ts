/**
 * SEAL's released logs read again: its accuracies with intervals, and how noisy its rewards are.
 *
 * @module seal-lab/replay
 */
export { runReplay } from "../replay/run";
export type { ReplayOptions } from "../replay/run";
export { readReplay } from "../replay/results";
export type { ReplayResults } from "../replay/results";
export { simulatePlan } from "../replay/noise";
export type { Plan as SelectionPlan } from "../replay/noise";
