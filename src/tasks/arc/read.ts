/** Reads ARC's two public forms: one file for each task, and Kaggle's challenges with solutions. Nothing is downloaded. */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { readJson } from "../../files/text";
import { errorMessage, UserError } from "../../messages/errors";
import { gridProblem, sameGrid, taskKey, type ArcTask, type ArcTest, type Grid } from "./grids";

/** Largest file that is read, in bytes. */
const LARGEST_FILE = 64 * 1024 * 1024;

/**
 * Tasks of these files, in the files' order, each with its `id`. A path is a file of one task (its id is the file's
 * name), a Kaggle file of challenges, a Kaggle file of solutions (of whichever challenges are given too), or a folder of
 * such files; submissions among them are passed over. A task that stands in several files must be the same in all, but
 * for solutions that one of them lacks. Throws UserError naming file and task.
 */
export async function readArc(...paths: string[]): Promise<ArcTask[]> {
  if (paths.length === 0) throw new UserError("readArc needs a file or a folder.");
  const files = await arcFiles(...paths);
  const tasks = new Map<string, ArcTask>();
  const solutions = new Map<string, Solutions>();
  for (const file of files) {
    const content = await readContent(file);
    for (const task of content.tasks) addTask(tasks, task, file);
    for (const [id, outputs] of content.solutions) addSolutions(solutions, id, { outputs, file });
  }
  if (tasks.size === 0)
    throw new UserError(
      `No ARC task is in ${paths.join(", ")}; solutions and submissions alone are not enough.`,
    );
  return [...tasks.values()].map((task) => withSolutions(task, solutions.get(task.id ?? "")));
}

/** The files that `readArc` reads for these paths: folders stand for their .json files. Throws UserError for a missing one. */
export async function arcFiles(...paths: string[]): Promise<string[]> {
  return (await Promise.all(paths.map(filesAt))).flat();
}

interface Solutions {
  readonly outputs: readonly Grid[];
  readonly file: string;
}

interface Content {
  readonly tasks: readonly ArcTask[];
  readonly solutions: readonly (readonly [id: string, outputs: readonly Grid[]])[];
}

async function filesAt(place: string): Promise<string[]> {
  try {
    if (!(await stat(place)).isDirectory()) return [place];
  } catch (error) {
    throw new UserError(
      `Cannot read ARC tasks at ${place}: ${errorMessage(error)}.\nThe tasks are at github.com/fchollet/ARC-AGI; give a file or folder of them.`,
    );
  }
  const entries = await readdir(place, { withFileTypes: true });
  // Names with a dot in front are what systems leave behind, such as macOS's "._" files.
  const names = entries.map(({ name }) => name).filter((name) => /^[^.].*\.json$/i.test(name));
  if (names.length > 0) return names.sort().map((name) => path.join(place, name));
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  throw new UserError(
    `The folder ${place} has no .json file${folders.length > 0 ? `; give one of the folders in it: ${folders.sort().slice(0, 5).join(", ")}` : ""}.`,
  );
}

async function readContent(file: string): Promise<Content> {
  const data = await readJson(file, { limit: LARGEST_FILE });
  if (Array.isArray(data) && isObject(data[0]) && "input" in data[0])
    throw new UserError(
      `${file} is a list of examples, no task: a task is {"train": [examples], "test": [examples]}.`,
    );
  const other = new UserError(
    `${file} is neither an ARC task nor a set of them; if it is of something else, move it elsewhere.`,
  );
  if (!isObject(data)) throw other;
  if ("train" in data || "test" in data)
    return {
      tasks: [checkTask(data, path.basename(file).replace(/\.json$/i, ""), file)],
      solutions: [],
    };
  const entries = Object.entries(data).filter(([, value]) => !isSubmission(value));
  if (entries.some(([, value]) => typeof value !== "object")) throw other;
  return {
    tasks: entries
      .filter(([, value]) => !Array.isArray(value))
      .map(([id, value]) => checkTask(value, id, file)),
    solutions: entries.flatMap(([id, value]) =>
      Array.isArray(value)
        ? [[id, value.map((grid, i) => checkGrid(grid, `${file}: ${id}: solution ${i + 1}`))]]
        : [],
    ),
  };
}

/** Kaggle's form of what is handed in: two attempts for each test. */
function isSubmission(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((test) => isObject(test) && "attempt_1" in test)
  );
}

/** A task as it is in all files that have it; one of them may lack the solutions of its tests. */
function addTask(tasks: Map<string, ArcTask>, task: ArcTask, file: string): void {
  const id = task.id ?? "";
  const known = tasks.get(id) ?? task;
  const alike =
    taskKey(unsolved(known)) === taskKey(unsolved(task)) &&
    task.test.every(({ output }, i) => {
      const other = known.test[i].output;
      return !output || !other || sameGrid(output, other);
    });
  if (!alike)
    throw new UserError(`${file}: the task ${id} differs from the one of that id in another file.`);
  const test = known.test.map((one, i) => ({ ...task.test[i], ...one }));
  tasks.set(id, { ...known, test });
}

function unsolved(task: ArcTask): ArcTask {
  return { ...task, test: task.test.map(({ input }) => ({ input })) };
}

function addSolutions(all: Map<string, Solutions>, id: string, own: Solutions): void {
  const known = all.get(id);
  const alike =
    !known ||
    (known.outputs.length === own.outputs.length &&
      known.outputs.every((grid, i) => sameGrid(grid, own.outputs[i])));
  if (!alike) throw new UserError(`${own.file}: ${id} has other solutions than in ${known.file}.`);
  all.set(id, own);
}

function withSolutions(task: ArcTask, solutions: Solutions | undefined): ArcTask {
  if (!solutions) return task;
  const { outputs, file } = solutions;
  if (outputs.length !== task.test.length)
    throw new UserError(
      `${file}: ${task.id} has ${outputs.length} solutions for ${task.test.length} tests.`,
    );
  const test = task.test.map(({ input, output }, i): ArcTest => {
    if (output && !sameGrid(output, outputs[i]))
      throw new UserError(`${file}: ${task.id}: solution ${i + 1} differs from the task's own.`);
    return { input, output: outputs[i] };
  });
  return { ...task, test };
}

function checkTask(value: unknown, id: string, file: string): ArcTask {
  const where = `${file}: ${id}`;
  const { train, test } = isObject(value) ? value : {};
  if (!Array.isArray(train) || !Array.isArray(test) || train.length === 0 || test.length === 0)
    throw new UserError(`${where}: a task has the lists "train" and "test", neither empty.`);
  const pair = (item: unknown, place: string, needsOutput: boolean): ArcTest => {
    if (!isObject(item)) throw new UserError(`${place} is not an object with "input".`);
    const input = checkGrid(item.input, `${place}: input`);
    const { output } = item;
    if (!needsOutput && (output === undefined || output === null)) return { input };
    if (!needsOutput && Array.isArray(output) && output.length === 0)
      throw new UserError(`${place}: output is empty: leave it out where it is not known.`);
    return { input, output: checkGrid(output, `${place}: output`) };
  };
  return {
    id,
    train: train.map(
      (item, i) => pair(item, `${where}: train ${i + 1}`, true) as Required<ArcTest>,
    ),
    test: test.map((item, i) => pair(item, `${where}: test ${i + 1}`, false)),
  };
}

function checkGrid(value: unknown, where: string): Grid {
  const problem = gridProblem(value);
  if (problem !== undefined) throw new UserError(`${where}: ${problem}.`);
  return value as Grid;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
