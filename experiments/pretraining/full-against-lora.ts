/**
 * All weights trained in place of an adapter, on the small world: one passage at a time, and thirty passages in one training,
 * on the oracle's self-edits. Each method's learning rate is the best of a few on other people; then three seeds are measured.
 *
 *     node -r tsx/cjs experiments/pretraining/full-against-lora.ts results/pretraining/full-against-lora.json
 */
import { writeFileAtomic } from "../../src/files/files";
import { engineInfo } from "../../src/engine";
import { personLesson, type Lesson } from "../../src/experiments/lessons/lessons";
import { TARGET_NAMES } from "../../src/model/adapters";
import { disposeModel, loadModel, type Model } from "../../src/model/load";
import { runInnerLoop } from "../../src/restem/inner-loop";
import { createRandom } from "../../src/statistics/random";
import { clusterMeanInterval, mean, pairedDifference } from "../../src/statistics/statistics";
import { createWorld, newPeople } from "../../src/tasks/biographies/world";

const SEEDS = [1, 2, 3];
/** Its people are drawn as a seed's are, and only choose the rates. */
const TUNING_SEED = 1000;
/** People of pretraining whose questions it asked: what a training should not harm. */
const KNOWN = 30;

const tasks = {
  "one passage": { people: 10, together: 1, settings: { epochs: 10, batchSize: 1 }, rank: 8 },
  "30 passages": { people: 30, together: 30, settings: { epochs: 10, batchSize: 8 }, rank: 32 },
} as const;
type Task = keyof typeof tasks;

const methods = {
  LoRA: {
    rates: [2e-3, 5e-3, 1e-2, 2e-2],
    own: (rank: number) => ({ rank, alpha: 2 * rank, targets: [...TARGET_NAMES] }),
  },
  full: { rates: [3e-4, 1e-3, 3e-3, 1e-2], own: () => ({ method: "full" }) },
} as const;
type Method = keyof typeof methods;

/** A passage after its training: marks (1 right, 0 wrong) of its own questions and of those about known people. */
interface Learned {
  readonly person: string;
  readonly marks: readonly number[];
  readonly known: readonly number[];
  /** Of the training that it was part of. */
  readonly seconds: number;
}

const world = createWorld(0);
const lessonsOf = (seed: number, count: number): Lesson[] =>
  newPeople(world, seed, count).map((person) => personLesson(person, seed, true));
const known = world.known
  .slice(0, KNOWN)
  .flatMap((person) => personLesson(person, 0, true).questions);

async function learn(
  model: Model,
  task: Task,
  method: Method,
  learningRate: number,
  seed: number,
): Promise<Learned[]> {
  const { people, together, settings, rank } = tasks[task];
  const lessons = lessonsOf(seed, people);
  const groups = Array.from({ length: people / together }, (_, g) =>
    lessons.slice(g * together, (g + 1) * together),
  );
  const own: object = { ...settings, ...methods[method].own(rank), learningRate, seed };
  const results = await runInnerLoop(
    model,
    groups.map((group) => ({
      sequences: group.flatMap((lesson) => lesson.sequences(lesson.oracle ?? "")),
      settings: own,
      questions: [...group.flatMap(({ questions }) => questions), ...known],
    })),
    { concurrency: 5, answerTokens: 2 },
  );
  return results.flatMap(({ status, reason, answers, seconds }, g) => {
    if (status !== "ok")
      throw new Error(`${task}, ${method}, ${learningRate}: ${status}: ${reason}`);
    const marks = answers.map(({ verdict }) => (verdict === "correct" ? 1 : 0));
    const ofKnown = marks.splice(marks.length - known.length);
    return groups[g].map(({ id, questions }) => ({
      person: `${seed}/${id}`,
      marks: marks.splice(0, questions.length),
      known: ofKnown,
      seconds: seconds.train,
    }));
  });
}

const accuracy = (learned: readonly Learned[]): number =>
  mean(learned.flatMap(({ marks }) => marks));

/** The rate with the best accuracy on the tuning people, the lowest of several. */
async function chooseRate(
  model: Model,
  task: Task,
  method: Method,
): Promise<{ rate: number; tried: { rate: number; accuracy: number }[] }> {
  const tried: { rate: number; accuracy: number }[] = [];
  for (const rate of methods[method].rates)
    tried.push({ rate, accuracy: accuracy(await learn(model, task, method, rate, TUNING_SEED)) });
  const best = tried.reduce((most, one) => (one.accuracy > most.accuracy ? one : most));
  return { rate: best.rate, tried };
}

async function main(file: string): Promise<void> {
  const model = await loadModel("tiny:biographies");
  const [{ answers }] = await runInnerLoop(model, [{ questions: known }], {
    concurrency: 1,
    answerTokens: 2,
  });
  const untouched = mean(answers.map(({ verdict }) => (verdict === "correct" ? 1 : 0)));
  const rows: object[] = [];
  const differences: object[] = [];
  for (const task of Object.keys(tasks) as Task[]) {
    const all: Partial<Record<Method, Learned[]>> = {};
    for (const method of Object.keys(methods) as Method[]) {
      const { rate, tried } = await chooseRate(model, task, method);
      const learned: Learned[][] = [];
      for (const seed of SEEDS) learned.push(await learn(model, task, method, rate, seed));
      const flat = learned.flat();
      all[method] = flat;
      const row = {
        task,
        method,
        rate,
        tried,
        accuracy: accuracy(flat),
        ci95: clusterMeanInterval(
          flat.map(({ marks }) => marks),
          { random: createRandom(`${task}/${method}`) },
        ),
        bySeed: learned.map(accuracy),
        known: mean(flat.flatMap((one) => one.known)),
        secondsOfTraining: mean(flat.map(({ seconds }) => seconds)),
      };
      rows.push(row);
      console.log(JSON.stringify(row));
    }
    const [full, lora] = [all.full!, all.LoRA!];
    const own = pairedDifference(
      full.flatMap(({ marks }) => marks),
      lora.flatMap(({ marks }) => marks),
      createRandom(task),
      full.flatMap(({ person, marks }) => marks.map(() => person)),
    );
    const { together } = tasks[task];
    const knownOf = (learned: readonly Learned[]): number[] =>
      learned.filter((_, i) => i % together === 0).map((one) => mean(one.known));
    const kept = pairedDifference(knownOf(full), knownOf(lora), createRandom(`${task}/known`));
    differences.push({ task, fullOverLora: own, knownFullOverLora: kept });
    console.log(task, JSON.stringify(own), JSON.stringify(kept));
  }
  disposeModel(model);
  const engine = engineInfo();
  const record = { seeds: SEEDS, tasks, rows, differences, knownUntouched: untouched, engine };
  await writeFileAtomic(file, `${JSON.stringify(record, null, 2)}\n`);
}

void main(process.argv[2]);
