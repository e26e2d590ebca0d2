/** What a recipe trains on: the task's own demonstrations, each left out in turn as the test, and augmented (Akyürek et al. 2024). */
import type { Random } from "../../statistics/random";
import { augmentTask, parseAugmentation } from "./augment";
import { LARGEST_SIDE, largestSide, taskKey, unique, type ArcTask } from "./grids";

/** Most training samples of a task (the released code's Nmax). */
export const MOST_SAMPLES = 250;

/** Tokens that a sample must stay below (the released code's max_tokens). */
export const SAMPLE_TOKENS = 8192;

/** Numbers of demonstrations left out, the test among them: leave-one-out and leave-two-out. */
export const LEFT_OUT = [1, 2] as const;

/**
 * Tasks made of a task's demonstrations: each in turn is the test, and `count` - 1 of the others are left out in all ways.
 * Of n demonstrations: n tasks for 1, n(n - 1) for 2.
 */
export function leaveOut(task: ArcTask, count: number): ArcTask[] {
  return task.train.flatMap((test, i) => {
    const others = task.train.filter((_, j) => j !== i);
    return subsets(others, others.length - (count - 1)).map((train) => ({ train, test: [test] }));
  });
}

/** All choices of `size` items, in order; none where there are too few. */
function subsets<T>(items: readonly T[], size: number): T[][] {
  if (size < 0) return [];
  if (size === 0) return [[]];
  return items.flatMap((first, i) =>
    subsets(items.slice(i + 1), size - 1).map((rest) => [first, ...rest]),
  );
}

/** Options of `trainingTasks`. */
export interface TrainingTaskOptions {
  /** Draws permutations and, beyond the limit, samples. */
  readonly random: Random;
  /** Most samples, 250 unless told. */
  readonly limit?: number;
  /** Samples for which this is false (say, too many tokens) are left out; none unless told. */
  readonly fits?: (sample: ArcTask) => boolean;
}

/**
 * Training samples of a task under these augmentations: leave-one-out and leave-two-out tasks, each augmentation of
 * each (none beyond 30 x 30), and of all these one copy with permuted colours and demonstrations; equal ones once; at
 * most `limit`, drawn at random. As the released code's process_task; without augmentations colours stay too.
 */
export function trainingTasks(
  task: ArcTask,
  augmentations: readonly string[],
  { random, limit = MOST_SAMPLES, fits = () => true }: TrainingTaskOptions,
): ArcTask[] {
  const samples = LEFT_OUT.flatMap((count) =>
    augmentedTasks(leaveOut(task, count), augmentations, random).filter(fits),
  );
  return samples.length > limit ? random.shuffle(samples).slice(0, limit) : samples;
}

function augmentedTasks(
  initial: readonly ArcTask[],
  augmentations: readonly string[],
  random: Random,
): ArcTask[] {
  const parsed = augmentations.map(parseAugmentation);
  const augmented = parsed.flatMap(({ apply }) =>
    initial
      .map((sample) => apply(sample, random))
      .filter((sample) => largestSide(sample) <= LARGEST_SIDE),
  );
  const plain = unique([...augmented, ...initial], taskKey);
  const permuted = plain.map((sample) => {
    const recoloured =
      augmentations.length > 0 ? augmentTask(sample, "PermuteColors", random) : sample;
    return augmentTask(recoloured, "PermuteExamples", random);
  });
  return unique([...permuted, ...plain], taskKey);
}
