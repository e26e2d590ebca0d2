/** Run in a process of its own by the benchmark, for memory and start: one task, one line of JSON on stdout. */
import { readFileSync } from "node:fs";
import { generateGroups } from "../lora/generate";
import { trainAdapters } from "../lora/train";
import { loadModel } from "../model/load";
import { TARGET_NAMES } from "../model/adapters";
import { idsOf } from "./arithmetic";
import type { MemorySample } from "./rows";

/** What the process is to do. */
export interface ChildTask {
  readonly model: string;
  /** Lengths of the sequences of each job. */
  readonly jobs: readonly (readonly number[])[];
  readonly concurrency: number;
  readonly allTargets?: boolean;
  readonly gradientCheckpointing?: boolean;
  readonly epochs?: number;
  readonly rank?: number;
  /** How often to train all the jobs; the last time counts. */
  readonly repeats?: number;
  /** Questions of 10 tokens that each adapter answers with this many tokens. */
  readonly questions?: number;
  /** Train all jobs once instead, `concurrency` at a time, and sample memory after so many (a multiple), behind a garbage collection. */
  readonly sampleEvery?: number;
}

/** What it says. */
export interface ChildAnswer {
  readonly loadSeconds: number;
  readonly seconds: number;
  readonly peakBytes: number;
  /** Resident memory as training went on; empty unless asked for. */
  readonly samples: readonly MemorySample[];
}

async function main(task: ChildTask): Promise<ChildAnswer> {
  const start = performance.now();
  const model = await loadModel(task.model);
  const loadSeconds = (performance.now() - start) / 1000;
  const { epochs = 1, rank = 32, repeats = 1, questions = 0 } = task;
  const { vocabularySize } = model.config;
  const settings = {
    epochs,
    rank,
    gradientCheckpointing: task.gradientCheckpointing ?? false,
    ...(task.allTargets ? { targets: [...TARGET_NAMES] } : {}),
  };
  const jobs = task.jobs.map((lengths, k) => ({
    sequences: lengths.map((length, s) => ({ ids: idsOf(length, 31 * k + s, vocabularySize) })),
    settings: { ...settings, seed: k },
  }));
  const samples: MemorySample[] = [];
  const { sampleEvery, concurrency } = task;
  for (let done = concurrency; sampleEvery && done <= jobs.length; done += concurrency) {
    await trainAdapters(model, jobs.slice(done - concurrency, done), { concurrency });
    if (done % sampleEvery === 0) samples.push({ jobs: done, bytes: await settledBytes() });
  }
  if (samples.length > 0) return { loadSeconds, seconds: 0, peakBytes: peakBytes(), samples };
  let seconds = 0;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const begin = performance.now();
    const results = await trainAdapters(model, jobs, { concurrency: task.concurrency });
    const prompts = Array.from({ length: questions }, (_, q) => idsOf(10, q, vocabularySize));
    const groups = results.map(({ adapter }) => ({ adapter, prompts }));
    if (questions > 0) await generateGroups(model, groups, { maximumTokens: 4 });
    seconds = (performance.now() - begin) / 1000;
  }
  return { loadSeconds, seconds, peakBytes: peakBytes(), samples };
}

/** Resident memory behind a garbage collection; what that frees goes back a little later. */
async function settledBytes(): Promise<number> {
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return process.memoryUsage().rss;
}

/** Most memory that was resident. Linux's maxRSS also counts the process that started this one, so its VmHWM is read there. */
function peakBytes(): number {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))!;
    return Number(kilobytes) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

void main(JSON.parse(process.argv[2]) as ChildTask).then((answer) =>
  process.stdout.write(`\n${JSON.stringify(answer)}\n`),
);
