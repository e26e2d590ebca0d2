/** How well something cheap, a rubric's marks or a text's length, foretells a candidate's trained reward within its passage. */
import { createRandom } from "../statistics/random";
import { clusterBootstrap, mean } from "../statistics/statistics";
import { rewardVariances } from "../restem/select";
import { bootstrapMean, repeatAccuracies, type Estimate } from "./accuracy";
import type { ReleasedLog } from "./released";

/** The candidates of one passage: what is known before training, and the mean reward of training. */
export type Candidates = readonly { readonly value: number; readonly reward: number }[];

/** One predictor on the passages of one log, or of several. */
export interface PredictorRecord {
  /** What is known of a self-edit before it is trained on. */
  readonly predictor: string;
  /** The log, or logs. */
  readonly on: string;
  /** Number of passages. */
  readonly passages: number;
  /** Between predictor and reward, of their deviations from the passage's means; passages are resampled. */
  readonly correlation: Estimate;
  /** Reward of the candidate with the largest value (the mean of those that tie) over the mean candidate of its passage. */
  readonly gain: Estimate;
  /** The correlation that the true reward would have with the noisy one, by the variances of noise.ts. */
  readonly ceiling?: number;
}

/** Sums of products of the deviations from the passage's means: value x reward, value², reward². */
function deviations(candidates: Candidates): [number, number, number] {
  const [value, reward] = [
    mean(candidates.map((one) => one.value)),
    mean(candidates.map((one) => one.reward)),
  ];
  const sums: [number, number, number] = [0, 0, 0];
  for (const one of candidates) {
    const [v, r] = [one.value - value, one.reward - reward];
    [v * r, v * v, r * r].forEach((product, i) => (sums[i] += product));
  }
  return sums;
}

/** Correlation from triples of such sums, one after another; 0 where nothing varies. */
function correlationOf(triples: ArrayLike<number>): number {
  const sums = [0, 0, 0];
  for (let i = 0; i < triples.length; i++) sums[i % 3] += triples[i];
  const scale = Math.sqrt(sums[1] * sums[2]);
  return scale > 0 ? sums[0] / scale : 0;
}

function gainOf(candidates: Candidates): number {
  const largest = Math.max(...candidates.map(({ value }) => value));
  const chosen = candidates.filter(({ value }) => value === largest);
  return mean(chosen.map(({ reward }) => reward)) - mean(candidates.map(({ reward }) => reward));
}

/** A predictor's record over passages with at least two candidates each. */
export function predictorRecord(
  predictor: string,
  on: string,
  passages: readonly Candidates[],
  seed: string,
): PredictorRecord {
  const triples = passages.map(deviations);
  const [low, high] = clusterBootstrap(triples, correlationOf, { random: createRandom(seed) });
  return {
    predictor,
    on,
    passages: passages.length,
    correlation: { value: correlationOf(triples.flat()), low, high },
    gain: bootstrapMean(passages.map(gainOf), createRandom(seed)),
  };
}

/** Whether something can be chosen: every passage has several candidates. */
export const hasChoice = (log: ReleasedLog): boolean =>
  log.completions.every(({ length }) => length > 1);

/** Lengths in units of the log's mean length, so that logs of long and of short texts can be taken together. */
function byLength({ completions }: ReleasedLog): Candidates[] {
  const usual = mean(completions.flat().map(({ text }) => text.length));
  return completions.map((own) =>
    own.map(({ text, mean: reward }) => ({ value: text.length / usual, reward })),
  );
}

/** Length in characters as a predictor: of each training log, and of all together with and without the prompt "none". */
export function lengthRecords(training: readonly ReleasedLog[], seed: string): PredictorRecord[] {
  const logs = training.filter(hasChoice);
  const together = (name: string, some: readonly ReleasedLog[]): PredictorRecord[] =>
    some.length > 1 ? [predictorRecord("length", name, some.flatMap(byLength), seed)] : [];
  const instructed = logs.filter(({ name }) => !name.endsWith("prompt-none"));
  return [
    ...logs.map((log) => ({
      ...predictorRecord("length", log.name, byLength(log), seed),
      ...ceiling(log),
    })),
    ...together(`all ${logs.length} logs`, logs),
    ...(instructed.length < logs.length
      ? together(`the ${instructed.length} with an instruction`, instructed)
      : []),
  ];
}

/**
 * The rubric's sum and each criterion as predictors of the rewards in the training log that has the same candidates; none
 * where no log has.
 */
export function rubricRecords(
  rubric: ReleasedLog,
  training: readonly ReleasedLog[],
  seed: string,
): PredictorRecord[] {
  const trained = training.find((log) => sameCandidates(log, rubric));
  if (!trained) return [];
  const criteria = Object.keys(rubric.completions[0][0].rubric ?? {});
  const sumFirst = ["final", ...criteria.filter((criterion) => criterion !== "final")];
  return sumFirst.map((criterion) => ({
    ...predictorRecord(
      criterion === "final" ? "rubric" : `rubric: ${criterion}`,
      trained.name,
      rubric.completions.map((own, p) =>
        own.map((one, c) => ({
          value: one.rubric?.[criterion] ?? NaN,
          reward: trained.completions[p][c].mean,
        })),
      ),
      seed,
    ),
    ...ceiling(trained),
  }));
}

/** Whether two logs are about the same self-edits, letter by letter. */
export function sameCandidates(a: ReleasedLog, b: ReleasedLog): boolean {
  const texts = ({ completions }: ReleasedLog): string =>
    JSON.stringify(completions.map((own) => own.map(({ text }) => text)));
  return texts(a) === texts(b);
}

/** The square root of the mean reward's reliability. */
function ceiling(log: ReleasedLog): { ceiling?: number } {
  if (log.adapter.length === 0) return {};
  const rewards = repeatAccuracies(log.adapter);
  const { between, within } = rewardVariances(rewards);
  return between > 0
    ? { ceiling: Math.sqrt(between / (between + within / rewards[0][0].length)) }
    : {};
}
