/** Test-time augmentation: one test asked in several ways, and the answers turned back (the released code's inference/preprocess.py). */
import type { Random } from "../../statistics/random";
import { augmentGrid, augmentTask, inverseOf } from "./augment";
import { taskKey, unique, type ArcTask, type Grid } from "./grids";

/** One way to ask a test. */
export interface ArcQuery {
  /** Its only test is the one asked, without its output. */
  readonly task: ArcTask;
  /** Name of the augmentation that turns an answer back; null where none was applied. */
  readonly inverter: string | null;
}

/** The augmentations of test time, and how their inverses are called in votes. */
const TEST_AUGMENTATIONS = ["Transpose", "Flip(0)", "Flip(1)", "Rotate(90)", "Rotate(180)"];

/** Options of `arcQueries`. */
export interface QueryOptions {
  /** Draws orders and which of them are turned. */
  readonly random: Random;
  /** Demonstrations left out in each way to ask, 1 unless told (the released code's include_n). */
  readonly leftOut?: number;
  /** Permutations of the demonstrations for each, 2 unless told. */
  readonly permutations?: number;
  /** Most queries that are kept, plain ones first; all unless told. */
  readonly limit?: number;
}

/**
 * Ways to ask a task's test: every choice of all demonstrations but `leftOut`, each in `permutations` more orders, and
 * one of these for each of five augmentations. Equal ones once. With one demonstration none is left out.
 */
export function arcQueries(
  task: ArcTask,
  test: number,
  { random, leftOut = 1, permutations = 2, limit = Infinity }: QueryOptions,
): ArcQuery[] {
  const { input } = task.test[test];
  const kept = Math.min(leftOut, task.train.length - 1);
  const plain = choices(task.train, kept).flatMap((train): ArcTask[] => {
    const chosen = { train, test: [{ input }] };
    const orders = Array.from({ length: permutations }, () =>
      augmentTask(chosen, "PermuteExamples", random),
    );
    return [chosen, ...orders];
  });
  const asked = unique(plain, taskKey);
  const turned = TEST_AUGMENTATIONS.map((name): ArcQuery => {
    const inverter = inverseOf(name);
    return {
      task: augmentTask(random.pick(asked), name),
      inverter: inverter === "Transpose" ? "Transpose()" : (inverter ?? null),
    };
  });
  const all = [...asked.map((own): ArcQuery => ({ task: own, inverter: null })), ...turned];
  const queries = unique(all, (query) => taskKey(query.task));
  return queries.length > limit ? thinned(queries, limit) : queries;
}

/** All lists without `count` of the items, 0, 1 or more, in order. */
function choices<T>(items: readonly T[], count: number): T[][] {
  if (count === 0) return [[...items]];
  return items.flatMap((_, i) =>
    choices(items.slice(i + 1), count - 1).map((rest) => [...items.slice(0, i), ...rest]),
  );
}

/** Half plain and half turned queries, so that few of them still vote across augmentations. */
function thinned(queries: readonly ArcQuery[], limit: number): ArcQuery[] {
  const plain = queries.filter(({ inverter }) => inverter === null);
  const turned = queries.filter(({ inverter }) => inverter !== null);
  const own = Math.min(plain.length, Math.max(Math.ceil(limit / 2), limit - turned.length));
  return [...plain.slice(0, own), ...turned.slice(0, limit - own)];
}

/** An answer turned back to the test's own orientation. */
export function invertAnswer(grid: Grid, inverter: string | null): Grid {
  return inverter === null ? grid : augmentGrid(grid, inverter);
}
