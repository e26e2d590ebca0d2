/** What every part of the benchmark works with: the model, the jobs, the peers, and the fastest times so far. */
import { trainAdapters } from "../lora/train";
import type { TargetName } from "../model/adapters";
import type { Model } from "../model/load";
import { countPadding, operationsPerToken, representative } from "./arithmetic";
import type { LlamaHello } from "./llama";
import type { PeerHello } from "./peer";
import type { Peer } from "./peer-process";
import type { MeasuredRow } from "./rows";
import * as work from "./workload";

/** One part of the benchmark. */
export interface BenchPart {
  readonly title: string;
  /** Parts whose times its rows are made from. */
  readonly needs?: readonly string[];
  /** What is timed in every round, in each precision. */
  measure?(bench: Bench, precision: work.Precision): Promise<void>;
  /** After all rounds: its rows, and what is measured once. A row of NaN is one that was not measured. */
  rows(bench: Bench): Promise<MeasuredRow[]>;
}

/** What a run works with. */
export interface BenchGiven {
  readonly modelId: string;
  readonly model: Model;
  /** The same with its matrices in bfloat16, where the processor multiplies that. */
  readonly halfModel?: Model;
  /** Lengths of all of SEAL's self-edits. */
  readonly lengths: readonly work.Lengths[];
  readonly precisions: readonly work.Precision[];
  readonly rounds: number;
  readonly quick: boolean;
  readonly peer?: Peer<PeerHello>;
  /** Where the model is a GGUF file and decoding is measured. */
  readonly llama?: Peer<LlamaHello>;
}

/** The state of a run. */
export class Bench {
  /** Operations a second of the machine's fastest product. */
  peak = 0;
  /** Ten jobs that stand for all. */
  readonly jobs: readonly work.Lengths[];
  readonly padding: ReturnType<typeof countPadding>;
  readonly meanTokens: number;
  private readonly fastest = new Map<string, number>();

  constructor(readonly given: BenchGiven) {
    const { lengths } = given;
    this.jobs = representative(lengths, 10);
    this.padding = countPadding(lengths, work.PAD_TO);
    this.meanTokens = this.padding.tokens / lengths.length;
  }

  /** The model whose matrices are in this precision. */
  model(precision: work.Precision): Model {
    return precision === work.HALF ? this.given.halfModel! : this.given.model;
  }

  /** The same without end tokens, so that all sides write equally many. */
  endless(precision: work.Precision): Model {
    const model = this.model(precision);
    return { ...model, config: { ...model.config, eosTokenIds: [] } };
  }

  /** Trains one epoch of these jobs. The adapters are plain numbers. */
  train(
    precision: work.Precision,
    jobs: readonly work.Lengths[],
    concurrency: number,
    targets: readonly TargetName[],
  ): ReturnType<typeof trainAdapters> {
    const settings = { epochs: 1, rank: work.RANK, targets: [...targets] };
    const model = this.model(precision);
    const own = work.sequencesOf(jobs, model.config.vocabularySize).map((rows) => ({
      sequences: rows.map((ids) => ({ ids })),
      settings,
    }));
    return trainAdapters(model, own, { concurrency });
  }

  /** The same as a request to the peer. */
  trainRequest(jobs: readonly work.Lengths[], targets: readonly TargetName[]): object {
    const settings = { rank: work.RANK, alpha: 2 * work.RANK, epochs: 1, targets };
    const { vocabularySize } = this.given.model.config;
    return { do: "train", settings, jobs: work.sequencesOf(jobs, vocabularySize) };
  }

  /** Times work of ours. */
  async time(name: string, precision: work.Precision, run: () => Promise<unknown>): Promise<void> {
    const start = performance.now();
    await run();
    this.keep(name, precision, (performance.now() - start) / 1000);
  }

  /** Has the peer do and time a request, where there is one; its weights are in the same precision. */
  async timePeer(name: string, precision: work.Precision, request: object): Promise<void> {
    const answer = await this.given.peer?.ask({ ...request, bfloat16: precision === work.HALF });
    if (answer) this.keep(name, precision, answer.seconds.total);
  }

  /** Keeps the fewest seconds. */
  keep(name: string, precision: work.Precision, seconds: number): void {
    const key = `${name}, ${precision.name}`;
    this.fastest.set(key, Math.min(seconds, this.fastest.get(key) ?? Infinity));
  }

  /** Fewest seconds of what was timed; NaN where nothing was. */
  seconds(name: string, precision: Pick<work.Precision, "name">): number {
    return this.fastest.get(`${name}, ${precision.name}`) ?? NaN;
  }

  /** Tokens a second that the fastest product would allow in training. */
  bound(targets: readonly TargetName[]): number {
    return this.peak / operationsPerToken(this.given.model.config, work.RANK, targets);
  }
}
