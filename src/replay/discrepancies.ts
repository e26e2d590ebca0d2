/** Where the released material disagrees with itself or with the paper: found by comparing, and said plainly. */
import { passageAccuracies } from "./accuracy";
import paper from "./paper.json";
import type { ReleasedLog } from "./released";
import type { ReplaySummary } from "./summary";
import type { AccuracyRecord } from "./tables";
import { mean } from "../statistics";

const percent = (share: number): string => (100 * share).toFixed(1);

/** One sentence for each discrepancy. */
export function findDiscrepancies(
  summary: Omit<ReplaySummary, "discrepancies">,
  logs: ReadonlyMap<string, ReleasedLog>,
  training: readonly ReleasedLog[],
): string[] {
  return [
    ...untouched(summary.untouched),
    ...notAsReleased([...summary.arms, ...summary.untouched]),
    ...notAsPrinted(summary.arms),
    ...pooledLogs(logs),
    ...trainingLogs(training),
    ...arcSubsets(summary.arcSubsets),
  ];
}

function untouched(records: readonly AccuracyRecord[]): string[] {
  const values = records.map(({ accuracy }) => accuracy.value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const distinct = new Set(values.map((value) => value.toFixed(4))).size;
  return [
    `The untouched model answers the same questions in ${records.length} logs and gets ${distinct} different ` +
      `accuracies, ${percent(low)} to ${percent(high)}. Nothing was trained: a difference between arms of about ` +
      `${percent(high - low)} points is within what serving and grading alone change. The paper's 32.7 is that of eval/base.`,
  ];
}

function notAsReleased(records: readonly AccuracyRecord[]): string[] {
  return records
    .filter(({ matchesReleased }) => !matchesReleased)
    .map(
      ({ arm, log, accuracy, released }) =>
        `${log} (${arm}): its verdicts give ${accuracy.value.toFixed(4)}, its "overall" says ${released}.`,
    );
}

function notAsPrinted(records: readonly AccuracyRecord[]): string[] {
  return records
    .filter(
      ({ paper: printed, accuracy }) =>
        printed !== undefined && percent(printed) !== percent(accuracy.value),
    )
    .map(
      ({ arm, log, accuracy, paper: printed }) =>
        `${log} (${arm}): ${percent(accuracy.value)} from the log, ${percent(printed as number)} in the paper.`,
    );
}

function pooledLogs(logs: ReadonlyMap<string, ReleasedLog>): string[] {
  const pooled = [...logs].flatMap(([name, log]) =>
    log.pooled ? [{ name, log, ...log.pooled }] : [],
  );
  if (pooled.length === 0) return [];
  const settings = pooled.map(
    ({ name, settings: own }) =>
      `${name}: learning rate ${String(own.lr)}, accumulation ${String(own.grad_accum_steps)}`,
  );
  const { version1, version2 } = paper.continuedPretraining;
  const versions = Object.entries(version2).map(
    ([arm, value]) =>
      `${arm} ${percent(version1[arm as keyof typeof version1])} -> ${percent(value)}`,
  );
  return [
    `Continued pretraining: the released logs are those of version 1 of the paper. Version 2 prints other numbers for the same 200 passages (${versions.join(", ")}), of which no logs are released. (${paper.otherTables})`,
    `Continued pretraining: the arms were not trained alike (${settings.join("; ")}).`,
    `Continued pretraining: "per_article" is keyed by title, so that the ${pooled[0].log.titles.length} passages leave ${pooled[0].articleKeys} entries; the numbers here come from the full lists of answers.`,
    ...pooled.flatMap(({ name, log }) =>
      log.released.adapter === log.released.baseline
        ? [
            `${name}: released accuracy before and after training is the same, ${log.released.adapter}.`,
          ]
        : [],
    ),
  ];
}

function trainingLogs(training: readonly ReleasedLog[]): string[] {
  return training.flatMap((log) => {
    if (log.adapter.length === 0) {
      return [
        `${log.name}: rewards are released, the answers behind them are not; its noise cannot be recomputed.`,
      ];
    }
    const value = mean(passageAccuracies(log.adapter));
    return Math.abs(value - log.released.adapter) < 5.1e-5
      ? []
      : [
          `${log.name}: its verdicts give a mean reward of ${value.toFixed(4)}, its "overall" says ${log.released.adapter}.`,
        ];
  });
}

/** The paper's section 4.1: 11 training and 8 evaluation tasks. */
const PAPER_TASKS: Readonly<Record<string, number>> = { training: 11, evaluation: 8 };

function arcSubsets(subsets: ReplaySummary["arcSubsets"]): string[] {
  return subsets.flatMap(({ name, tasks }) =>
    tasks === PAPER_TASKS[name]
      ? []
      : [
          `ARC: the released ${name} subset has ${tasks} tasks; the paper says ${PAPER_TASKS[name]}.`,
        ],
  );
}
