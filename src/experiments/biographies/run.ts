/**
 * The whole of SEAL on the small world (paper, algorithm 1): rounds of sampling self-edits, scoring each by its adapter,
 * keeping the best and fine-tuning the model on writing such; with every control on the same held-out people.
 */
import type { Model } from "../../model/load";
import type { Progress } from "../../messages/progress";
import { mean } from "../../statistics/statistics";
import { describeSelfEdit } from "../../tasks/biographies/selfedits";
import { questionPrompt } from "../../tasks/biographies/texts";
import { createWorld, newPeople, type Person } from "../../tasks/biographies/world";
import { biographyReport } from "./report";
import type { BiographyRollout, LineCost } from "./rollout";
import { peopleOfSeed, roundLines, type BiographiesVariant } from "./variant";
import type { ExperimentContext, Outcome } from "../../run/experiment";
import { withModel } from "../../run/with-model";
import type { Line } from "../../restem/lines";
import {
  LessonRounds,
  passageOnly,
  type Trial,
  type TrialPlace,
  type TrialResult,
} from "../lessons/rounds";
import { personLesson, type Lesson } from "../lessons/lessons";

/** A person with what is learned and asked about them. */
interface Subject {
  readonly person: Person;
  readonly lesson: Lesson;
}

/** An arm's trial. */
interface Attempt extends Trial {
  readonly subject: Subject;
  readonly completion?: string;
}

/** Runs every seed and reports them together. */
export function runBiographies(
  variant: BiographiesVariant,
  context: ExperimentContext,
): Promise<Outcome> {
  const { seeds } = variant;
  const ahead = { label: "inner loops", total: seeds.length * candidatesPerSeed(variant) };
  return withModel(variant.model, context, ahead, async ({ model, progress, inputs }) => {
    const rollouts: BiographyRollout[] = [];
    const costs: LineCost[] = [];
    let generate = 0;
    for (const seed of seeds) {
      const run = new SeedRun(variant, context, model, seed, progress);
      rollouts.push(...(await run.all()));
      costs.push(...run.costs);
      generate += run.generateSeconds;
    }
    return biographyReport(variant, rollouts, { inputs, generate, costs });
  });
}

/** Number of adapters (or untrained readings) that one seed needs. */
export function candidatesPerSeed(variant: BiographiesVariant): number {
  const { train, heldOut } = variant.people;
  const lines = roundLines(variant);
  const inARound = lines.map(
    ({ reward, rewardSeeds }) =>
      (reward === undefined ? 0 : train * variant.sampling.count * rewardSeeds) +
      (reward === "over passage" ? train : 0),
  );
  const rewards = variant.rounds * inARound.reduce((sum, count) => sum + count, 0);
  const evaluations = heldOut * variant.evaluationSamples * (1 + lines.length * variant.rounds);
  return rewards + evaluations + 6 * heldOut;
}

/** One seed: its people, its policies, its arms. */
class SeedRun {
  readonly costs: LineCost[] = [];
  /** Those of each round. */
  private readonly train: readonly (readonly Subject[])[];
  private readonly heldOut: readonly Subject[];
  private readonly rounds: LessonRounds;

  constructor(
    private readonly variant: BiographiesVariant,
    context: ExperimentContext,
    private readonly base: Model,
    private readonly seed: number,
    progress: Progress,
  ) {
    const { train, heldOut } = variant.people;
    const subjects = newPeople(createWorld(0), seed, peopleOfSeed(variant)).map((person) => ({
      person,
      lesson: personLesson(person, seed, true),
    }));
    this.heldOut = subjects.slice(train, train + heldOut);
    // The held-out people are the same, whoever else is drawn.
    const learned = [...subjects.slice(0, train), ...subjects.slice(train + heldOut)];
    this.train = Array.from({ length: variant.rounds }, (_, r) => {
      const first = variant.newPeople ? r * train : 0;
      return learned.slice(first, first + train);
    });
    this.rounds = new LessonRounds({ ...variant, answerTokens: 2 }, context, seed, (place, done) =>
      progress.advance(done.length, describe(seed, place, done)),
    );
  }

  get generateSeconds(): number {
    return this.rounds.generateSeconds;
  }

  async all(): Promise<BiographyRollout[]> {
    const controls = await this.controls();
    const untrained = await this.evaluate(this.base, "untrained self-edits", 0);
    const matched = await this.computeMatched(untrained, controls);
    const rollouts = [...controls, ...matched, ...untrained];
    for (const line of roundLines(this.variant)) rollouts.push(...(await this.line(line)));
    return rollouts;
  }

  /** Arms that need no self-edits of the model's own. */
  private async controls(): Promise<BiographyRollout[]> {
    const arm = (name: string, trial: (subject: Subject) => Trial): Promise<BiographyRollout[]> =>
      this.score(
        this.base,
        name,
        0,
        this.heldOut.map((subject) => ({ subject, ...trial(subject) })),
      );
    const untouched = await arm("untouched", ({ lesson }) => ({ questions: lesson.questions }));
    const open = await arm("passage in context", ({ lesson: { questions, passage } }) => ({
      questions: questions.map((one) => ({ ...one, prompt: questionPrompt(one.text, passage) })),
    }));
    const passage = await arm("passage only", ({ lesson }) => passageOnly(lesson));
    const oracle = await arm("oracle", ({ lesson }) => ({
      sequences: lesson.sequences(lesson.oracle ?? ""),
      questions: lesson.questions,
    }));
    return [...untouched, ...open, ...passage, ...oracle];
  }

  /** The passage alone, in so many epochs that it takes the tokens, or the steps, that the untrained self-edits take. */
  private async computeMatched(
    untrained: readonly BiographyRollout[],
    controls: readonly BiographyRollout[],
  ): Promise<BiographyRollout[]> {
    const ok = untrained.filter(({ status }) => status === "ok");
    const passage = controls.filter(({ arm }) => arm === "passage only");
    const rollouts: BiographyRollout[] = [];
    for (const [arm, measure] of [
      ["passage only, matched tokens", (r: BiographyRollout) => r.tokens],
      ["passage only, matched steps", (r: BiographyRollout) => r.sequences],
    ] as const) {
      const ratio = mean(ok.map(measure)) / mean(passage.map(measure));
      const epochs = Math.max(1, Math.round(this.variant.innerLoop.epochs * ratio));
      const trials = this.heldOut.map((subject) => ({
        subject,
        ...passageOnly(subject.lesson),
        settings: { epochs },
      }));
      rollouts.push(...(await this.score(this.base, arm, 0, trials)));
    }
    return rollouts;
  }

  /** The outer loop: each round's scored samples, and how its policy does on the held-out people. */
  private async line(line: Line): Promise<BiographyRollout[]> {
    const rollouts: BiographyRollout[] = [];
    const { name: arm } = line;
    const lessons = this.train.map((subjects) => subjects.map(({ lesson }) => lesson));
    await this.rounds.all(this.base, line, lessons, async (policy, learned) => {
      const { round, selfEdits, scored, kept, cost } = learned;
      const place = { seed: this.seed, arm, round };
      const subjects = this.train[round - 1];
      if (line.reward !== undefined)
        rollouts.push(
          ...subjects.flatMap((subject, s) =>
            scored[s].map((result, i) =>
              rolloutOf({ ...place, part: "train" }, subject, {
                ...result,
                completion: selfEdits[s][i],
              }),
            ),
          ),
        );
      rollouts.push(...(await this.evaluate(policy, arm, round)));
      this.costs.push({ ...place, ...cost, kept: kept.length });
    });
    return rollouts;
  }

  /** Self-edits of a policy for the held-out people, each trained on and asked. */
  private async evaluate(policy: Model, arm: string, round: number): Promise<BiographyRollout[]> {
    const count = this.variant.evaluationSamples;
    const lessons = this.heldOut.map(({ lesson }) => lesson);
    const key = `${this.seed}/${arm}/${round}/held-out/self-edits`;
    const completions = await this.rounds.sample(policy, key, lessons, count);
    const attempts = this.heldOut.flatMap((subject, p) =>
      completions[p].map((completion) => ({
        subject,
        completion,
        sequences: subject.lesson.sequences(completion),
        questions: subject.lesson.questions,
      })),
    );
    return this.score(policy, arm, round, attempts);
  }

  private async score(
    model: Model,
    arm: string,
    round: number,
    attempts: readonly Attempt[],
  ): Promise<BiographyRollout[]> {
    const place = { line: arm, round, part: "held-out" };
    const results = await this.rounds.run(model, place, attempts);
    return attempts.map(({ subject, completion }, i) =>
      rolloutOf({ seed: this.seed, arm, round, part: "held-out" }, subject, {
        ...(completion === undefined ? {} : { completion }),
        ...results[i],
      }),
    );
  }
}

function rolloutOf(
  place: Pick<BiographyRollout, "seed" | "arm" | "round" | "part">,
  { person, lesson }: Subject,
  { completion, answers, ...result }: TrialResult & { readonly completion?: string },
): BiographyRollout {
  return {
    ...place,
    person: person.name,
    passage: lesson.passage,
    ...(completion === undefined
      ? {}
      : { completion, content: describeSelfEdit(completion, person) }),
    ...result,
    answers: answers.map((answer, q) => {
      const { text: question, gold } = lesson.questions[q];
      return { question, gold, ...answer };
    }),
  };
}

function describe(
  seed: number,
  { line, round }: TrialPlace,
  results: readonly TrialResult[],
): string {
  const rewards = results.flatMap(({ reward }) => reward ?? []);
  const shown = rewards.length > 0 ? mean(rewards).toFixed(2) : "none";
  return `seed ${seed}, ${line}${round > 0 ? `, round ${round}` : ""}: mean reward ${shown}`;
}
