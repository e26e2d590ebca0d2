/** The part of the replay's README about the noise of the reward and better selection. */
import { interval, percent, signed, table } from "./markdown";
import { bestPlan, SEAL_RUNS } from "./noise";
import type { NoiseRecord } from "./summary";

/** What the noise of the reward leaves of best-of-K, and what other plans would gain; empty where no round has answers. */
export function noiseSection(noise: readonly NoiseRecord[]): string {
  if (noise.length === 0) return "";
  const last = noise[noise.length - 1];
  const best = bestPlan(last);
  const useless = last.plans
    .filter(
      ({ runs, versusBest }) => runs >= SEAL_RUNS - 1 && runs <= SEAL_RUNS && versusBest.value < 0,
    )
    .map(({ plan }) => plan);
  return [
    "## The noise of the reward, and better selection",
    table(
      [
        "round",
        "passages",
        "true spread of candidates",
        "noise of one repeat",
        ...noise[0].heldOut.map(({ plan }) => plan),
      ],
      noise.map((record) => [
        record.name,
        String(record.passages),
        percent(record.deviationBetween),
        percent(record.deviationWithin),
        ...record.heldOut.map(({ gain }) => `${signed(gain.value)} (${interval(gain, signed)})`),
      ]),
    ),
    "Standard deviations and gains in points of accuracy; gains are over the mean candidate of the same passage. Candidates that tie count as drawn at random among them.",
    `What other ways to spend inner-loop runs would gain, by a normal model with the spread and noise of ${last.name} (simulation error about 0.05 points; the intervals count the sampling of passages):`,
    table(
      ["plan", "runs a passage", "expected gain", "against best of 5 by 3", "picks the truly best"],
      last.plans.map(({ plan, runs, gain, versusBest, picksBest }) => [
        plan,
        String(runs),
        `${signed(gain.value)} (${interval(gain, signed)})`,
        `${signed(versusBest.value)} (${interval(versusBest, signed)})`,
        percent(picksBest),
      ]),
    ),
    `**Best at no more than SEAL's ${SEAL_RUNS} runs: ${best.plan}**, expected gain ${signed(best.gain.value)} points ` +
      `(95% ${interval(best.gain, signed)}), ${signed(best.versusBest.value)} (${interval(best.versusBest, signed)}) more than best of 5 by 3. ` +
      'As a selection rule (src/restem/select.ts): `{kind: "shrunk", count, variances}`, after each stage with the count of those to run again, ' +
      `at the end with 1; \`variances\` here: between ${(last.deviationBetween ** 2).toFixed(4)}, within ${(last.deviationWithin ** 2).toFixed(4)}. ` +
      "The gain is that of a fitted normal model. What was measured without one stands in the first table; for " +
      `${last.name}: ${last.heldOut
        .slice(1)
        .map(({ plan, runs, gain }) => `${plan} ${signed(gain.value)} with ${runs} runs`)
        .join("; ")}.`,
    "Where it does not help: shrinkage toward the passage's mean changes nothing when every candidate has equally many repeats " +
      "(the order within a passage stays the same); it matters only after halving, or to leave out passages whose candidates do not differ. " +
      (useless.length > 0
        ? `Worse than best of 5 by 3 at equal cost: ${useless.join(", ")}. `
        : "") +
      "Plans with more than 5 candidates need more self-edits to be sampled, which the released logs cannot check; the model takes them to be alike.",
  ].join("\n\n");
}
