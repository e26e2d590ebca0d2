/** Learning-rate schedules, as transformers' get_*_schedule_with_warmup. */
import type { TrainingSettings } from "./settings";

/** The rate of step `step` (from 0) of `total`. */
export function learningRateAt(
  settings: Pick<TrainingSettings, "learningRate" | "schedule" | "warmupSteps">,
  step: number,
  total: number,
): number {
  const { learningRate, schedule, warmupSteps } = settings;
  if (step < warmupSteps) return (learningRate * step) / Math.max(1, warmupSteps);
  const progress = (step - warmupSteps) / Math.max(1, total - warmupSteps);
  switch (schedule) {
    case "constant":
      return learningRate;
    case "linear":
      return learningRate * Math.max(0, 1 - progress);
    case "cosine":
      return learningRate * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
  }
}
