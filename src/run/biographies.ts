/**
 * The whole of SEAL on the small world (paper, algorithm 1): rounds of sampling self-edits, scoring each by its adapter,
 * keeping the best and fine-tuning the model on writing such; with every control on the same held-out people.
 */
import { UserError } from "../errors";
import type { LoraSettings } from "../lora/settings";
import type { Model } from "../model/load";
import { disposeModel, loadModel } from "../model/load";
import { disposeWeights, sha256OfWeights } from "../model/weights";
import { createProgress, type Progress } from "../progress";
import { createRandom } from "../random";
import { fineTunePolicy, sampleSelfEdits } from "../restem/policy";
import { runInnerLoop, type InnerLoopCandidate, type InnerLoopResult } from "../restem/inner-loop";
import { rewardOf, selectByReward } from "../restem/rewards";
import { selectCandidates } from "../restem/select";
import {
  biographySequences,
  describeSelfEdit,
  oracleSelfEdit,
  selfEditLines,
} from "../tasks/biographies/selfedits";
import {
  biographySelfEditPrompt,
  judgeValue,
  questionPrompt,
  questionsAbout,
  writePassage,
} from "../tasks/biographies/texts";
import { createWorld, newPeople, type Person } from "../tasks/biographies/world";
import { biographyReport, type BiographyRollout } from "./biographies-report";
import { mapGroups } from "./at-once";
import type { BiographiesVariant } from "./biographies-variant";
import {
  checkpointOf,
  once,
  requireSameInputs,
  type ExperimentContext,
  type Outcome,
} from "./experiment";

type Arm = BiographyRollout["arm"];

/** A person with the passage that the model reads. */
interface Subject {
  readonly person: Person;
  readonly passage: string;
}

/** Where a group of candidates stands. */
interface GroupPlace {
  readonly arm: Arm;
  readonly round: number;
  readonly part: string;
  readonly start: number;
}

/** What differs between scorings. */
interface ScoreOptions {
  /** "held-out" unless told. */
  readonly part?: string;
  /** Laid over the variant's inner-loop settings. */
  readonly settings?: Partial<LoraSettings>;
}

/** Runs every seed and reports them together. */
export async function runBiographies(
  variant: BiographiesVariant,
  context: ExperimentContext,
): Promise<Outcome> {
  const model = await loadModel(variant.model);
  const rollouts: BiographyRollout[] = [];
  const clock = { generate: 0, train: 0, answer: 0 };
  const progress = createProgress(
    "inner loops",
    variant.seeds.length * candidatesPerSeed(variant),
    {
      quiet: context.quiet,
    },
  );
  try {
    await requireSameInputs(context, model.inputs);
    for (const seed of variant.seeds) {
      const run = new SeedRun(variant, context, model, seed, progress);
      rollouts.push(...(await run.all()));
      clock.generate += run.generateSeconds;
    }
  } finally {
    progress.stop();
    disposeModel(model);
  }
  for (const { seconds } of rollouts) {
    clock.train += seconds.train;
    clock.answer += seconds.answer;
  }
  return biographyReport(variant, rollouts, [...model.inputs], clock);
}

/** Number of adapters (or untrained readings) that one seed needs. */
export function candidatesPerSeed(variant: BiographiesVariant): number {
  const { train, heldOut } = variant.people;
  const rewards = train * variant.sampling.count * variant.rewardSeeds * variant.rounds;
  const evaluations = heldOut * variant.evaluationSamples * (1 + 2 * variant.rounds);
  return rewards + evaluations + 6 * heldOut;
}

/** One seed: its people, its policies, its arms. */
class SeedRun {
  generateSeconds = 0;
  private readonly train: Subject[];
  private readonly heldOut: Subject[];

  constructor(
    private readonly variant: BiographiesVariant,
    private readonly context: ExperimentContext,
    private readonly base: Model,
    private readonly seed: number,
    private readonly progress: Progress,
  ) {
    const { train, heldOut } = variant.people;
    const people = newPeople(createWorld(0), seed, train + heldOut).map((person) => ({
      person,
      passage: writePassage(person, createRandom(`passage/${seed}/${person.name}`)).text,
    }));
    this.train = people.slice(0, train);
    this.heldOut = people.slice(train);
  }

  async all(): Promise<BiographyRollout[]> {
    const controls = await this.controls();
    const untrained = await this.evaluate(this.base, "untrained self-edits", 0);
    const matched = await this.computeMatched(untrained, controls);
    const best = await this.rounds("best of K");
    const random = await this.rounds("random selection");
    return [...controls, ...matched, ...untrained, ...best, ...random];
  }

  /** Arms that need no self-edits of the model's own. */
  private async controls(): Promise<BiographyRollout[]> {
    const untouched = await this.score(this.base, "untouched", 0, this.heldOut, () => undefined);
    const open = await this.score(
      this.base,
      "passage in context",
      0,
      this.heldOut,
      () => undefined,
    );
    const passage = await this.score(this.base, "passage only", 0, this.heldOut, ({ passage }) => [
      passage,
    ]);
    const oracle = await this.score(this.base, "oracle", 0, this.heldOut, ({ person, passage }) =>
      biographySequences(oracleSelfEdit(person, createRandom(`oracle/${person.name}`)), passage),
    );
    return [...untouched, ...open, ...passage, ...oracle];
  }

  /** The passage alone, in so many epochs that it takes the tokens, or the steps, that the untrained self-edits take. */
  private async computeMatched(
    untrained: readonly BiographyRollout[],
    controls: readonly BiographyRollout[],
  ): Promise<BiographyRollout[]> {
    const parsed = untrained.filter(({ status }) => status === "ok");
    const passage = controls.filter(({ arm }) => arm === "passage only");
    const rollouts: BiographyRollout[] = [];
    for (const [arm, measure] of [
      ["passage only, matched tokens", (r: BiographyRollout) => r.tokens],
      ["passage only, matched steps", (r: BiographyRollout) => r.sequences],
    ] as const) {
      const ratio = meanOf(parsed.map(measure)) / meanOf(passage.map(measure));
      const epochs = Math.max(1, Math.round(this.variant.innerLoop.epochs * ratio));
      rollouts.push(
        ...(await this.score(this.base, arm, 0, this.heldOut, ({ passage }) => [passage], {
          settings: { epochs },
        })),
      );
    }
    return rollouts;
  }

  /** ReST-EM: sample, score, keep, fine-tune, evaluate; with random selection nothing needs a score. */
  private async rounds(arm: "best of K" | "random selection"): Promise<BiographyRollout[]> {
    const rollouts: BiographyRollout[] = [];
    let policy = this.base;
    for (let round = 1; round <= this.variant.rounds; round++) {
      const completions = await this.sample(
        policy,
        arm,
        round,
        this.train,
        this.variant.sampling.count,
      );
      const scored =
        arm === "best of K" ? await this.scoreSamples(policy, arm, round, completions) : [];
      const kept = this.keep(arm, round, completions, scored, await this.alone(policy, arm, round));
      const name = `${this.seed}/${arm}/${round}`;
      const settings = { ...this.variant.fineTuning, seed: name };
      const examples = this.examples(completions, kept);
      const checkpoint = checkpointOf(this.context, name);
      const next = await fineTunePolicy(policy, examples, settings, checkpoint);
      if (policy !== this.base) disposeWeights(policy.weights);
      policy = next;
      await this.checkPolicy(policy, arm, round);
      rollouts.push(...scored, ...(await this.evaluate(policy, arm, round)));
    }
    if (policy !== this.base) disposeWeights(policy.weights);
    return rollouts;
  }

  /**
   * A policy is not stored: a resumed run makes it again from the same self-edits (from its checkpoint, where that takes
   * long). That it is the same, bit for bit, is made sure of here, as everything after it depends on that.
   */
  private async checkPolicy(policy: Model, arm: Arm, round: number): Promise<void> {
    const { journal, log } = this.context;
    const name = `${this.seed}/${arm}/${round}/policy`;
    const sha256 = sha256OfWeights(policy.weights);
    if ((await once(journal, name, () => Promise.resolve(sha256))) !== sha256)
      throw new UserError(
        `${name}: made again, the policy is not the one of before; was the run begun on another machine?\nGo on there, or move the run's folder away to start anew.`,
      );
    log(`Policy ${name}: sha256 ${sha256}`);
  }

  /** Kept self-edits by person. */
  private keep(
    arm: Arm,
    round: number,
    completions: readonly (readonly string[])[],
    scored: readonly BiographyRollout[],
    passageOnly: readonly number[],
  ): number[][] {
    const { keep, sampling, reward = "accuracy" } = this.variant;
    const groups = completions.map((own, p) =>
      arm === "best of K"
        ? scored.slice(p * sampling.count, (p + 1) * sampling.count)
        : own.map((completion) => ({
            status:
              selfEditLines(completion).length > 0 ? ("ok" as const) : ("unparsable" as const),
          })),
    );
    return arm === "best of K"
      ? selectByReward(reward, groups, keep, passageOnly)
      : selectCandidates(groups, { kind: "random", count: keep, seed: `${this.seed}/${round}` });
  }

  /** For the reward "over passage": the accuracy of each training person's passage alone, NaN where there is none. */
  private async alone(policy: Model, arm: Arm, round: number): Promise<number[]> {
    if (this.variant.reward !== "over passage" || arm !== "best of K") return [];
    const passages = await this.score(
      policy,
      "passage only",
      round,
      this.train,
      ({ passage }) => [passage],
      { part: "reference" },
    );
    return passages.map(({ reward }) => reward ?? NaN);
  }

  private examples(
    completions: readonly (readonly string[])[],
    kept: readonly (readonly number[])[],
  ): { prompt: string; completion: string }[] {
    return kept.flatMap((indices, p) =>
      indices.map((index) => ({
        prompt: biographySelfEditPrompt(this.train[p].passage),
        completion: completions[p][index],
      })),
    );
  }

  /** `count` self-edits for each subject, journalled. */
  private async sample(
    policy: Model,
    arm: Arm,
    round: number,
    subjects: readonly Subject[],
    count: number,
  ): Promise<string[][]> {
    const part = subjects === this.train ? "train" : "held-out";
    // Round 1 of both lines draws the same self-edits from the same model.
    const line = round === 1 && part === "train" ? "both" : arm;
    const key = `${this.seed}/${line}/${round}/${part}/self-edits`;
    const written = await once(this.context.journal, key, async () => {
      const started = performance.now();
      const prompts = subjects.map(({ passage }) => biographySelfEditPrompt(passage));
      const texts = await sampleSelfEdits(
        policy,
        prompts,
        { ...this.variant.sampling, count },
        key,
        this.context.executor,
      );
      return { texts, seconds: (performance.now() - started) / 1000 };
    });
    this.generateSeconds += written.seconds;
    return written.texts;
  }

  /** Rewards of the training people's self-edits: means over the reward seeds. */
  private async scoreSamples(
    policy: Model,
    arm: Arm,
    round: number,
    completions: readonly (readonly string[])[],
  ): Promise<BiographyRollout[]> {
    const flat = completions.flatMap((own, p) =>
      own.map((completion) => ({ ...this.train[p], completion })),
    );
    const { reward: kind = "accuracy" } = this.variant;
    const repeats: BiographyRollout[][] = [];
    for (let r = 0; r < this.variant.rewardSeeds; r++)
      repeats.push(
        await this.score(policy, arm, round, flat, completionSequences, { part: `reward ${r}` }),
      );
    return repeats[0].map((first, i) => {
      const rewards = repeats.flatMap((all) => rewardOf(kind, all[i]) ?? []);
      const failed = repeats.map((all) => all[i]).find(({ status }) => status !== "ok");
      if (failed) return failed;
      return { ...first, reward: meanOf(rewards), rewards };
    });
  }

  /** Self-edits of a policy for the held-out people, each trained on and asked. */
  private async evaluate(policy: Model, arm: Arm, round: number): Promise<BiographyRollout[]> {
    const count = this.variant.evaluationSamples;
    const completions = await this.sample(policy, arm, round, this.heldOut, count);
    const flat = completions.flatMap((own, p) =>
      own.map((completion) => ({ ...this.heldOut[p], completion })),
    );
    return this.score(policy, arm, round, flat, completionSequences);
  }

  /** Trains and asks for every subject, a journalled group at a time. */
  private async score<S extends Subject & { readonly completion?: string }>(
    model: Model,
    arm: Arm,
    round: number,
    subjects: readonly S[],
    sequences: (subject: S) => string[] | undefined,
    { part = "held-out", settings = {} }: ScoreOptions = {},
  ): Promise<BiographyRollout[]> {
    const { journal, executor } = this.context;
    const groups = { size: this.variant.concurrency, limit: executor?.groupsAtOnce ?? 1 };
    return mapGroups(subjects, groups, async (group, start) => {
      const key = `${this.seed}/${arm}/${round}/${part}/${start}`;
      const finished = await once(journal, key, () =>
        this.scoreGroup(model, { arm, round, part, start }, group, sequences, settings),
      );
      this.progress.advance(group.length, describe(this.seed, arm, round, finished));
      return finished;
    });
  }

  private async scoreGroup<S extends Subject & { readonly completion?: string }>(
    model: Model,
    { arm, round, part, start }: GroupPlace,
    group: readonly S[],
    sequences: (subject: S) => string[] | undefined,
    settings: Partial<LoraSettings>,
  ): Promise<BiographyRollout[]> {
    const work = group.map((subject, i): InnerLoopCandidate => {
      const own = sequences(subject);
      const context = arm === "passage in context" ? subject.passage : undefined;
      return {
        ...(own ? { sequences: own } : {}),
        settings: {
          ...this.variant.innerLoop,
          ...settings,
          seed: `${this.seed}/${round}/${part}/${start + i}`,
        },
        questions: questionsAbout(subject.person).map(({ text, answer }) => ({
          prompt: questionPrompt(text, context),
          judge: (given: string) => judgeValue(answer, given),
          ...(this.variant.reward === "answer loss" ? { gold: answer } : {}),
        })),
      };
    });
    const results = await runInnerLoop(model, work, {
      concurrency: this.variant.concurrency,
      answerTokens: 2,
      ...(this.context.executor ? { executor: this.context.executor } : {}),
    });
    return group.map((subject, i) =>
      rolloutOf(this.seed, arm, round, part, subject, work[i], results[i]),
    );
  }
}

/** What a self-edit is trained as; empty where it has no sentence. */
function completionSequences({ completion, passage }: Subject & { completion: string }): string[] {
  return selfEditLines(completion).length > 0 ? biographySequences(completion, passage) : [];
}

function rolloutOf(
  seed: number,
  arm: Arm,
  round: number,
  part: string,
  subject: Subject & { readonly completion?: string },
  work: InnerLoopCandidate,
  { training, answers, ...result }: InnerLoopResult,
): BiographyRollout {
  const { completion, person, passage } = subject;
  return {
    seed,
    arm,
    round,
    part: part === "held-out" ? "held-out" : "train",
    person: person.name,
    passage,
    ...(completion === undefined
      ? {}
      : { completion, content: describeSelfEdit(completion, person) }),
    ...result,
    sequences: work.sequences?.length ?? 0,
    tokens: training?.tokens ?? 0,
    answers: answers.map(({ answer, verdict }, q) => ({
      question: questionsAbout(person)[q].text,
      gold: questionsAbout(person)[q].answer,
      answer,
      verdict,
    })),
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function describe(
  seed: number,
  arm: Arm,
  round: number,
  rollouts: readonly BiographyRollout[],
): string {
  const rewards = rollouts.flatMap(({ reward }) => reward ?? []);
  const mean = rewards.length > 0 ? meanOf(rewards).toFixed(2) : "none";
  return `seed ${seed}, ${arm}${round > 0 ? `, round ${round}` : ""}: mean reward ${mean}`;
}
