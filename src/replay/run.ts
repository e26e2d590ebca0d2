/** The replay: SEAL's released logs in, tables, figures and a README out. Each part is computed elsewhere. */
import path from "node:path";
import { UserError } from "../messages/errors";
import { renderFigure } from "../plot/render";
import { rewardVariances } from "../restem/select";
import { sha256OfText, writeFileAtomic } from "../files/files";
import { repeatAccuracies } from "./accuracy";
import { articleRecords, rightAnswers, verdictStrings } from "./articles";
import { differences } from "./comparisons";
import { continualRecord } from "./continual";
import {
  hasNoise,
  readEvaluationLogs,
  readRubricLogs,
  readSampledLogs,
  readTrainingLogs,
} from "./logs";
import { findDiscrepancies } from "./discrepancies";
import { replayFigures } from "./figures";
import { sealFiles, type LogFiles } from "../tasks/seal-files";
import { arcTasksSchema, parseReleased } from "../tasks/seal-logs";
import { summariseJudge } from "./judge-summary";
import { heldOutGains, type Rewards } from "./held-out";
import { planGains } from "./noise";
import { readContinual, type ContinualLog, type ReleasedLog } from "./released";
import { lengthRecords, rubricRecords } from "./predictors";
import { accuracyRecord, beforeRecords } from "./records";
import { replayReadme } from "./readme";
import type { NoiseRecord, ReplaySummary } from "./summary";
import { ARMS } from "./tables";
import { writtenSummary } from "./written";

const SEED = "replay";
const CONTINUAL_RUNS = [
  "run0/summary_1748902664",
  "run1/summary_1748902437",
  "run2/summary_1748901116",
  "run3/summary_1748900655",
  "run4/summary_1749083771",
  "run5/summary_1749127174",
  "run6/summary_1749116633",
  "run7/summary_1749127178",
];

/** Options of `runReplay`. */
export interface ReplayOptions {
  /** Folder of the released logs; the one that SEAL_DATA names unless told, else they are read from GitHub. */
  readonly data?: string;
  /** Folder that is written to. */
  readonly output: string;
  /** Called with each line for the user. */
  readonly log: (line: string) => void;
}

/** Recomputes everything, writes it below `output`, and returns it. Throws UserError where there are no logs. */
export async function runReplay({ data, output, log }: ReplayOptions): Promise<ReplaySummary> {
  const files = hashing(sealFiles(data));
  log(`Reading the released logs from ${files.source}`);
  const logs = await readEvaluationLogs(files);
  const first = [...logs.values()][0];
  const all = new Map([...logs, ...(await readSampledLogs(files, first))]);
  const training = await readTrainingLogs(files);
  const rubrics = await readRubricLogs(files);
  log(`${all.size} evaluation and ${training.length} training logs; computing`);
  const continual = await readContinualLogs(files);
  const arms = ARMS.flatMap((arm) => {
    const own = all.get(arm.log);
    return own ? [accuracyRecord(arm, own, SEED)] : [];
  });
  const arcSubsets = await readArcSubsets(files);
  const partial = {
    inputs: files.inputs(),
    missing: files.missing(),
    arms,
    differences: differences(all, SEED),
    before: beforeRecords(logs, SEED),
    articles: articleRecords(logs),
    right: rightAnswers(logs),
    ...(continual && { continual }),
    noise: noiseRecords(training.filter(hasNoise)),
    predictors: {
      rubric: rubrics.flatMap((rubric) => rubricRecords(rubric, training, SEED)),
      length: lengthRecords(training, SEED),
    },
    written: writtenSummary(logs, SEED),
    judge: await summariseJudge([...logs.values()]),
    arcSubsets,
  };
  const summary: ReplaySummary = {
    ...partial,
    discrepancies: findDiscrepancies(partial, all, { training, rubrics }),
  };
  await writeAll(summary, logs, training, output, log);
  return summary;
}

/** Remembers what was read, by content, for the record. */
function hashing(files: LogFiles): LogFiles & {
  inputs(): { name: string; sha256: string }[];
  missing(): string[];
} {
  const hashes = new Map<string, string | undefined>();
  return {
    ...files,
    read: async (name) => {
      // Kept in the order of asking, which does not depend on which file is read first.
      hashes.set(name, undefined);
      const text = await files.read(name);
      hashes.set(name, text === undefined ? undefined : sha256OfText(text));
      return text;
    },
    inputs: () =>
      [...hashes].flatMap(([name, sha256]) => (sha256 === undefined ? [] : [{ name, sha256 }])),
    missing: () => [...hashes].flatMap(([name, sha256]) => (sha256 === undefined ? [name] : [])),
  };
}

async function readContinualLogs(files: LogFiles): Promise<ReplaySummary["continual"]> {
  const overall = await readContinual(files, "continual/overall_results.json");
  if (!overall) return undefined;
  const runs: ContinualLog[] = [];
  for (const name of CONTINUAL_RUNS) {
    const run = await readContinual(files, `continual/${name}.json`);
    if (run && run.mean_over_sequences.length !== overall.mean_over_sequences.length)
      throw new UserError(
        `continual/${name}.json has not as many updates as overall_results.json.`,
      );
    if (run) runs.push(run);
  }
  return continualRecord(overall, runs);
}

/** Tasks in the released ARC subsets. */
async function readArcSubsets(files: LogFiles): Promise<ReplaySummary["arcSubsets"]> {
  const names = ["training", "evaluation"] as const;
  const sizes = names.map(async (name) => {
    const part = name === "training" ? "training_set" : "eval_set";
    const file = `arc/arc-agi_${name}_challenges_filtered_1B_${part}.json`;
    const text = await files.read(file);
    if (text === undefined) return [];
    return [{ name, tasks: Object.keys(parseReleased(arcTasksSchema, text, file)).length }];
  });
  return (await Promise.all(sizes)).flat();
}

function noiseRecords(training: readonly ReleasedLog[]): NoiseRecord[] {
  const record = (name: string, rewards: Rewards): NoiseRecord => {
    const { between, within } = rewardVariances(rewards);
    return {
      name,
      passages: rewards.length,
      deviationBetween: Math.sqrt(between),
      deviationWithin: Math.sqrt(within),
      heldOut: heldOutGains(rewards, SEED),
      plans: planGains(rewards, SEED),
    };
  };
  const each = training.map((own) => ({ name: own.name, rewards: repeatAccuracies(own.adapter) }));
  const pooled =
    each.length > 1
      ? [{ name: `all ${each.length} rounds`, rewards: each.flatMap((one) => one.rewards) }]
      : [];
  return [...each, ...pooled].map(({ name, rewards }) => record(name, rewards));
}

async function writeAll(
  summary: ReplaySummary,
  logs: ReadonlyMap<string, ReleasedLog>,
  training: readonly ReleasedLog[],
  output: string,
  log: (line: string) => void,
): Promise<void> {
  const { judge, noise, continual, articles, right, predictors, written, ...numbers } = summary;
  const verdicts = Object.fromEntries([
    ...[...logs.values()].map((own) => [
      own.name,
      {
        ...(own.baseline.length > 0 && { baseline: verdictStrings(own, "baseline") }),
        adapter: verdictStrings(own, "adapter"),
      },
    ]),
    ...training
      .filter((own) => own.adapter.length > 0)
      .map((own) => [own.name, { adapter: verdictStrings(own, "adapter") }]),
  ]) as Record<string, unknown>;
  const rewards = Object.fromEntries(
    training.map((own) => [own.name, own.completions.map((passage) => passage.map((c) => c.mean))]),
  );
  const tables: Record<string, unknown> = {
    accuracy: numbers,
    articles: { articles, right },
    judge,
    noise,
    predictors,
    written,
    continual,
    verdicts,
    rewards,
  };
  for (const [name, table] of Object.entries(tables)) {
    if (table !== undefined)
      await writeFileAtomic(path.join(output, `${name}.json`), rounded(table));
  }
  for (const [name, figure] of Object.entries(replayFigures(summary, training))) {
    await renderFigure(figure, path.join(output, "figures", name));
    log(`figure ${path.join(output, "figures", `${name}.png`)}`);
  }
  await writeFileAtomic(path.join(output, "README.md"), replayReadme(summary));
  log(`Tables, figures and README.md are in ${output}`);
}

/** Six decimals are more than 974 questions can tell, and keep the files small and their differences readable. */
function rounded(value: unknown): string {
  const round = (_key: string, part: unknown): unknown =>
    typeof part === "number" && !Number.isInteger(part) ? Number(part.toFixed(6)) : part;
  return `${JSON.stringify(value, round, 1)}\n`;
}
