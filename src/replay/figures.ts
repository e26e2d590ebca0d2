/** The replay's figures: rows in, Figure out. Drawing is in src/plot. */
import { figureBars, type Bar } from "../plot/bars";
import { percent, type Figure } from "../plot/figure";
import { figureForgetting } from "../plot/forgetting";
import { points, scaled, shortLog, SOURCE, SOURCE_7B } from "./figure-marks";
import {
  figureFullFineTuning,
  figureModels,
  figurePassages,
  figurePretrainingDifferences,
  figurePromptMatrix,
} from "./figures-pretraining";
import {
  figureLongest,
  figureRubric,
  figureWrittenLength,
  figureWrittenVariety,
} from "./figures-selfedits";
import { bestPlan, SEAL_RUNS } from "./noise";
import type { ReleasedLog } from "./released";
import type { ReplaySummary } from "./summary";
import { hasChoice } from "./predictors";
import type { AccuracyRecord } from "./records";
import type { TableName } from "./tables";

/** All figures that the summary has numbers for, by file name. */
export function replayFigures(
  summary: ReplaySummary,
  training: readonly ReleasedLog[],
): Record<string, Figure> {
  const has = (table: TableName): boolean => summary.arms.some((arm) => arm.table === table);
  const ofTable = (table: TableName): readonly AccuracyRecord[] =>
    summary.arms.filter((arm) => arm.table === table);
  const hasGroup = (wanted: string): boolean =>
    summary.differences.some(({ group }) => group === wanted);
  const candidates = training.find(hasChoice);
  const { rubric, length } = summary.predictors;
  const { changes } = summary.written;
  return {
    "knowledge-incorporation": figureReplayAccuracy(
      ofTable("single passage"),
      `One passage at a time${helped(summary) ? ": self-edits help, and two rounds of training help them" : ""}`,
    ),
    ...(hasGroup("single passage") && { differences: figureDifferences(summary) }),
    ...(has("prompts") && {
      prompts: figureReplayAccuracy(
        ofTable("prompts"),
        "Other prompts: accuracy by round of training",
      ),
    }),
    ...((has("prompts") || has("GPT-4.1")) && { "prompt-matrix": figurePromptMatrix(summary) }),
    ...(has("3B") && { models: figureModels(summary) }),
    ...(has("continued pretraining") && {
      "continued-pretraining": figureReplayAccuracy(
        ofTable("continued pretraining"),
        "Continued pretraining on 200 passages at once, with adapters",
      ),
    }),
    ...(has("full fine-tuning, 200 passages") && {
      "full-fine-tuning": figureFullFineTuning(summary),
    }),
    ...(has("full fine-tuning, 2067 passages") && { passages: figurePassages(summary) }),
    ...(hasGroup("continued pretraining") && {
      "pretraining-differences": figurePretrainingDifferences(summary),
    }),
    "before-adaptation": figureBefore(summary),
    ...(summary.continual && { continual: figureContinual(summary.continual) }),
    ...(summary.noise.length > 0 && {
      "reward-noise": figureRewardNoise(summary),
      "selection-plans": figurePlans(summary),
    }),
    ...(candidates && { candidates: figureCandidates(candidates) }),
    ...(rubric.length > 0 && { rubric: figureRubric(summary) }),
    ...(length.length > 0 && { longest: figureLongest(summary) }),
    ...(changes.length > 0 && { "written-length": figureWrittenLength(summary) }),
    ...(changes.some(({ trigrams }) => trigrams) && {
      "written-variety": figureWrittenVariety(summary),
    }),
    "judge-agreement": figureJudgeAgreement(summary),
    "judge-arms": figureJudgeArms(summary),
  };
}

/** Whether self-edits beat the passage, and two rounds of training the untrained ones, beyond chance. */
function helped({ differences }: ReplaySummary): boolean {
  const clear = (arm: string, minus: string): boolean =>
    differences.some(
      (row) => row.arm === arm && row.minus === minus && row.clear && row.difference.value > 0,
    );
  return clear("untrained self-edits", "passage only") && clear("round 2", "untrained self-edits");
}

/** Accuracy of each arm with the paper's value as a hollow diamond. */
export function figureReplayAccuracy(rows: readonly AccuracyRecord[], title: string): Figure {
  return figureBars(
    rows.map((row): Bar => ({
      label: row.arm,
      value: 100 * row.accuracy.value,
      interval: scaled(row.accuracy),
      ...(row.paper !== undefined && { reference: 100 * row.paper }),
    })),
    {
      title,
      note: `${SOURCE_7B} Lines: 95% intervals from resampling passages. Diamonds: the paper, version 1.`,
      axisTitle: "Questions answered correctly (%)",
      format: (value) => percent(value / 100),
      referenceLabel: "paper",
      largest: 100,
    },
  );
}

/** Paired differences of the main table's arms. */
export function figureDifferences(summary: ReplaySummary): Figure {
  const rows = summary.differences.filter(({ group }) => group === "single passage");
  const beats = rows.find(({ minus }) => minus === "GPT-4.1 data");
  return figureBars(
    rows.map((row) => ({
      label: `${row.arm} − ${row.minus}`,
      value: 100 * row.difference.value,
      interval: scaled(row.byArticle),
    })),
    {
      title:
        beats && !beats.clear
          ? `${helped(summary) ? "Two rounds gain; round" : "Round"} 2 and GPT-4.1's data cannot be told apart`
          : "Which differences between arms are larger than chance",
      note: `${SOURCE_7B} Paired by passage; lines: 95% intervals from resampling whole articles.`,
      axisTitle: "Difference in accuracy (points)",
      format: points,
      marks: "points",
    },
  );
}

/** The accuracy before adaptation in every log. */
export function figureBefore({ before }: ReplaySummary): Figure {
  const values = new Set(before.map(({ accuracy }) => accuracy.value.toFixed(4))).size;
  return figureBars(
    before.map((row) => ({
      label: `${shortLog(row.log)} (${(100 * row.sameAnswersAsBase).toFixed(0)}%)`,
      value: 100 * row.accuracy.value,
    })),
    {
      title: `Before adaptation: the same questions, ${values} different numbers in ${before.length} logs`,
      note: `${SOURCE_7B} In brackets: share of answers that are those of eval/base. Few: another model (a later round's) or another way of serving it.`,
      axisTitle: "Questions answered correctly (%)",
      format: (value) => percent(value / 100),
      marks: "points",
      largest: 100,
    },
  );
}

/** The continual matrix: accuracy on each dataset after each update. */
export function figureContinual({
  accuracy,
  sequences,
  learned,
  forgotten,
}: NonNullable<ReplaySummary["continual"]>): Figure {
  const fading =
    learned.every((gain) => gain > 0) && forgotten.slice(0, -1).every((loss) => loss > 0);
  return figureForgetting(accuracy, {
    title: fading
      ? "Every update teaches its own passage, and earlier ones fade"
      : "Accuracy on each passage after each update",
    note: `${SOURCE_7B} Mean accuracy over ${sequences} sequences (%).`,
  });
}

/** What best-of-K seems to gain, and what it gains on repeats that did not choose. */
export function figureRewardNoise({ noise }: ReplaySummary): Figure {
  const record = noise[noise.length - 1];
  const bars = record.heldOut.map(({ plan, runs, gain }) => ({
    label: `${plan} (${runs} runs)`,
    value: 100 * gain.value,
    interval: scaled(gain),
  }));
  const [same, ...heldOut] = record.heldOut;
  const real = Math.max(...heldOut.map(({ gain }) => gain.value)) / same.gain.value;
  return figureBars(bars, {
    title:
      same.gain.value > 0
        ? `Of what best-of-5 seems to gain, at most ${percent(real)} is there in repeats that did not choose`
        : "What best-of-5 gains, in repeats that chose and in others",
    note: `${SOURCE} From ${record.name}, ${record.passages} passages: gain over the mean candidate of the same passage, 95% intervals.`,
    axisTitle: "Gain in accuracy (points)",
    format: points,
  });
}

/** Expected gains of plans that spend inner-loop runs in other ways. */
export function figurePlans({ noise }: ReplaySummary): Figure {
  const record = noise[noise.length - 1];
  const best = bestPlan(record);
  return figureBars(
    record.plans.map(({ plan, runs, gain }) => ({
      label: `${plan} (${runs} runs)`,
      value: 100 * gain.value,
      interval: scaled(gain),
    })),
    {
      title: `At most ${SEAL_RUNS} runs a passage: ${best.plan.split(" (")[0]} gains the most`,
      note: `Simulated from the noise and spread fitted to ${record.name} (${record.passages} passages); 95% intervals over passages.`,
      axisTitle: "Expected gain over a random candidate (points)",
      format: points,
    },
  );
}

/** Rewards of the best, mean and worst candidate, averaged over passages in fifths of passage difficulty. */
export function figureCandidates(log: ReleasedLog): Figure {
  const passages = log.completions
    .map((own) => own.map(({ mean }) => mean))
    .sort((a, b) => Math.max(...a) - Math.max(...b));
  const average = (values: readonly number[]): number =>
    values.reduce((sum, v) => sum + v, 0) / values.length;
  const ranks = passages[0].map((_, rank) =>
    average(passages.map((own) => [...own].sort((a, b) => b - a)[rank])),
  );
  return figureBars(
    ranks.map((value, rank) => ({ label: `candidate ranked ${rank + 1}`, value: 100 * value })),
    {
      title: `Mean reward of the ${ranks.length} candidates, by their rank within a passage`,
      note: `${SOURCE} ${log.name}: ${passages.length} passages, reward: mean accuracy of 3 repeats. Includes the luck of the draw.`,
      axisTitle: "Mean reward (%)",
      format: (value) => percent(value / 100),
      largest: 100,
    },
  );
}

/** Agreement of the local judge with GPT-4.1, log by log, a simple rule beside it. */
export function figureJudgeAgreement({ judge }: ReplaySummary): Figure {
  return figureBars(
    judge.logs.map(({ log, fitted, all }) => ({
      label: `${shortLog(log)}${fitted ? " (in part fitted)" : ""}`,
      value: 100 * (1 - all.local.agreement),
      reference: 100 * (1 - all["contains gold"].agreement),
    })),
    {
      title: "How often the local judge and a simple rule differ from GPT-4.1",
      note: "On all answers of the adapters. Diamonds: the rule that the answer must contain the gold answer.",
      axisTitle: "Verdicts that differ (%)",
      format: (value) => percent(value / 100),
      referenceLabel: "contains gold",
    },
  );
}

/** Each arm's accuracy by GPT-4.1 and by the local judge. */
export function figureJudgeArms({ judge }: ReplaySummary): Figure {
  const gaps = judge.logs.map(({ accuracy }) => Math.abs(accuracy.local - accuracy["GPT-4.1"]));
  return figureBars(
    judge.logs.map(({ log, accuracy }) => ({
      label: shortLog(log),
      value: 100 * accuracy.local,
      reference: 100 * accuracy["GPT-4.1"],
    })),
    {
      title: `The local judge gives each arm GPT-4.1's accuracy within ${(Math.ceil(1000 * Math.max(...gaps)) / 10).toFixed(1)} points`,
      note: `${SOURCE} Points: local judge. Diamonds: GPT-4.1. All by passage first, so that those of cpt differ a little from their table.`,
      axisTitle: "Questions answered correctly (%)",
      format: (value) => percent(value / 100),
      referenceLabel: "GPT-4.1",
      marks: "points",
      largest: 100,
    },
  );
}
