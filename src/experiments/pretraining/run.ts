/**
 * Continued pretraining (paper, table 2, right): one adapter for many passages, trained on all their self-edits
 * together, and asked about all of them. Numbers and figures are pretraining-report.ts's.
 */
import { UserError } from "../../messages/errors";
import type { ChosenSettings } from "../../full/settings";
import { stepCount } from "../../lora/plan";
import type { Model } from "../../model/load";
import { runInnerLoop, type InnerLoopCandidate } from "../../restem/inner-loop";
import { lineOf } from "../../restem/lines";
import { mapGroups } from "../../run/at-once";
import { once, onceWritten, type ExperimentContext, type Outcome } from "../../run/experiment";
import { withModel } from "../../run/with-model";
import { LessonRounds } from "../lessons/rounds";
import { openLessons, writeSelfEdits, type Lesson, type LessonSource } from "../lessons/lessons";
import {
  pretrainingReport,
  roundMetrics,
  type PretrainingRollout,
  type RoundMetrics,
} from "./report";
import { isRoundArm, type PretrainingArm, type PretrainingVariant } from "./variant";

/** One training run, or a model left untouched. */
interface Run {
  readonly seed: number;
  readonly arm: PretrainingArm;
  readonly lessons: readonly Lesson[];
  /** [lesson][index] */
  readonly edits: readonly (readonly string[])[];
}

/** Runs every seed, arm and number of passages. */
export async function runPretraining(
  variant: PretrainingVariant,
  context: ExperimentContext,
): Promise<Outcome> {
  const source = await openLessons(variant, context);
  const { outerLoop } = variant;
  const { data = variant.data, splitLines = true } = outerLoop ?? {};
  const training = await Promise.all(
    (Array.isArray(data) ? data : [data]).map((own) =>
      openLessons({ ...variant, data: own, splitLines }, context),
    ),
  );
  const { seeds, arms, passages } = variant;
  const ahead = {
    label: "training runs",
    total: seeds.length * arms.length * passages.length,
    inputs: [...source.inputs, ...(outerLoop?.data ? training.flatMap((own) => own.inputs) : [])],
  };
  return withModel(variant.model, context, ahead, async ({ model, progress, inputs }) => {
    const rollouts: PretrainingRollout[] = [];
    const rounds: RoundMetrics[] = [];
    let generate = 0;
    for (const seed of seeds) {
      const lessons = drawLessons(variant, seed, source, training);
      const run = new SeedRun(variant, context, model, seed, lessons, (count) =>
        progress.advance(count),
      );
      rollouts.push(...(await run.all()));
      rounds.push(...run.rounds);
      generate += run.generateSeconds;
    }
    return pretrainingReport(variant, rollouts, { inputs, generate, rounds });
  });
}

/** What is asked about, and what writing is learned on in each round: no lesson is both. */
interface Lessons {
  readonly asked: readonly Lesson[];
  readonly training: readonly (readonly Lesson[])[];
}

function drawLessons(
  { passages, outerLoop }: PretrainingVariant,
  seed: number,
  source: LessonSource,
  trainingSources: readonly LessonSource[],
): Lessons {
  const largest = Math.max(...passages);
  const asked = source.draw(seed, largest);
  if (!outerLoop) return { asked, training: [] };
  const first = outerLoop.data ? 0 : largest;
  const drawn = trainingSources.map((own) =>
    own.draw(seed, first + outerLoop.passages).slice(first),
  );
  const training = Array.from({ length: outerLoop.rounds }, (_, r) => drawn[r % drawn.length]);
  const known = new Set(asked.map(({ passage }) => passage));
  const both = drawn.flat().find(({ passage }) => known.has(passage));
  if (both)
    throw new UserError(
      `Passage ${both.id} would be both learned on and asked about; name other data in "outerLoop.data".`,
    );
  return { asked, training };
}

/** One seed: its lessons, its policies, its training runs. */
class SeedRun {
  readonly rounds: RoundMetrics[] = [];
  generateSeconds = 0;

  constructor(
    private readonly variant: PretrainingVariant,
    private readonly context: ExperimentContext,
    private readonly base: Model,
    private readonly seed: number,
    private readonly lessons: Lessons,
    private readonly onRuns: (finished: number) => void,
  ) {}

  async all(): Promise<PretrainingRollout[]> {
    const { arms } = this.variant;
    const plain = arms.filter((arm) => !isRoundArm(arm));
    const needed = plain.some((arm) => arm.endsWith("self-edits") || arm.endsWith("steps"));
    const edits = needed
      ? await this.write(this.base, `${this.seed}/self-edits`)
      : this.lessons.asked.map(() => []);
    const rollouts = await this.train(this.base, plain, edits, String(this.seed));
    for (const arm of arms.filter(isRoundArm)) rollouts.push(...(await this.afterRounds(arm)));
    return rollouts;
  }

  /** Rounds of ReST-EM on lessons of their own; the last policy writes, and is trained. */
  private async afterRounds(arm: "SEAL" | "random selection"): Promise<PretrainingRollout[]> {
    const { outerLoop, answers } = this.variant;
    if (!outerLoop) return [];
    const { seed, context } = this;
    const settings = { ...outerLoop, answerTokens: answers.maximumTokens };
    const loop = new LessonRounds(settings, context, seed, () => undefined);
    const { rewardSeeds, keep, rounds } = outerLoop;
    const select = arm === "SEAL" ? "best" : "random";
    const line = lineOf({ name: arm, select, reward: "accuracy", rewardSeeds }, keep);
    const rollouts: PretrainingRollout[] = [];
    await loop.all(this.base, line, this.lessons.training, async (policy, learned) => {
      const { round } = learned;
      this.rounds.push(roundMetrics({ seed, arm, round }, learned));
      if (round < rounds) return;
      const key = `${seed}/${arm}`;
      const edits = await this.write(policy, `${key}/self-edits`);
      rollouts.push(...(await this.train(policy, [arm], edits, key)));
    });
    this.generateSeconds += loop.generateSeconds;
    return rollouts;
  }

  private async write(model: Model, key: string): Promise<string[][]> {
    const settings = { author: "model" as const, sampling: this.variant.sampling };
    const written = await onceWritten(this.context.journal, key, () =>
      writeSelfEdits(model, this.lessons.asked, settings, `pretraining/${this.seed}`),
    );
    this.generateSeconds += written.seconds;
    return written.texts;
  }

  /** A training run for each of the arms and numbers of passages. */
  private async train(
    model: Model,
    arms: readonly PretrainingArm[],
    edits: readonly (readonly string[])[],
    key: string,
  ): Promise<PretrainingRollout[]> {
    const { variant, seed, context } = this;
    const runs = variant.passages.flatMap((count) =>
      arms.map((arm): Run => ({ seed, arm, lessons: this.lessons.asked.slice(0, count), edits })),
    );
    const limit = context.executor?.groupsAtOnce ?? 1;
    return mapGroups(runs, { size: variant.concurrency, limit }, async (group, start) => {
      const work = (): Promise<PretrainingRollout[]> => runGroup(model, variant, group, context);
      const results = await once(context.journal, `${key}/${start}`, work);
      this.onRuns(group.length);
      return results;
    });
  }
}

async function runGroup(
  model: Model,
  variant: PretrainingVariant,
  group: readonly Run[],
  { executor }: ExperimentContext,
): Promise<PretrainingRollout[]> {
  const work = group.map((run) => candidateOf(variant, run));
  const results = await runInnerLoop(model, work, {
    concurrency: variant.concurrency,
    answerTokens: variant.answers.maximumTokens,
    ...(executor ? { executor } : {}),
  });
  return group.map(({ seed, arm, lessons, edits }, i) => {
    const { training, answers, status, reason, seconds } = results[i];
    const given = [...answers];
    const used = isSelfEdits(arm) ? edits.slice(0, lessons.length) : [];
    const unparsable = used.flatMap((own, l) =>
      own.filter((edit) => lessons[l].sequences(edit).length === 0),
    );
    return {
      seed,
      arm,
      passages: lessons.length,
      status,
      ...(reason === undefined ? {} : { reason }),
      unparsable: unparsable.length,
      sequences: work[i].sequences?.length ?? 0,
      steps: training?.losses.length ?? 0,
      tokens: training?.tokens ?? 0,
      ...(training ? { lastLoss: training.losses.at(-1) } : {}),
      ...(used.length > 0 ? { completions: used.flat() } : {}),
      answers:
        status === "ok"
          ? lessons.map(({ id, questions }) => ({
              passage: id,
              answers: given
                .splice(0, questions.length)
                .map((answer, q) => ({ ...answer, golds: questions[q].golds })),
            }))
          : [],
      seconds,
    };
  });
}

/** Whether an arm trains on self-edits that a model wrote. */
function isSelfEdits(arm: PretrainingArm): boolean {
  return arm === "untrained self-edits" || isRoundArm(arm);
}

function candidateOf(variant: PretrainingVariant, run: Run): InnerLoopCandidate {
  const { arm, lessons, seed } = run;
  const questions = lessons.flatMap((lesson) => lesson.questions);
  if (arm === "untouched") return { questions };
  const sequences = trainingTexts(run, arm);
  return { sequences, questions, settings: settingsOf(variant, run, sequences.length, seed) };
}

/** All passages' training sequences, one after the other; a self-edit that does not parse has none. */
function trainingTexts(
  { lessons, edits }: Pick<Run, "lessons" | "edits">,
  arm: PretrainingArm,
): string[] {
  return lessons.flatMap((lesson, l) => {
    if (arm === "oracle") return lesson.sequences(lesson.oracle ?? "");
    if (isSelfEdits(arm)) return edits[l].flatMap((edit) => lesson.sequences(edit));
    return [lesson.passage];
  });
}

function settingsOf(
  { innerLoop, passagesOnlyRate }: PretrainingVariant,
  run: Run,
  sequences: number,
  seed: number,
): ChosenSettings {
  const settings = { ...innerLoop, seed: `${seed}/${run.lessons.length}` };
  if (!run.arm.startsWith("passages only")) return settings;
  const learningRate = passagesOnlyRate ?? innerLoop.learningRate;
  if (run.arm === "passages only") return { ...settings, learningRate };
  const wanted = stepCount(trainingTexts(run, "untrained self-edits").length, settings);
  const perEpoch = stepCount(sequences, { ...settings, epochs: 1 });
  return { ...settings, learningRate, epochs: Math.max(1, Math.round(wanted / perEpoch)) };
}
