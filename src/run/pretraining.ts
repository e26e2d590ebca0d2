/**
 * Continued pretraining (paper, table 2, right): one adapter for many passages, trained on all their self-edits
 * together, and asked about all of them. Numbers and figures are pretraining-report.ts's.
 */
import type { LoraSettings } from "../lora/settings";
import { stepCount } from "../lora/plan";
import { disposeModel, loadModel, type Model } from "../model/load";
import { createProgress, downloadProgress } from "../progress";
import { runInnerLoop, type InnerLoopCandidate } from "../restem/inner-loop";
import type { Executor } from "../restem/group";
import { mapGroups } from "./at-once";
import { once, requireSameInputs, type ExperimentContext, type Outcome } from "./experiment";
import { openLessons, writeSelfEdits, type Lesson } from "./lessons";
import { pretrainingReport, type PretrainingRollout } from "./pretraining-report";
import type { PretrainingArm, PretrainingVariant } from "./pretraining-variant";

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
  const { quiet, journal, executor } = context;
  const model = await loadModel(variant.model, {
    onProgress: downloadProgress(variant.model, { quiet }),
  });
  const inputs = [...model.inputs, ...source.inputs];
  const { seeds, arms, passages, concurrency } = variant;
  const total = seeds.length * arms.length * passages.length;
  const progress = createProgress("training runs", total, { quiet });
  const rollouts: PretrainingRollout[] = [];
  const clock = { generate: 0 };
  try {
    await requireSameInputs(context, inputs);
    for (const seed of seeds) {
      const lessons = source.draw(seed, Math.max(...passages));
      const written = await once(journal, `${seed}/self-edits`, () =>
        writeEdits(model, variant, lessons, seed),
      );
      clock.generate += written.seconds;
      const runs = passages.flatMap((count) =>
        arms.map((arm): Run => ({
          seed,
          arm,
          lessons: lessons.slice(0, count),
          edits: written.edits,
        })),
      );
      const groups = { size: concurrency, limit: executor?.groupsAtOnce ?? 1 };
      const finished = await mapGroups(runs, groups, async (group, start) => {
        const work = (): Promise<PretrainingRollout[]> => runGroup(model, variant, group, executor);
        const results = await once(journal, `${seed}/${start}`, work);
        progress.advance(group.length);
        return results;
      });
      rollouts.push(...finished);
    }
  } finally {
    progress.stop();
    disposeModel(model);
  }
  return pretrainingReport(variant, rollouts, inputs, clock.generate);
}

async function writeEdits(
  model: Model,
  variant: PretrainingVariant,
  lessons: readonly Lesson[],
  seed: number,
): Promise<{ edits: string[][]; seconds: number }> {
  const needed = variant.arms.some((arm) => arm.endsWith("self-edits") || arm.endsWith("steps"));
  if (!needed) return { edits: lessons.map(() => []), seconds: 0 };
  const started = performance.now();
  const settings = { author: "model" as const, sampling: variant.sampling };
  const edits = await writeSelfEdits(model, lessons, settings, `pretraining/${seed}`);
  return { edits, seconds: (performance.now() - started) / 1000 };
}

async function runGroup(
  model: Model,
  variant: PretrainingVariant,
  group: readonly Run[],
  executor: Executor | undefined,
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
    const used = arm === "untrained self-edits" ? edits.slice(0, lessons.length) : [];
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
              answers: given.splice(0, questions.length),
            }))
          : [],
      seconds,
    };
  });
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
    if (arm === "untrained self-edits") return edits[l].flatMap((edit) => lesson.sequences(edit));
    return [lesson.passage];
  });
}

function settingsOf(
  { innerLoop, passagesOnlyRate }: PretrainingVariant,
  run: Run,
  sequences: number,
  seed: number,
): LoraSettings {
  const settings = { ...innerLoop, seed: `${seed}/${run.lessons.length}` };
  if (!run.arm.startsWith("passages only")) return settings;
  const learningRate = passagesOnlyRate ?? innerLoop.learningRate;
  if (run.arm === "passages only") return { ...settings, learningRate };
  const wanted = stepCount(trainingTexts(run, "untrained self-edits").length, settings);
  const perEpoch = stepCount(sequences, { ...settings, epochs: 1 });
  return { ...settings, learningRate, epochs: Math.max(1, Math.round(wanted / perEpoch)) };
}
