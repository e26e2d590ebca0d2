/** Where the released material disagrees with itself or with the paper: found by comparing, and said plainly. */
import { passageAccuracies } from "./accuracy";
import paper from "./paper.json";
import type { ReleasedLog } from "./released";
import type { ReplaySummary } from "./summary";
import type { AccuracyRecord, BeforeRecord } from "./tables";
import { mean } from "../statistics/statistics";

const percent = (share: number): string => (100 * share).toFixed(1);

/** One sentence for each discrepancy. */
export function findDiscrepancies(
  summary: Omit<ReplaySummary, "discrepancies">,
  logs: ReadonlyMap<string, ReleasedLog>,
  training: readonly ReleasedLog[],
): string[] {
  return [
    ...beforeAdaptation(summary.before),
    ...notAsReleased([...summary.arms, ...summary.before]),
    ...notAsPrinted(summary.arms),
    ...pooledLogs(logs),
    ...trainingLogs(training),
    ...arcSubsets(summary.arcSubsets),
  ];
}

/** Reruns of one model at temperature 0 give mostly the same answers; another model gives fewer than half. */
const SAME_MODEL = 0.6;

function beforeAdaptation(records: readonly BeforeRecord[]): string[] {
  const range = (own: readonly BeforeRecord[]): string => {
    const values = own.map(({ accuracy }) => accuracy.value);
    return `${percent(Math.min(...values))} to ${percent(Math.max(...values))}`;
  };
  const shares = (own: readonly BeforeRecord[]): string =>
    own.map((row) => `${row.log} ${(100 * row.sameAnswersAsBase).toFixed(0)}%`).join(", ");
  const values = (own: readonly BeforeRecord[]): string =>
    own.map((row) => `${row.log} ${(100 * row.accuracy.value).toFixed(2)}`).join(", ");
  const reruns = records.filter((row) => row.sameAnswersAsBase >= SAME_MODEL);
  const others = records.filter((row) => row.sameAnswersAsBase < SAME_MODEL);
  return [
    `Before adaptation, the logs over the same questions have ${range(records)} of them right ` +
      `(${new Set(records.map(({ accuracy }) => accuracy.value.toFixed(4))).size} different values in ${records.length} logs). The paper's 32.7 is that of eval/base.`,
    `Among them, ${reruns.length} logs give mostly the same answers as eval/base (${shares(reruns)}), so they seem to be reruns of the untouched model, and yet their baselines differ: ` +
      `${values(reruns)}. That spread is serving and grading alone.`,
    ...(others.length > 0
      ? [
          `The other ${others.length} give fewer than half of the same answers (${shares(others)}): ${range(others)}. Those of rounds 1 and 2 seem to start from that ` +
            'round\'s model, so that their "baseline" is not the untouched one; why base_prompt-* differ cannot be told from the logs.',
        ]
      : []),
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
  const later: Readonly<Record<string, number>> = paper.promptsVersion2;
  return records
    .filter(
      ({ paper: printed, accuracy }) =>
        printed !== undefined && percent(printed) !== percent(accuracy.value),
    )
    .map(
      ({ arm, log, accuracy, paper: printed }) =>
        `${log} (${arm}): ${percent(accuracy.value)} from the log and its "overall", ${percent(printed as number)} in the paper` +
        `${later[arm] === undefined ? "" : `; version 2, as others quote it, prints ${percent(later[arm])}`}.`,
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
  const versions = Object.entries(paper.continuedPretrainingVersion2).map(
    ([arm, value]) => `${arm} ${percent(value)}`,
  );
  return [
    `Continued pretraining: version 1 of the paper prints what these logs give (LoRA); version 2 prints ${versions.join(", ")} for the same 200 passages, ` +
      "fully fine-tuned, and no logs of those runs are released. By version 1 GPT-4.1's data lose to round 2, by version 2 they win.",
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

function arcSubsets(subsets: ReplaySummary["arcSubsets"]): string[] {
  return subsets
    .filter(({ name, tasks }) => tasks !== paper.arcTasks[name])
    .map(
      ({ name, tasks }) =>
        `ARC: the released ${name} subset has ${tasks} tasks; the paper (appendix A.1) says ${paper.arcTasks[name]}.`,
    );
}
