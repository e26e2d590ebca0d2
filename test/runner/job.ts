/** Runs one check or one test file in a process of its own and counts what passed; choosing them is `run.ts`'s work. */
import { spawn, type ChildProcess } from "node:child_process";
import { performance } from "node:perf_hooks";
import { stripVTControlCharacters } from "node:util";

const TIME_LIMIT_SECONDS = 300;

/** A check counts as one test; a test file as its tests. */
export interface Job {
  name: string;
  kind: "check" | "tests";
  /** Arguments to node. */
  args: string[];
  environment: Record<string, string>;
  /** Seconds, where it may take longer than others. */
  limit?: number;
}

/** What came of a job. `problem` says what is wrong where the output itself may not. */
export interface Outcome {
  name: string;
  passed: number;
  failed: number;
  skipped: number;
  skippedNames: string[];
  seconds: number;
  output: string;
  problem?: string;
}

/** How a process ended: its exit code, or why it has none. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  timedOut: boolean;
  output: string;
}

const running = new Set<ChildProcess>();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

type Counts = Pick<Outcome, "passed" | "failed" | "skipped" | "problem">;

/** Runs a job to its end, or to the time limit (in seconds), at which it is killed and has failed. */
export async function runJob(
  job: Job,
  directory: string,
  limit = job.limit ?? TIME_LIMIT_SECONDS,
): Promise<Outcome> {
  const start = performance.now();
  const ending = await runProcess(job, directory, limit);
  const counts = job.kind === "check" ? countCheck(ending, limit) : countTests(ending, limit);
  return {
    ...counts,
    name: job.name,
    skippedNames: skippedNames(job.name, ending.output, counts.skipped),
    seconds: (performance.now() - start) / 1000,
    output: ending.output,
  };
}

function runProcess(job: Job, directory: string, limit: number): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, job.args, {
      cwd: directory,
      env: { ...process.env, ...job.environment, FORCE_COLOR: "0" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(child);
    let output = "";
    let timedOut = false;
    const collect = (text: string): void => void (output += text);
    child.stdout.setEncoding("utf8").on("data", collect);
    child.stderr.setEncoding("utf8").on("data", collect);
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
      // A grandchild may hold the pipes open for ever.
      child.stdout.destroy();
      child.stderr.destroy();
    }, limit * 1000);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ code, signal, timedOut, output: stripVTControlCharacters(output) });
    });
  });
}

function countCheck(ending: Ending, limit: number): Counts {
  const passed = ending.code === 0;
  return {
    passed: Number(passed),
    failed: Number(!passed),
    skipped: 0,
    problem: crash(ending, limit),
  };
}

/** Counts by uvu's summary. A file that crashed, hung or has no summary has failed at least once. */
export function countTests(ending: Ending, limit: number): Counts {
  const summary = [
    ...ending.output.matchAll(/Total:\s+(\d+)\s+Passed:\s+(\d+)\s+Skipped:\s+(\d+)/g),
  ].at(-1);
  const [total = 0, passed = 0, skipped = 0] = (summary ?? []).slice(1).map(Number);
  const counts = { passed, failed: total - passed, skipped, problem: crash(ending, limit) };
  if (summary === undefined) counts.problem ??= "it ended without a summary of its tests";
  else if (total + skipped === 0) counts.problem ??= "it has no tests";
  else if (ending.code !== 0 && counts.failed === 0) {
    counts.problem ??= `its tests passed, but it ended with exit code ${ending.code}`;
  }
  if (counts.problem !== undefined && counts.failed === 0) counts.failed = 1;
  return counts;
}

function crash(ending: Ending, limit: number): string | undefined {
  if (ending.timedOut) return `killed: it took more than ${limit} s`;
  return ending.signal === null ? undefined : `its process was ended by ${ending.signal}`;
}

/** Skipped tests by the lines "skipped: name" that they print, since uvu only counts them. */
function skippedNames(job: string, output: string, count: number): string[] {
  const told = [...output.matchAll(/^\s*skipped: (.*)$/gm)].map((match) => `${job}: ${match[1]}`);
  const untold = Math.max(0, count - told.length);
  return [
    ...told.slice(0, count),
    ...Array.from({ length: untold }, () => `${job}: a test that does not say why`),
  ];
}

/** The last line: `N passed, N failed`, and `, N skipped` if any were. */
export function summaryLine(outcomes: Outcome[], skipped: number): string {
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
