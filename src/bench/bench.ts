/**
 * The benchmark: every part measured interleaved with the peer, several rounds, the fastest of each kept; the machine's own
 * product is timed in the same rounds. What the figures mean is in experiments/bench/README.md.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { engineInfo } from "../engine";
import { errorMessage } from "../errors";
import { hasFusedKernels, product, useBfloat16 } from "../engine/fused";
import { generate, generateGroups } from "../lora/generate";
import { trainAdapters } from "../lora/train";
import { TARGET_NAMES, type TargetName } from "../model/adapters";
import { loadModel, type Model } from "../model/load";
import {
  adaptersPerMinute,
  busyShare,
  countPadding,
  idsOf,
  operationsPerToken,
  PARTS,
  representative,
  type Part,
} from "./arithmetic";
import type { ChildAnswer, ChildTask } from "./child";
import { exportModel, peerPython, PEER_PACKAGES, startPeer, type Peer } from "./peer";

/** What to measure. */
export interface BenchOptions {
  readonly model: string;
  readonly parts: readonly Part[];
  readonly rounds: number;
  /** Fewer points of each part. */
  readonly quick: boolean;
  readonly peer: boolean;
  readonly note: (text: string) => void;
}

/** One measured figure. */
export interface BenchRow {
  readonly part: Part;
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  /** The peer's figure for the same work, and how many times better ours is. */
  readonly peer?: number;
  readonly ratio?: number;
  /** Share of what the machine's product peak allows. */
  readonly shareOfPeak?: number;
  readonly aim?: string;
}

/** All that a run found. */
export interface BenchResult {
  readonly busyBefore: number;
  readonly busyAfter: number;
  /** Operations a second of the fastest product, in 1e9. */
  readonly peakGflops: number;
  readonly boundTokensPerSecond: Readonly<Record<string, number>>;
  readonly engine: object;
  readonly peer: object | null;
  readonly rounds: number;
  readonly rows: readonly BenchRow[];
  /** Parts that ended with an error. */
  readonly failures: readonly { readonly part: Part; readonly reason: string }[];
}

const EPOCHS = 10;
const PAD_TO = 2048;
const RANK = 32;
const QUESTIONS = 5;
const ANSWER_TOKENS = 16;
const PROMPT_TOKENS = 32;
const TARGETS: Readonly<Record<string, readonly TargetName[]>> = {
  "q, v": ["q_proj", "v_proj"],
  "all linear": TARGET_NAMES,
};
const LENGTHS = path.join(__dirname, "../../experiments/bench/lengths.json");

/** Runs the benchmark. */
export async function runBench(options: BenchOptions): Promise<BenchResult> {
  const busyBefore = await busyShare(2000);
  if (busyBefore > 0.1)
    options.note(
      `This machine is not idle: others use ${(100 * busyBefore).toFixed(0)}% of its cores. Times will be too long.`,
    );
  const model = await loadModel(options.model);
  const threads = engineInfo()?.threads ?? 1;
  const folder = options.peer ? await exportModel(options.model) : "";
  const peer = options.peer
    ? await startPeer(await peerPython(options.note), folder, threads)
    : undefined;
  try {
    const bench = new Bench(options, model, peer);
    await bench.run();
    peer?.stop();
    const busyAfter = await busyShare(2000);
    const { rows, failures, peak } = bench;
    const bound = (targets: readonly TargetName[]): number =>
      peak / operationsPerToken(model.config, RANK, targets);
    return {
      busyBefore,
      busyAfter,
      peakGflops: peak / 1e9,
      boundTokensPerSecond: Object.fromEntries(
        Object.entries(TARGETS).map(([name, targets]) => [name, bound(targets)]),
      ),
      engine: engineInfo() ?? {},
      peer: peer ? { packages: PEER_PACKAGES, ...peer.hello } : null,
      rounds: options.rounds,
      rows,
      failures,
    };
  } finally {
    peer?.stop();
  }
}

/** In what numbers products with frozen weights are made, and which points are measured so. */
interface Precision {
  /** Behind the names of what is measured. */
  readonly suffix: string;
  readonly bfloat16: boolean;
  readonly counts: readonly number[];
  /** Steps of full rows, all of one length: rows and length. */
  readonly fullSteps: readonly (readonly [rows: number, length: number])[];
  readonly decodedRows: readonly number[];
}

const SINGLE: Precision = {
  suffix: "",
  bfloat16: false,
  counts: [1, 2, 5, 10],
  fullSteps: [
    [5, 32],
    [20, 50],
  ],
  decodedRows: [1, 8, 32, 64],
};
const QUICK: Precision = { ...SINGLE, counts: [1, 5], fullSteps: [[5, 32]], decodedRows: [1, 32] };
/** Off unless asked for; the peer then has its weights in bfloat16 too. */
const HALF: Precision = {
  suffix: ", bfloat16",
  bfloat16: true,
  counts: [5],
  fullSteps: [],
  decodedRows: [1, 32],
};

class Bench {
  readonly rows: BenchRow[] = [];
  readonly failures: { part: Part; reason: string }[] = [];
  /** Operations a second. */
  peak = 0;
  /** Fastest seconds by what was done, ours and the peer's. */
  private readonly fastest = new Map<string, number>();
  private jobs: (readonly number[])[] = [];
  private meanTokens = 0;
  private precision = SINGLE;
  private padding = countPadding([], PAD_TO);
  /** The model without end tokens, so that both sides write equally many. */
  private readonly endless: Model;

  constructor(
    private readonly options: BenchOptions,
    private readonly model: Model,
    private readonly peer: Peer | undefined,
  ) {
    this.endless = { ...model, config: { ...model.config, eosTokenIds: [] } };
  }

  async run(): Promise<void> {
    const text = await readFile(LENGTHS, "utf8");
    const all = z.array(z.array(z.int().positive())).parse(JSON.parse(text));
    this.jobs = representative(all, 10);
    this.padding = countPadding(all, PAD_TO);
    this.meanTokens = this.padding.tokens / all.length;
    const { parts, rounds, note } = this.options;
    for (let round = 0; round < rounds; round++) {
      note(`round ${round + 1} of ${rounds}`);
      this.measurePeak();
      for (const precision of this.precisions()) {
        this.precision = precision;
        useBfloat16(precision.bfloat16);
        if (parts.includes("a")) await this.attempt("a", () => this.training());
        if (parts.includes("b")) await this.attempt("b", () => this.scoring());
        if (parts.includes("c")) await this.attempt("c", () => this.decoding());
      }
      useBfloat16(false);
      this.measurePeak();
    }
    for (const precision of this.precisions()) {
      this.precision = precision;
      if (parts.includes("h") && !precision.bfloat16) await this.attempt("h", () => this.padded());
      this.report();
    }
    this.precision = SINGLE;
    if (parts.includes("d")) await this.attempt("d", () => this.loading());
    if (parts.includes("e")) await this.attempt("e", () => this.smallWorld());
    if (parts.includes("f")) await this.attempt("f", () => this.growth());
    if (parts.includes("g")) await this.attempt("g", () => this.memory());
  }

  /** A part that fails is told, and leaves the others. */
  private async attempt(part: Part, work: () => Promise<void>): Promise<void> {
    this.options.note(`(${part}) ${PARTS[part]}`);
    try {
      await work();
    } catch (error) {
      const reason = errorMessage(error).split("\n")[0];
      this.failures.push({ part, reason });
      this.options.note(`(${part}) failed: ${reason}`);
    }
  }

  private precisions(): Precision[] {
    const canHalf = useBfloat16(true);
    useBfloat16(false);
    return [this.options.quick ? QUICK : SINGLE, ...(canHalf ? [HALF] : [])];
  }

  /** Jobs of part (a) for K: K of them at once; two, one after another, where K is 1. */
  private jobsFor(count: number, any = false): (readonly number[])[] {
    return any && count > this.jobs.length
      ? fill(count, 8)
      : this.jobs.slice(0, Math.max(2, count));
  }

  private async training(): Promise<void> {
    for (const [name, targets] of Object.entries(TARGETS)) {
      const start = (jobs: readonly unknown[]): number[][] => jobs.map(() => [8]);
      await this.peerTime(`a peer ${name}`, this.trainRequest(this.jobsFor(1), targets));
      await this.peerTime(
        `a peer ${name} start`,
        this.trainRequest(start(this.jobsFor(1)), targets),
      );
      for (const count of [
        ...this.precision.counts,
        ...this.precision.fullSteps.map(([rows]) => rows),
      ])
        await this.time(`a ${name} ${count} start`, () =>
          this.train(start(this.jobsFor(count, true)), count, targets),
        );
      for (const count of this.precision.counts)
        await this.time(`a ${name} ${count}`, () =>
          this.train(this.jobsFor(count), count, targets),
        );
      for (const [rows, length] of this.precision.fullSteps)
        await this.time(`a ${name} ${rows}x${length}`, () =>
          this.train(fill(rows, length), rows, targets),
        );
    }
  }

  private async scoring(): Promise<void> {
    const jobs = this.jobs.slice(0, 5);
    const { "q, v": targets } = TARGETS;
    const prompts = this.prompts(QUESTIONS);
    const trained = await this.train(
      jobs.map(() => [8]),
      5,
      targets,
    );
    const groups = trained.map(({ adapter }) => ({ adapter, prompts }));
    await this.time("b answer", () =>
      generateGroups(this.endless, groups, { maximumTokens: ANSWER_TOKENS }),
    );
    if (!this.peer) return;
    const request = {
      ...this.trainRequest([[8], [8]], targets),
      bfloat16: this.precision.bfloat16,
      do: "score",
      prompts: [prompts, prompts],
      tokens: ANSWER_TOKENS,
    };
    const { seconds } = await this.peer.ask(request);
    this.keep("b peer answer", seconds.answer / 2);
  }

  private async decoding(): Promise<void> {
    for (const rows of this.precision.decodedRows)
      for (const temperature of rows === 8 || rows === 32 ? [0, 1] : [0]) {
        const prompts = this.prompts(rows);
        const tokens = ANSWER_TOKENS;
        await this.peerTime(`c peer ${rows} ${temperature}`, {
          do: "decode",
          prompts,
          tokens,
          temperature,
        });
        await this.time(`c ${rows} ${temperature}`, () =>
          generate(this.endless, prompts, {
            maximumTokens: tokens,
            temperature,
            topP: 0.95,
          }),
        );
      }
  }

  /** SEAL's own way, timed on two sequences: padded to 2048, one at a time. */
  private async padded(): Promise<void> {
    const request = this.trainRequest([this.jobs[0]], TARGETS["q, v"]);
    await this.peerTime("h", { ...request, padTo: PAD_TO, steps: 2 });
  }

  private report(): void {
    const { config } = this.model;
    const perMinute = (speed: number): number => adaptersPerMinute(speed, this.meanTokens, EPOCHS);
    for (const [name, targets] of Object.entries(TARGETS)) {
      const bound = this.peak / operationsPerToken(config, RANK, targets);
      const peerSpeed = this.wholeSpeed(
        `a peer ${name}`,
        `a peer ${name} start`,
        tokensOf(this.jobsFor(1)),
      );
      for (const count of this.precision.counts) {
        const start = `a ${name} ${count} start`;
        const ours = this.wholeSpeed(`a ${name} ${count}`, start, tokensOf(this.jobsFor(count)));
        const aim = count === 5 ? "2" : count === 1 ? "1" : undefined;
        this.row("a", `${name}, K = ${count}: tokens a second`, "tokens/s", ours, peerSpeed, {
          shareOfPeak: ours / bound,
          ...(aim ? { aim: `ratio ${aim}` } : {}),
        });
        const plain = this.wholeSpeed(
          `a peer ${name}`,
          `a peer ${name} start`,
          tokensOf(this.jobsFor(1)),
          SINGLE,
        );
        if (this.precision.bfloat16)
          this.row("a", `${name}, K = ${count}, against fp32`, "tokens/s", ours, plain);
        this.row(
          "a",
          `${name}, K = ${count}: adapters a minute`,
          "1/min",
          perMinute(ours),
          perMinute(peerSpeed),
        );
        if (count === 5 && name === "q, v") this.reportLoops(ours, peerSpeed);
      }
      for (const [rows, length] of this.precision.fullSteps) {
        const what = `a ${name} ${rows}x${length}`;
        const tokens = tokensOf(fill(rows, length));
        const ours = this.wholeSpeed(what, `a ${name} ${rows} start`, tokens);
        const aim = rows * length === 160 ? "65% of peak" : "80% of peak";
        this.row("a", `${name}, ${rows * length} tokens a step`, "tokens/s", ours, NaN, {
          shareOfPeak: ours / bound,
          aim,
        });
      }
    }
    for (const rows of this.precision.decodedRows)
      for (const temperature of [0, 1]) {
        const ours = this.speed(`c ${rows} ${temperature}`, rows * ANSWER_TOKENS);
        const peer = this.speed(`c peer ${rows} ${temperature}`, rows * ANSWER_TOKENS);
        const aims: Record<number, string> = { 1: "ratio 1.5", 32: "ratio 3" };
        const aim = temperature === 0 ? aims[rows] : undefined;
        const what = `${rows} ${rows === 1 ? "row" : "rows"}${temperature ? ", sampled" : ""}`;
        this.row("c", what, "tokens/s", ours, peer, aim ? { aim } : {});
      }
  }

  /** Parts (b) and (h), made from (a)'s speeds: a whole adapter is ten epochs. */
  private reportLoops(ours: number, peerSpeed: number): void {
    const tokens = EPOCHS * this.meanTokens;
    const answered = this.seconds("b answer");
    if (!Number.isNaN(answered)) {
      const own = 60 / (tokens / ours + answered / 5);
      const theirs = 60 / (tokens / peerSpeed + this.seconds("b peer answer"));
      this.row("b", "K = 5, q, v, scored", "1/min", own, theirs, { aim: "ratio 2.5" });
    }
    const step = this.seconds("h") / 2;
    if (Number.isNaN(step)) return;
    const { tokens: useful, sequences } = this.padding;
    const sealSpeed = useful / sequences / step;
    this.row("h", "K = 5, q, v, against padding to 2048", "tokens/s", ours, sealSpeed, {
      aim: "ratio 20",
    });
    this.row(
      "h",
      "of that, from leaving out the padding (the peer's)",
      "tokens/s",
      peerSpeed,
      sealSpeed,
    );
    this.row("h", "useful share of what SEAL's way computes", "share", this.padding.useful);
  }

  private async loading(): Promise<void> {
    const seconds: number[] = [];
    for (let i = 0; i < this.options.rounds; i++)
      seconds.push((await this.child({ jobs: [], concurrency: 1 })).loadSeconds);
    this.row("d", "loading the model", "s", Math.min(...seconds), this.peer?.hello.load);
  }

  private async smallWorld(): Promise<void> {
    const jobs = Array.from({ length: 100 }, (_, k) =>
      Array.from({ length: 1 + (k % 6) }, (__, s) => 8 + ((k + s) % 5)),
    );
    const task = { model: "tiny:biographies", jobs, concurrency: 50, epochs: 10, rank: 8 };
    for (const [name, kernels] of [
      ["with fused kernels", "1"],
      ["without", "0"],
    ]) {
      const { seconds } = await this.child({ ...task, questions: 6, repeats: 3 }, kernels);
      this.row("e", `100 adapters trained and asked, ${name}`, "s", seconds);
    }
  }

  private async growth(): Promise<void> {
    const lengths = this.options.quick ? [64, 512] : [32, 128, 512, 2048];
    for (const length of lengths) {
      const steps = Math.max(2, Math.ceil(1024 / length));
      const job = new Array<number>(steps).fill(length);
      const found = await this.child({ jobs: [job], concurrency: 1, repeats: 2 });
      const speed = (steps * length) / found.seconds;
      this.row("f", `one sequence of ${length} tokens a step`, "tokens/s", speed);
      this.row("f", `one sequence of ${length} tokens a step: peak`, "GB", found.peakBytes / 1e9);
    }
    const repeats = this.options.quick ? 20 : 60;
    const jobs = Array.from({ length: 10 }, () => [8]);
    const { middleBytes, endBytes } = await this.child({ jobs, concurrency: 10, repeats });
    const jobsBetween = jobs.length * (repeats - 1 - Math.floor(repeats / 2));
    const slope = (endBytes - middleBytes) / 1e6 / (jobsBetween / 100);
    this.row("f", `${repeats * jobs.length} jobs: growth of memory in 100 jobs`, "MB", slope, NaN, {
      aim: "1 MB",
    });
  }

  private async memory(): Promise<void> {
    const base = await this.child({ jobs: [[49]], concurrency: 1 });
    this.row("g", "one adapter, q, v: peak", "GB", base.peakBytes / 1e9);
    for (const allTargets of [false, true]) {
      const jobs = this.jobs.map((job) => job.slice(-3));
      const { peakBytes } = await this.child({ jobs, concurrency: 10, allTargets });
      const name = allTargets ? "all linear" : "q, v";
      const aim = { aim: "4 GB" };
      this.row("g", `ten adapters, ${name}: peak`, "GB", peakBytes / 1e9, NaN, aim);
      const each = (peakBytes - base.peakBytes) / 9e6;
      this.row("g", `${name}: for each further adapter`, "MB", each);
    }
  }

  private train(
    jobs: readonly (readonly number[])[],
    concurrency: number,
    targets: readonly TargetName[],
  ): ReturnType<typeof trainAdapters> {
    const settings = { epochs: 1, rank: RANK, targets: [...targets] };
    const own = this.sequences(jobs).map((rows) => ({
      sequences: rows.map((ids) => ({ ids })),
      settings,
    }));
    return trainAdapters(this.model, own, { concurrency });
  }

  private trainRequest(
    jobs: readonly (readonly number[])[],
    targets: readonly TargetName[],
  ): Record<string, unknown> {
    const settings = { rank: RANK, alpha: 2 * RANK, epochs: 1, targets };
    return { do: "train", settings, jobs: this.sequences(jobs) };
  }

  private sequences(jobs: readonly (readonly number[])[]): number[][][] {
    const { vocabularySize } = this.model.config;
    return jobs.map((job, k) => job.map((length, s) => idsOf(length, 31 * k + s, vocabularySize)));
  }

  private prompts(count: number): number[][] {
    const { vocabularySize } = this.model.config;
    return Array.from({ length: count }, (_, q) => idsOf(PROMPT_TOKENS, q, vocabularySize));
  }

  private async time(name: string, work: () => Promise<unknown>): Promise<void> {
    const start = performance.now();
    await work();
    this.keep(name, (performance.now() - start) / 1000);
  }

  private async peerTime(name: string, request: object): Promise<void> {
    const { bfloat16 } = this.precision;
    if (this.peer) this.keep(name, (await this.peer.ask({ ...request, bfloat16 })).seconds.total);
  }

  private keep(name: string, seconds: number): void {
    const key = name + this.precision.suffix;
    this.fastest.set(key, Math.min(seconds, this.fastest.get(key) ?? Infinity));
  }

  /** Fewest seconds of what was timed in the present precision, or another. */
  private seconds(name: string, { suffix } = this.precision): number {
    return this.fastest.get(name + suffix) ?? NaN;
  }

  /** Tokens a second of whole adapters: making and storing them once (`start`, timed with one short step), and ten epochs. */
  private wholeSpeed(
    name: string,
    start: string,
    tokens: number,
    precision = this.precision,
  ): number {
    const [once, all] = [this.seconds(start, precision), this.seconds(name, precision)];
    return (EPOCHS * tokens) / (once + EPOCHS * (all - once));
  }

  private speed(name: string, tokens: number): number {
    return tokens / this.seconds(name);
  }

  private row(
    part: Part,
    name: string,
    unit: string,
    ours: number,
    peer = NaN,
    more: Pick<BenchRow, "shareOfPeak" | "aim"> = {},
  ): void {
    if (Number.isNaN(ours)) return;
    const ratio = unit === "s" ? peer / ours : ours / peer;
    const compared = Number.isNaN(peer) ? {} : { peer, ratio };
    this.rows.push({ part, name: name + this.precision.suffix, unit, ours, ...compared, ...more });
  }

  /** Times products of this size by every means here; keeps the fastest. */
  private measurePeak(): void {
    const size = 1536;
    const [a, b] = [tf.randomNormal([size, size], 0, 1, "float32", 1), tf.ones([size, size])];
    const ways = [tf.matMul<tf.Tensor2D>, ...(hasFusedKernels() ? [product] : [])];
    for (let i = 0; i < 4; i++)
      for (const way of ways) {
        const start = performance.now();
        const made = way(a as tf.Tensor2D, b as tf.Tensor2D);
        made.dataSync();
        const seconds = (performance.now() - start) / 1000;
        this.peak = Math.max(this.peak, (2 * size ** 3) / seconds);
        made.dispose();
      }
    tf.dispose([a, b]);
  }

  private async child(task: Partial<ChildTask>, kernels = "1"): Promise<ChildAnswer> {
    const script = path.join(__dirname, `child${path.extname(__filename)}`);
    const whole = JSON.stringify({ model: this.options.model, ...task });
    const env: NodeJS.ProcessEnv = { ...process.env, SEAL_KERNELS: kernels };
    // Which kernels TensorFlow takes is chosen again, by that process's model.
    delete env.TF_ENABLE_ONEDNN_OPTS;
    const args = [...process.execArgv, script, whole];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    return JSON.parse(stdout.trim().split("\n").at(-1)!) as ChildAnswer;
  }
}

/** Jobs of four steps each. */
function fill(rows: number, length: number): number[][] {
  return Array.from({ length: rows }, () => new Array<number>(4).fill(length));
}

function tokensOf(jobs: readonly (readonly number[])[]): number {
  return jobs.flat().reduce((sum, length) => sum + length, 0);
}
