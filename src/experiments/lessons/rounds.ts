/**
 * Rounds of the outer loop on lessons: self-edits are sampled, scored by their adapters and selected, and the model is
 * fine-tuned on writing such, all of it journalled. What is asked of a policy afterwards is the experiments' matter.
 */
import type { InnerLoopSettings } from "../../full/settings";
import type { LoraSettings, TrainingSettings } from "../../lora/settings";
import type { Model } from "../../model/load";
import { runInnerLoop, type InnerLoopResult } from "../../restem/inner-loop";
import { keepByLine, scoreByLine, type Line, type ScoredCandidate } from "../../restem/lines";
import { outerLoop, type Round } from "../../restem/outer-loop";
import { sampleSelfEdits, type SelfEditSampling } from "../../restem/policy";
import { mapGroups } from "../../run/at-once";
import { once, onceWritten, type ExperimentContext } from "../../run/experiment";
import { learnPolicy } from "../../run/policy";
import type { Lesson, LessonQuestion } from "./lessons";

/** Settings of the rounds. */
export interface RoundSettings {
  readonly sampling: SelfEditSampling;
  readonly innerLoop: InnerLoopSettings;
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
  readonly settings?: Partial<TrainingSettings>;
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

/** A sampled self-edit: after its inner loops, or, in a line without rewards, only read. */
export type ScoredSelfEdit = TrialResult & ScoredCandidate;

/** What scoring one round took. */
export interface RoundCost {
  readonly adapters: number;
  readonly trainedTokens: number;
  readonly decodedAnswers: number;
  readonly measuredAnswers: number;
  readonly seconds: { readonly train: number; readonly answer: number };
}

/** A finished round, and what scoring it took. */
export interface LearnedRound extends Round<Lesson, ScoredSelfEdit> {
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

  /** All rounds of a line from `base`; `after` is given each round's policy, which is disposed of afterwards, and outcome. */
  async all(
    base: Model,
    line: Line,
    lessons: readonly (readonly Lesson[])[],
    after: (policy: Model, learned: LearnedRound) => Promise<void>,
  ): Promise<void> {
    const { context, settings, seed } = this;
    let inner: TrialResult[] = [];
    await outerLoop<Lesson, ScoredSelfEdit>({
      policy: base,
      tasks: lessons,
      write: (policy, own, round) =>
        this.sample(policy, this.key(line, round), own, settings.sampling.count),
      score: (policy, own, selfEdits, round) => {
        inner = [];
        return this.score(policy, line, round, own, selfEdits, (results) => inner.push(...results));
      },
      select: (scored, round) => keepByLine(line, scored, `${seed}/${round}`),
      imitate: (policy, examples, round) => {
        const name = `${seed}/${line.name}/${round}`;
        return learnPolicy(
          context,
          policy,
          examples.map(({ task, selfEdit }) => ({ prompt: task.prompt, completion: selfEdit })),
          { ...settings.fineTuning, seed: name },
          name,
        );
      },
      evaluate: (policy, round) => after(policy, { ...round, cost: costOf(inner) }),
    });
  }

  /** `count` self-edits for each lesson. The key is also their seed. */
  async sample(
    policy: Model,
    key: string,
    lessons: readonly Lesson[],
    count: number,
  ): Promise<string[][]> {
    const prompts = lessons.map(({ prompt }) => prompt);
    const sampling = { ...this.settings.sampling, count };
    const written = await onceWritten(this.context.journal, key, () =>
      sampleSelfEdits(policy, prompts, sampling, key, this.context.executor),
    );
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
        const work = group.map(({ sequences, questions, settings: own }, i) => ({
          ...(sequences ? { sequences } : {}),
          questions,
          settings: {
            ...settings.innerLoop,
            ...own,
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

  /** In round 1 all lines draw the same self-edits from the same model, and score them by the same inner loops. */
  private placeOf(line: Line, round: number): Omit<TrialPlace, "part"> {
    return { line: round === 1 ? "both" : line.name, round };
  }

  private key(line: Line, round: number): string {
    return `${this.seed}/${this.placeOf(line, round).line}/${round}/train/self-edits`;
  }

  /** Every self-edit by its inner loops; without a reward only whether it parses. */
  private async score(
    policy: Model,
    line: Line,
    round: number,
    lessons: readonly Lesson[],
    selfEdits: readonly (readonly string[])[],
    onResults: (results: readonly TrialResult[]) => void,
  ): Promise<ScoredSelfEdit[][]> {
    if (line.reward === undefined) return unscored(lessons, selfEdits);
    const place = this.placeOf(line, round);
    const trials = lessons.flatMap(({ sequences, questions }, l) =>
      selfEdits[l].map((selfEdit) => ({ sequences: sequences(selfEdit), questions })),
    );
    const kept = async (results: Promise<TrialResult[]>): Promise<TrialResult[]> => {
      onResults(await results);
      return results;
    };
    return scoreByLine(line, selfEdits, {
      run: (repeat, decode) =>
        kept(this.run(policy, { ...place, part: `reward ${repeat}` }, trials, { decode })),
      reference: () =>
        kept(this.run(policy, { ...place, part: "reference" }, lessons.map(passageOnly))),
    });
  }
}

/** The passage alone. */
export function passageOnly({ passage, questions }: Lesson): Trial {
  return { sequences: [passage], questions };
}

/** Self-edits of which only is known whether they parse, and how long they are. */
function unscored(
  lessons: readonly Lesson[],
  selfEdits: readonly (readonly string[])[],
): ScoredSelfEdit[][] {
  return selfEdits.map((own, l) =>
    own.map((selfEdit) => {
      const sequences = lessons[l].sequences(selfEdit).length;
      const status = sequences > 0 ? "ok" : "unparsable";
      const seconds = { train: 0, answer: 0 };
      return { status, length: selfEdit.length, sequences, tokens: 0, answers: [], seconds };
    }),
  );
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
