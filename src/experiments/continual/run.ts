/**
 * Continual self-edits (paper, section 5): passages learned one after another, every earlier one asked about after each
 * update; with ways to forget less, each at the cost of plain merging. Numbers and figures are continual-report.ts's.
 */
import type { Adapter } from "../../lora/adapter";
import { mergeCombined, mergeTrimmed } from "../../lora/combine";
import { promptTokens } from "../../lora/generate";
import { mergeWeights } from "../../lora/merge";
import { scoreRowsLater } from "../../lora/score";
import { tokenSequence, trainCandidates, type Sequence } from "../../lora/train";
import type { TrainingResult } from "../../lora/trainer";
import type { Model } from "../../model/load";
import { disposeWeights, type ModelWeights } from "../../model/weights";
import { createRandom } from "../../statistics/random";
import { continualReport, type ContinualRun } from "./report";
import { completeArm, isApart, type ContinualArm, type ContinualVariant } from "./variant";
import { once, onceWritten, type ExperimentContext, type Outcome } from "../../run/experiment";
import { withModel } from "../../run/with-model";
import {
  answerQuestions,
  openLessons,
  writeSelfEdits,
  type GivenAnswer,
  type Lesson,
} from "../lessons/lessons";
import { continueSequences, rehearsalSchedule } from "./rehearsal";

/** A lesson with its one self-edit. */
interface Learned extends Lesson {
  readonly completion: string;
  readonly own: readonly string[];
}

/** One sequence of passages. */
interface Course {
  readonly variant: ContinualVariant;
  readonly seed: number;
  readonly base: Model;
  readonly lessons: readonly Learned[];
}

/** Runs every sequence and reports them together. */
export async function runContinual(
  variant: ContinualVariant,
  context: ExperimentContext,
): Promise<Outcome> {
  const source = await openLessons(variant, context);
  const { seeds, arms, passages } = variant;
  const total = seeds.length * arms.length;
  const ahead = { label: "passages in turn", total, inputs: source.inputs };
  return withModel(variant.model, context, ahead, async ({ model: base, progress, inputs }) => {
    const runs: ContinualRun[] = [];
    let generateSeconds = 0;
    for (const seed of seeds) {
      const lessons = source.draw(seed, passages);
      const { texts, seconds } = await onceWritten(context.journal, `${seed}/self-edits`, () =>
        writeSelfEdits(base, lessons, variant, `continual/${seed}`),
      );
      generateSeconds += seconds;
      const course = { variant, seed, base, lessons: firstParsing(lessons, texts) };
      runs.push(...(await runCourse(course, context, (count) => progress.advance(count))));
    }
    return continualReport(variant, runs, inputs, generateSeconds);
  });
}

/** Each lesson with the first of its self-edits that parses. */
function firstParsing(
  lessons: readonly Lesson[],
  edits: readonly (readonly string[])[],
): Learned[] {
  return lessons.map((lesson, i) => {
    const completion =
      edits[i].find((edit) => lesson.sequences(edit).length > 0) ?? edits[i].at(0) ?? "";
    return { ...lesson, completion, own: lesson.sequences(completion) };
  });
}

/** Every arm of one sequence, an arm at a time journalled (those that train apart share their adapters and a piece). */
async function runCourse(
  course: Course,
  { journal }: ExperimentContext,
  advance: (count: number) => void,
): Promise<ContinualRun[]> {
  const { seed, base, lessons, variant } = course;
  const unlearnable = lessons.find(({ own }) => own.length === 0);
  if (unlearnable) {
    advance(variant.arms.length);
    const reason = `no self-edit about ${unlearnable.id} parses`;
    return ["untouched", ...variant.arms.map(({ name }) => name)].map((arm) => ({
      ...startedRun(course, arm),
      status: "unparsable" as const,
      reason,
    }));
  }
  const untouched = await once(journal, `${seed}/untouched`, async () => ({
    ...startedRun(course, "untouched"),
    answers: [await ask(course, base, lessons)],
  }));
  const runs: ContinualRun[] = [untouched];
  const arms = variant.arms.map(completeArm);
  for (const arm of arms.filter((one) => !isApart(one))) {
    runs.push(await once(journal, `${seed}/${arm.name}`, () => learnInTurn(course, arm)));
    advance(1);
  }
  const apart = arms.filter(isApart);
  if (apart.length > 0) {
    runs.push(...(await once(journal, `${seed}/apart`, () => learnApart(course, apart))));
    advance(apart.length);
  }
  return runs;
}

/** Each adapter trained on the weights that the last update left, and merged into them. */
async function learnInTurn(course: Course, arm: ContinualArm): Promise<ContinualRun> {
  const { base, lessons } = course;
  const run = startedRun(course, arm.name);
  let current = base;
  try {
    for (const update of lessons.keys()) {
      const started = performance.now();
      const job = await trainingJob(course, arm, current, update);
      const [result] = await trainCandidates(current, [job]);
      run.seconds.train += (performance.now() - started) / 1000;
      addCost(run, [result]);
      if (!result.adapter) return { ...run, ...failure(result, lessons[update]) };
      const next = { ...current, weights: mergedWeights(current, result.adapter, arm) };
      if (current !== base) disposeWeights(current.weights);
      current = next;
      run.answers.push(await timed(run, () => ask(course, current, lessons.slice(0, update + 1))));
    }
    return run;
  } finally {
    if (current !== base) disposeWeights(current.weights);
  }
}

function mergedWeights(model: Model, adapter: Adapter, arm: ContinualArm): ModelWeights {
  return arm.method === "trim"
    ? mergeTrimmed(model.config, model.weights, adapter, arm.keep)
    : mergeWeights(model.config, model.weights, adapter);
}

/** What an update trains on: the self-edit, or a schedule of equal length that rehearses earlier ones. */
async function trainingJob(
  { variant, seed, lessons }: Course,
  arm: ContinualArm,
  current: Model,
  update: number,
): Promise<Parameters<typeof trainCandidates>[1][number]> {
  const { own } = lessons[update];
  const { innerLoop } = variant;
  const settings = {
    ...innerLoop,
    learningRate: Math.min(1, innerLoop.learningRate * arm.rate),
    seed: `${seed}/${update}`,
  };
  const earlier = lessons.slice(0, update);
  if (earlier.length === 0 || (arm.method !== "replay" && arm.method !== "distil"))
    return { sequences: own, settings };
  const random = createRandom(`rehearsal/${seed}/${update}`);
  const cost = { epochs: innerLoop.epochs, share: arm.share };
  // The passage, a self-edit's last sequence, is not continued: half of it leaves the other half open.
  const pool = earlier.flatMap((lesson) =>
    arm.method === "replay" ? lesson.own : lesson.own.slice(0, -1),
  );
  const old = new Set(pool);
  const schedule = rehearsalSchedule(own, pool, cost, random);
  let sequences: Sequence[] = schedule;
  if (arm.method === "distil") {
    const rehearsed = schedule.filter((sequence) => old.has(sequence));
    const written = await continueSequences(
      current,
      rehearsed.map((sequence) => tokenSequence(current, sequence)),
      `distil/${seed}/${update}`,
    );
    sequences = schedule.map((text) => (old.has(text) ? (written.shift() ?? text) : text));
  }
  return { sequences, settings: { ...settings, epochs: 1, shuffle: false } };
}

/** Every adapter trained on the untouched weights, once for all arms; each arm puts them together in its own way. */
async function learnApart(course: Course, arms: readonly ContinualArm[]): Promise<ContinualRun[]> {
  const { variant, seed, base, lessons } = course;
  const shared = startedRun(course, "apart");
  const started = performance.now();
  const results = await trainCandidates(
    base,
    lessons.map(({ own }, update) => ({
      sequences: own,
      settings: { ...variant.innerLoop, seed: `${seed}/${update}` },
    })),
    { concurrency: lessons.length },
  );
  shared.seconds.train += (performance.now() - started) / 1000 / arms.length;
  addCost(shared, results);
  const failed = results.findIndex(({ adapter }) => !adapter);
  const runs: ContinualRun[] = [];
  for (const { name, ...arm } of arms) {
    const run = { ...shared, arm: name, answers: [], seconds: { ...shared.seconds } };
    if (failed >= 0) runs.push({ ...run, ...failure(results[failed], lessons[failed]) });
    else {
      const adapters = results.flatMap(({ adapter }) => adapter ?? []);
      const answers = await timed(run, () => askApart(course, { name, ...arm }, adapters));
      runs.push({ ...run, answers });
    }
  }
  return runs;
}

/** Answers after each update, [update][passage]. */
async function askApart(
  course: Course,
  arm: ContinualArm,
  adapters: readonly Adapter[],
): Promise<GivenAnswer[][][]> {
  const { base, lessons, seed } = course;
  if (arm.method === "choose") return askChosen(course, adapters);
  const answers: GivenAnswer[][][] = [];
  for (const update of lessons.keys()) {
    const known = adapters.slice(0, update + 1);
    const random = createRandom(`${arm.name}/${seed}/${update}`);
    const rule = { kind: arm.method as "sum" | "mean" | "ties" | "dare", ...arm };
    const weights = mergeCombined(base.config, base.weights, known, rule, random);
    try {
      answers.push(await ask(course, { ...base, weights }, lessons.slice(0, update + 1)));
    } finally {
      disposeWeights(weights);
    }
  }
  return answers;
}

/** Each question answered by the adapter, of those there are, that gives the question itself the highest likelihood. */
async function askChosen(
  { base, lessons, variant }: Course,
  adapters: readonly Adapter[],
): Promise<GivenAnswer[][][]> {
  const questions = lessons.flatMap((lesson) => lesson.questions);
  const rows = questions.map(({ prompt }) => promptTokens(base, prompt));
  const surprise: number[][] = [];
  for (const adapter of adapters) {
    const losses = await scoreRowsLater(base, rows, adapter);
    surprise.push(losses.map((own) => own.reduce((sum, loss) => sum + loss, 0)));
  }
  const answers: GivenAnswer[][][] = [];
  for (const update of lessons.keys()) {
    const asked = lessons.slice(0, update + 1).flatMap((lesson) => lesson.questions);
    const chosen = leastSurprised(surprise.slice(0, update + 1), asked.length);
    const given = await answerQuestions(
      base,
      adapters
        .slice(0, update + 1)
        .map((adapter, a) => ({ adapter, questions: asked.filter((_, q) => chosen[q] === a) })),
      variant.answers.maximumTokens,
    );
    const inOrder = asked.map((_, q) => given[chosen[q]].shift() as GivenAnswer);
    answers.push(
      lessons.slice(0, update + 1).map((lesson) => inOrder.splice(0, lesson.questions.length)),
    );
  }
  return answers;
}

/** For each of the first `count` questions, the adapter with the smallest loss, [adapter][question]; the first of equals. */
export function leastSurprised(losses: readonly (readonly number[])[], count: number): number[] {
  return Array.from({ length: count }, (_, question) => {
    const own = losses.map((all) => all[question]);
    return own.indexOf(Math.min(...own));
  });
}

async function ask(
  { variant }: Course,
  model: Model,
  lessons: readonly Lesson[],
): Promise<GivenAnswer[][]> {
  return answerQuestions(model, lessons, variant.answers.maximumTokens);
}

/** The part of a run that grows while it goes. */
type GrowingRun = ContinualRun & {
  answers: GivenAnswer[][][];
  seconds: { train: number; answer: number };
  steps: number;
  tokens: number;
};

function startedRun({ seed, lessons }: Course, arm: string): GrowingRun {
  return {
    seed,
    arm,
    status: "ok",
    passages: lessons.map(({ id }) => id),
    selfEdits: lessons.map(({ completion }) => completion),
    answers: [],
    steps: 0,
    tokens: 0,
    seconds: { train: 0, answer: 0 },
  };
}

function addCost(run: GrowingRun, results: readonly TrainingResult[]): void {
  for (const { losses, tokens } of results) {
    run.steps += losses.length;
    run.tokens += tokens;
  }
}

function failure(
  { status, reason }: TrainingResult,
  lesson: Lesson,
): Pick<ContinualRun, "status" | "reason"> {
  return { status, reason: `${lesson.id}: ${reason ?? "no adapter"}` };
}

async function timed<T>(run: GrowingRun, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const value = await work();
  run.seconds.answer += (performance.now() - started) / 1000;
  return value;
}
