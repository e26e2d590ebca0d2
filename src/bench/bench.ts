/**
 * The benchmark: every part measured interleaved with the peer, several rounds, the fastest of each kept; the machine's own
 * product is timed in the same rounds. What the figures mean is in experiments/bench/README.md; what is measured, in parts/.
 */
import { engineInfo } from "../engine";
import { useBfloat16 } from "../engine/fused";
import { errorMessage } from "../messages/errors";
import { loadModel } from "../model/load";
import { busyShare } from "./arithmetic";
import { Bench, type BenchGiven } from "./context";
import { startLlama } from "./llama";
import { PARTS, withNeeds } from "./parts";
import { measurePeak } from "./peak";
import { PEER_PACKAGES, startPeer } from "./peer";
import type { BenchRow } from "./rows";
import { HALF, QUICK, readLengths, SINGLE, TARGETS, type Precision } from "./workload";

/** What to measure. */
export interface BenchOptions {
  readonly model: string;
  /** Letters of parts. */
  readonly parts: readonly string[];
  readonly rounds: number;
  /** Fewer points of each part. */
  readonly quick: boolean;
  readonly peer: boolean;
  readonly note: (text: string) => void;
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
  /** node-llama-cpp, where its rows are there for information. */
  readonly llama: object | null;
  readonly rounds: number;
  readonly rows: readonly BenchRow[];
  /** Parts that ended with an error. */
  readonly failures: readonly { readonly part: string; readonly reason: string }[];
}

/** Runs the benchmark. */
export async function runBench(options: BenchOptions): Promise<BenchResult> {
  const { note, rounds } = options;
  const busyBefore = await busyShare(2000);
  if (busyBefore > 0.1)
    note(
      `This machine is not idle: others use ${(100 * busyBefore).toFixed(0)}% of its cores. Times will be too long.`,
    );
  const given = await prepare(options);
  const stop = (): void => [given.peer, given.llama].forEach((other) => other?.stop());
  try {
    const bench = new Bench(given);
    const found = await measureAll(bench, options);
    stop();
    return {
      busyBefore,
      busyAfter: await busyShare(2000),
      peakGflops: bench.peak / 1e9,
      boundTokensPerSecond: Object.fromEntries(
        Object.entries(TARGETS).map(([name, targets]) => [name, bench.bound(targets)]),
      ),
      engine: engineInfo() ?? {},
      peer: given.peer ? { packages: PEER_PACKAGES, ...given.peer.hello } : null,
      llama: given.llama?.hello ?? null,
      rounds,
      ...found,
    };
  } finally {
    stop();
  }
}

async function prepare(options: BenchOptions): Promise<BenchGiven> {
  const { model: modelId, parts, rounds, quick, note } = options;
  const lengths = await readLengths();
  delete process.env.SEAL_BF16; // Both precisions are measured.
  const model = await loadModel(modelId);
  const halfModel = useBfloat16(true) ? await loadModel(modelId) : undefined;
  useBfloat16(false);
  const threads = engineInfo()?.threads ?? 1;
  const peer = options.peer ? await startPeer(modelId, threads, note) : undefined;
  const llama =
    options.peer && parts.includes("c") ? await startLlama(modelId, threads, note) : undefined;
  const single = quick ? QUICK : SINGLE;
  const precisions = halfModel ? [single, HALF] : [single];
  return { modelId, model, halfModel, lengths, precisions, rounds, quick, peer, llama };
}

async function measureAll(
  bench: Bench,
  { parts, rounds, note }: BenchOptions,
): Promise<Pick<BenchResult, "rows" | "failures">> {
  const rows: BenchRow[] = [];
  const failures: { part: string; reason: string }[] = [];
  /** A part that fails is told, and leaves the others. */
  const attempt = async (part: string, work: () => Promise<void>): Promise<void> => {
    note(`(${part}) ${PARTS[part].title}`);
    await work().catch((error: unknown) => {
      const reason = errorMessage(error).split("\n")[0];
      failures.push({ part, reason });
      note(`(${part}) failed: ${reason}`);
    });
  };
  const measured = withNeeds(parts).filter((part) => "measure" in PARTS[part]);
  const measureIn = async (precision: Precision): Promise<void> => {
    for (const part of measured) await attempt(part, () => PARTS[part].measure!(bench, precision));
  };
  const timePeak = (): void => void (bench.peak = Math.max(bench.peak, measurePeak()));
  for (let turn = 1; turn <= rounds; turn++) {
    note(`round ${turn} of ${rounds}`);
    timePeak();
    for (const precision of bench.given.precisions) await measureIn(precision);
    timePeak();
  }
  for (const part of parts)
    await attempt(part, async () => {
      const own = await PARTS[part].rows(bench);
      // Without a peer, a row against its bf16 and one against its fp32 say the same.
      const byName = new Map(own.map((row) => [row.name, row] as const).reverse());
      const shown = own.filter((row) => !Number.isNaN(row.ours) && byName.get(row.name) === row);
      rows.push(...shown.map((row) => ({ part, ...row })));
    });
  return { rows, failures };
}
