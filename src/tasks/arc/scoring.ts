/** Two-attempt scoring and the submission file of the ARC Prize. Which attempts are made is vote.ts's. */
import { UserError } from "../../messages/errors";
import type { Verdict } from "../../judge/verdict";
import { sameGrid, type ArcTask, type Grid } from "./grids";

/** A task's attempts: two for each of its tests. */
export interface TaskAttempts {
  /** The task's. */
  readonly id: string;
  /** Two for each test, in the tests' order. */
  readonly attempts: readonly (readonly [first: Grid, second: Grid])[];
}

/** The submission's JSON: for each task and test both attempts. */
export type Submission = Record<string, SubmittedTest[]>;

/** Both attempts at one test, as the prize's file names them. */
export interface SubmittedTest {
  /** The first. */
  attempt_1: Grid;
  /** The second. */
  attempt_2: Grid;
}

/** One test: "correct" where either attempt is the solution, "ungraded" where there is none to compare with. */
export function judgeAttempts(
  solution: Grid | undefined,
  attempts: readonly [first: Grid, second: Grid],
): Verdict {
  if (!solution) return "ungraded";
  return attempts.some((attempt) => sameGrid(attempt, solution)) ? "correct" : "wrong";
}

/** A task is solved where every one of its tests is. Throws UserError where attempts and tests differ in number. */
export function judgeTask(task: ArcTask, attempts: TaskAttempts["attempts"]): Verdict {
  if (attempts.length !== task.test.length)
    throw new UserError(
      `The task ${task.id ?? ""} has ${task.test.length} tests, but attempts at ${attempts.length}.`,
    );
  const verdicts = task.test.map(({ output }, i) => judgeAttempts(output, attempts[i]));
  if (verdicts.includes("wrong")) return "wrong";
  return verdicts.includes("ungraded") ? "ungraded" : "correct";
}

/** The submission file's content, tasks sorted by id. */
export function submission(tasks: readonly TaskAttempts[]): Submission {
  const sorted = [...tasks].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  return Object.fromEntries(
    sorted.map(({ id, attempts }) => [
      id,
      attempts.map(([first, second]) => ({ attempt_1: first, attempt_2: second })),
    ]),
  );
}

/** Share of the solution's cells that an answer has right; 0 for another size. */
export function cellAccuracy(answer: Grid, solution: Grid): number {
  if (answer.length !== solution.length || answer[0].length !== solution[0].length) return 0;
  const cells = solution.flatMap((row, y) => row.map((cell, x) => cell === answer[y][x]));
  return cells.filter(Boolean).length / cells.length;
}
