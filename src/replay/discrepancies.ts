/** Where the released material disagrees with itself or with the paper: found by comparing, and said plainly. */
import { mean } from "../statistics/statistics";
import { passageAccuracies } from "./accuracy";
import paper from "./paper.json";
import type { AccuracyRecord, BeforeRecord } from "./records";
import type { ReleasedLog } from "./released";
import type { ReplaySummary } from "./summary";
import { sameCandidates } from "./predictors";
import { isPooled } from "./tables";

const percent = (share: number): string => (100 * share).toFixed(1);

/** The logs of training passages: with rewards, and with a rubric's marks. */
interface TrainingLogs {
  readonly training: readonly ReleasedLog[];
  readonly rubrics: readonly ReleasedLog[];
}

/** One sentence for each discrepancy. */
export function findDiscrepancies(
  summary: Omit<ReplaySummary, "discrepancies">,
  logs: ReadonlyMap<string, ReleasedLog>,
  { training, rubrics }: TrainingLogs,
): string[] {
  return [
    ...beforeAdaptation(summary.before),
    ...notAsReleased([...summary.arms, ...summary.before]),
    ...notAsPrinted(summary.arms),
    ...pretrainingLogs(summary.arms, logs),
    ...unansweredLogs(logs),
    ...trainingLogs(training),
    ...evaluationInTraining(training, logs),
    ...unmatchedRubrics(rubrics, training),
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
    `Before adaptation, the logs of Qwen2.5-7B over the same questions have ${range(records)} of them right ` +
      `(${new Set(records.map(({ accuracy }) => accuracy.value.toFixed(4))).size} different values in ${records.length} logs). The paper's 32.7 is that of eval/base.`,
    `Among them, ${reruns.length} logs give mostly the same answers as eval/base (${shares(reruns)}), so they seem to be reruns of the untouched model, and yet their baselines differ: ` +
      `${values(reruns)}. That spread is serving and grading alone.`,
    ...(others.length > 0
      ? [
          `The other ${others.length} give ${shareRange(others)} of the same answers (\`accuracy.json\`): ${range(others)}. Those of rounds 1 and 2 seem to start from that ` +
            'round\'s model, so that their "baseline" is not the untouched one; why those of the untouched model differ cannot be told from the logs.',
        ]
      : []),
  ];
}

/** "26% to 43%". */
function shareRange(records: readonly BeforeRecord[]): string {
  const shares = records.map(({ sameAnswersAsBase }) => 100 * sameAnswersAsBase);
  return `${Math.min(...shares).toFixed(0)}% to ${Math.max(...shares).toFixed(0)}%`;
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

/** LoRA by CPT.py, printed in version 1, and full fine-tuning by CPT_fullFT.py, printed in version 2. */
function pretrainingLogs(
  arms: readonly AccuracyRecord[],
  logs: ReadonlyMap<string, ReleasedLog>,
): string[] {
  const adapters = [...logs].flatMap(([name, log]) =>
    log.pretraining?.articleKeys === undefined ? [] : [{ name, log, ...log.pretraining }],
  );
  if (adapters.length === 0) return [];
  const settings = adapters.map(
    ({ name, settings: own }) =>
      `${name}: learning rate ${String(own.lr)}, accumulation ${String(own.grad_accum_steps)}`,
  );
  const [first] = adapters;
  return [
    printedVersions(arms),
    `Continued pretraining with adapters: the arms were not trained alike (${settings.join("; ")}).`,
    ...sequencesOf(logs),
    `Continued pretraining with adapters: "per_article" is keyed by title, so that the ${first.log.titles.length} passages leave ${first.articleKeys} entries; the numbers here come from the full lists of answers.`,
    ...adapters.flatMap(({ name, log }) =>
      log.released.adapter === log.released.baseline
        ? [
            `${name}: released accuracy before and after training is the same, ${log.released.adapter}.`,
          ]
        : [],
    ),
  ];
}

function printedVersions(arms: readonly AccuracyRecord[]): string {
  const versions = Object.entries(paper.continuedPretrainingVersion2).map(
    ([arm, value]) => `${arm} ${percent(value)}`,
  );
  const full = arms.filter(
    ({ table, paper: printed }) =>
      isPooled(table) && table !== "continued pretraining" && printed !== undefined,
  );
  const same = full.filter((arm) => percent(arm.paper ?? NaN) === percent(arm.accuracy.value));
  return (
    `Continued pretraining: version 1 of the paper prints the adapters' (LoRA), version 2 prints ${versions.join(", ")} for the same 200 passages, ` +
    "fully fine-tuned. " +
    (full.length > 0
      ? `The later release has the logs of those runs: ${same.length} of ${full.length} give the printed number, over 500 of the 974 questions. `
      : "The logs of those runs are not among these files. ") +
    "By version 1 GPT-4.1's data lose to round 2, by version 2 they win."
  );
}

/** Both scripts were given the same five texts a passage; one repeats the passage with each of them. */
function sequencesOf(logs: ReadonlyMap<string, ReleasedLog>): string[] {
  const [adapters, full] = ["cpt/cpt_base", "cpt-200/base_200"].map(
    (name) => logs.get(name)?.pretraining?.sequences,
  );
  return adapters === undefined || full === undefined
    ? []
    : [
        `Continued pretraining: of the same texts, adapters were trained on ${adapters} sequences (each text brings its passage again), full fine-tuning on ${full} (the passage once).`,
      ];
}

/** What extract_final_answer of the later code leaves of an answer without its mark. */
const NO_FINAL_ANSWER = "idk";

function unansweredLogs(logs: ReadonlyMap<string, ReleasedLog>): string[] {
  return [...logs].flatMap(([name, { baseline, adapter }]) => {
    const [before, after] = [baseline, adapter].map(
      (rows) => rows.filter(({ answer }) => answer.trim() === NO_FINAL_ANSWER).length,
    );
    return after > adapter.length / 2
      ? [
          `${name}: ${after} of ${adapter.length} answers after training are "${NO_FINAL_ANSWER}" (${before} before): no final answer was found in what the model wrote, so that the number says little about what it knows.`,
        ]
      : [];
  });
}

/** Training rounds whose passages are the evaluation's. */
function evaluationInTraining(
  training: readonly ReleasedLog[],
  logs: ReadonlyMap<string, ReleasedLog>,
): string[] {
  const evaluation = new Set(logs.get("eval/base")?.contexts);
  return training.flatMap((log) => {
    const contexts = log.contexts ?? [];
    const shared = contexts.filter((context) => evaluation.has(context)).length;
    return shared === 0
      ? []
      : [
          `${log.name}: ${shared} of its ${contexts.length} passages are evaluation passages, with ${log.completions[0].length} candidate${log.completions[0].length > 1 ? "s" : ""} each; by its name it is what round 1 of that prompt was trained on.`,
        ];
  });
}

/** Rubrics whose candidates have no trained reward. */
function unmatchedRubrics(
  rubrics: readonly ReleasedLog[],
  training: readonly ReleasedLog[],
): string[] {
  return rubrics
    .filter((rubric) => !training.some((log) => sameCandidates(log, rubric)))
    .map(
      ({ name }) =>
        `${name}: no released log has rewards of its candidates; whether its marks foretell them cannot be told.`,
    );
}

function trainingLogs(training: readonly ReleasedLog[]): string[] {
  const lines = training.map(({ splitLines }) => splitLines);
  const whole = training.filter(({ splitLines }) => splitLines === false);
  const unlike = whole.map(
    ({ name }) =>
      `${name}: each self-edit was trained on as one sequence; in the other rounds each line was one.`,
  );
  return [...(lines.includes(true) ? unlike : []), ...training.flatMap(ownDiscrepancy)];
}

function ownDiscrepancy(log: ReleasedLog): string[] {
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
}

function arcSubsets(subsets: ReplaySummary["arcSubsets"]): string[] {
  return subsets
    .filter(({ name, tasks }) => tasks !== paper.arcTasks[name])
    .map(
      ({ name, tasks }) =>
        `ARC: the released ${name} subset has ${tasks} tasks; the paper (appendix A.1) says ${paper.arcTasks[name]}.`,
    );
}
