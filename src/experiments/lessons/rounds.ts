/**
 * Rounds of ReST-EM on lessons (paper, algorithm 1): self-edits are sampled, scored by their adapters and selected, and
 * the model is fine-tuned on writing such. What is asked of a policy after its rounds is the experiments' matter.
 */
import { UserError } from "../../messages/errors";
import type { LoraSettings } from "../../lora/settings";
import type { Model } from "../../model/load";
import { disposeWeights, sha256OfWeights } from "../../model/weights";
import { runInnerLoop, type InnerLoopResult } from "../../restem/inner-loop";
import { fineTunePolicy, sampleSelfEdits, type SelfEditSampling } from "../../restem/policy";
import { rewardOf, selectByReward, type RewardKind } from "../../restem/rewards";
import { selectCandidates } from "../../restem/select";
import { mean } from "../../statistics/statistics";
import { mapGroups } from "../../run/at-once";
import { checkpointOf, once, type ExperimentContext } from "../../run/experiment";
import type { Lesson, LessonQuestion } from "./lessons";

/** One way to go through the rounds. */
export interface RoundLine {
  /** Part of its journal keys and seeds. */
  readonly name: string;
  /** What self-edits are kept for. Absent: they are kept at random, which is the control and needs no inner loops. */
  readonly reward?: RewardKind;
  /** Inner loops whose mean is a self-edit's reward. */
  readonly rewardSeeds: number;
}

/** Settings of the rounds. */
export interface RoundSettings {
  readonly sampling: SelfEditSampling;
  readonly innerLoop: Omit<LoraSettings, "seed">;
  /** Self-edits kept for each lesson. */
  readonly keep: number;
  readonly fineTuning: Omit<LoraSettings, "seed">;
  /** Adapters trained at once. */
  readonly concurrency: number;
  /** Most tokens of an answer. */
  readonly answerTokens: number;
}

/** An adapter to be trained and asked. */
export interface Trial {
  /** Absent: nothing is trained. Empty: the self-edit did not parse. */
  readonly sequences?: readonly string[];
  /** Laid over the inner loop's settings. */
  readonly settings?: Partial<LoraSettings>;
  readonly questions: readonly LessonQuestion[];
}

/** How it came out. */
export interface TrialResult extends Omit<InnerLoopResult, "training"> {
  /** Training sequences. */
  readonly sequences: number;
  /** Tokens trained on, over all epochs. */
  readonly tokens: number;
}

/** Where trials stand in a run. */
export interface TrialPlace {
  readonly line: string;
  readonly round: number;
  /** Trials of different parts have different seeds. */
  readonly part: string;
}

/** A sampled self-edit after its inner loops: the first one's result with the mean reward; a failed one's where one failed. */
export interface ScoredSelfEdit extends TrialResult {
  readonly lesson: number;
  readonly completion: string;
  /** One for each inner loop. */
  readonly rewards?: readonly number[];
}

/** What scoring one round took. */
export interface RoundCost {
  readonly adapters: number;
  readonly trainedTokens: number;
  readonly decodedAnswers: number;
  readonly measuredAnswers: number;
  readonly seconds: { readonly train: number; readonly answer: number };
}

/** A finished round. */
export interface LearnedRound {
  /** The caller's to dispose; the policy that it came from where nothing was kept. */
  readonly policy: Model;
  /** Lessons' self-edits one after the other; empty with random selection. */
  readonly scored: readonly ScoredSelfEdit[];
  /** Kept indices of each lesson's self-edits. */
  readonly kept: readonly (readonly number[])[];
  readonly cost: RoundCost;
}

/** The rounds of one seed. */
export class LessonRounds {
  /** Time spent on writing self-edits so far. */
  generateSeconds = 0;

  constructor(
    private readonly settings: RoundSettings,
    private readonly context: ExperimentContext,
    private readonly seed: number,
    /** Told of every finished group of trials. */
    private readonly onTrials: (place: TrialPlace, results: readonly TrialResult[]) => void,
  ) {}

  /** All rounds of a line from `base`; `after` is given each round's outcome, whose policy is disposed of afterwards. */
  async all(
    base: Model,
    line: RoundLine,
    rounds: number,
    lessons: readonly Lesson[],
    after: (learned: LearnedRound, round: number) => Promise<void>,
  ): Promise<void> {
    let policy = base;
    try {
      for (let round = 1; round <= rounds; round++) {
        const learned = await this.learn(policy, line, round, lessons);
        if (policy !== base && policy !== learned.policy) disposeWeights(policy.weights);
        policy = learned.policy;
        await after(learned, round);
      }
    } finally {
      if (policy !== base) disposeWeights(policy.weights);
    }
  }

  /** `count` self-edits for each lesson. The key is also their seed. */
  async sample(
    policy: Model,
    key: string,
    lessons: readonly Lesson[],
    count: number,
  ): Promise<string[][]> {
    const written = await once(this.context.journal, key, async () => {
      const started = performance.now();
      const prompts = lessons.map(({ prompt }) => prompt);
      const sampling = { ...this.settings.sampling, count };
      const texts = await sampleSelfEdits(policy, prompts, sampling, key, this.context.executor);
      return { texts, seconds: (performance.now() - started) / 1000 };
    });
    this.generateSeconds += written.seconds;
    return written.texts;
  }

  /** Trains and asks for every trial, a journalled group at a time. With `decode` false the right answers' losses are measured. */
  async run(
    model: Model,
    place: TrialPlace,
    trials: readonly Trial[],
    { decode = true } = {},
  ): Promise<TrialResult[]> {
    const { context, settings, seed } = this;
    const { line, round, part } = place;
    const groups = { size: settings.concurrency, limit: context.executor?.groupsAtOnce ?? 1 };
    return mapGroups(trials, groups, async (group, start) => {
      const key = `${seed}/${line}/${round}/${part}/${decode ? "" : "losses/"}${start}`;
      const finished = await once(context.journal, key, async () => {
        const work = group.map((trial, i) => ({
          ...trial,
          settings: {
            ...settings.innerLoop,
            ...trial.settings,
            seed: `${seed}/${round}/${part}/${start + i}`,
          },
        }));
        const results = await runInnerLoop(model, work, {
          concurrency: settings.concurrency,
          answerTokens: decode ? settings.answerTokens : 0,
          ...(context.executor ? { executor: context.executor } : {}),
        });
        return results.map(({ training, ...result }, i): TrialResult => ({
          ...result,
          sequences: work[i].sequences?.length ?? 0,
          tokens: training?.tokens ?? 0,
        }));
      });
      this.onTrials(place, finished);
      return finished;
    });
  }

  /** Samples, scores, keeps, fine-tunes. */
  private async learn(
    policy: Model,
    line: RoundLine,
    round: number,
    lessons: readonly Lesson[],
  ): Promise<LearnedRound> {
    const { keep, sampling } = this.settings;
    // In round 1 all lines draw the same self-edits from the same model, and score them by the same inner loops.
    const place = { line: round === 1 ? "both" : line.name, round };
    const key = `${this.seed}/${place.line}/${round}/train/self-edits`;
    const completions = await this.sample(policy, key, lessons, sampling.count);
    const repeats = await this.repeats(policy, line, place, lessons, completions);
    const alone = await this.passagesAlone(policy, line, place, lessons);
    const scored = scoredSelfEdits(line, completions, repeats);
    const kept =
      line.reward === undefined
        ? selectCandidates(parsed(lessons, completions), {
            kind: "random",
            count: keep,
            seed: `${this.seed}/${round}`,
          })
        : selectByReward(
            line.reward,
            lessons.map((_, l) => scored.filter(({ lesson }) => lesson === l)),
            keep,
            alone.map(({ reward }) => reward ?? NaN),
          );
    const examples = kept.flatMap((indices, l) =>
      indices.map((i) => ({ prompt: lessons[l].prompt, completion: completions[l][i] })),
    );
    const name = `${this.seed}/${line.name}/${round}`;
    const settings = { ...this.settings.fineTuning, seed: name };
    const next =
      examples.length > 0
        ? await fineTunePolicy(policy, examples, settings, checkpointOf(this.context, name))
        : policy;
    await this.checkPolicy(next, name);
    return { policy: next, scored, kept, cost: costOf([...repeats.flat(), ...alone]) };
  }

  /** Every self-edit's inner loops: [repeat][self-edit]. */
  private async repeats(
    policy: Model,
    { reward, rewardSeeds }: RoundLine,
    place: Omit<TrialPlace, "part">,
    lessons: readonly Lesson[],
    completions: readonly (readonly string[])[],
  ): Promise<TrialResult[][]> {
    if (reward === undefined) return [];
    const trials = lessons.flatMap(({ sequences, questions }, l) =>
      completions[l].map((completion) => ({ sequences: sequences(completion), questions })),
    );
    const decode = reward !== "answer loss";
    const repeats: TrialResult[][] = [];
    for (let r = 0; r < rewardSeeds; r++)
      repeats.push(await this.run(policy, { ...place, part: `reward ${r}` }, trials, { decode }));
    return repeats;
  }

  /** For the reward "over passage": adapters of the lessons' passages alone. */
  private async passagesAlone(
    policy: Model,
    { reward }: RoundLine,
    place: Omit<TrialPlace, "part">,
    lessons: readonly Lesson[],
  ): Promise<TrialResult[]> {
    if (reward !== "over passage") return [];
    const trials = lessons.map(({ passage, questions }) => ({ sequences: [passage], questions }));
    return this.run(policy, { ...place, part: "reference" }, trials);
  }

  /**
   * A policy is not stored: a resumed run makes it again from the same self-edits (from its checkpoint, where that takes
   * long). That it is the same, bit for bit, is made sure of here, as everything after it depends on that.
   */
  private async checkPolicy(policy: Model, name: string): Promise<void> {
    const { journal, log } = this.context;
    const sha256 = await sha256OfWeights(policy.weights);
    if ((await once(journal, `${name}/policy`, () => Promise.resolve(sha256))) !== sha256)
      throw new UserError(
        `${name}/policy: made again, the policy is not the one of before; was the run begun on another machine?\nGo on there, or move the run's folder away to start anew.`,
      );
    log(`Policy ${name}: sha256 ${sha256}`);
  }
}

/** Self-edits as candidates of which only is known whether they parse. */
function parsed(
  lessons: readonly Lesson[],
  completions: readonly (readonly string[])[],
): { status: "ok" | "unparsable" }[][] {
  return completions.map((own, l) =>
    own.map((completion) => ({
      status: lessons[l].sequences(completion).length > 0 ? "ok" : "unparsable",
    })),
  );
}

function scoredSelfEdits(
  { reward }: RoundLine,
  completions: readonly (readonly string[])[],
  repeats: readonly (readonly TrialResult[])[],
): ScoredSelfEdit[] {
  if (reward === undefined) return [];
  const places = completions.flatMap((own, lesson) =>
    own.map((completion) => ({ lesson, completion })),
  );
  return places.map((place, i) => {
    const own = repeats.map((all) => all[i]);
    const failed = own.find(({ status }) => status !== "ok");
    if (failed) return { ...failed, ...place };
    const rewards = own.flatMap((result) => rewardOf(reward, result) ?? []);
    return { ...own[0], ...place, ...(rewards.length > 0 && { reward: mean(rewards) }), rewards };
  });
}

function costOf(results: readonly TrialResult[]): RoundCost {
  const sum = (value: (result: TrialResult) => number): number =>
    results.reduce((total, result) => total + value(result), 0);
  return {
    adapters: results.filter(({ tokens }) => tokens > 0).length,
    trainedTokens: sum(({ tokens }) => tokens),
    decodedAnswers: sum(({ answers }) => answers.length),
    measuredAnswers: sum(({ answerLosses = [] }) => answerLosses.length),
    seconds: {
      train: sum(({ seconds }) => seconds.train),
      answer: sum(({ seconds }) => seconds.answer),
    },
  };
}
