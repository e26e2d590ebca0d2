/**
 * The test command's second half: the checks (`--checks`), then every test file in a process of its
 * own, two at a time; files named *.engine.test.ts once for each engine (webgpu, slow in software, only the goldens and
 * what else is short); the notebooks, executed in short mode. A word limits it to the files whose path contains it. What a test asserts is the files' matter.
 */
import { existsSync, readdirSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { tryEngine } from "../src/engine/doctor";
import { isComplete, nativeTargets } from "../src/setup/location.cjs";
import { runJob, summaryLine, type Job, type Outcome } from "./runner/job";

const root = path.resolve(__dirname, "..");
const AT_A_TIME = Math.min(2, os.availableParallelism());

const CHECKS: Job[] = [
  check("lint", "node_modules/eslint/bin/eslint.js", [".", "--max-warnings", "0"]),
  check("format", "node_modules/prettier/bin/prettier.cjs", ["--check", "."]),
  check("imports", "node_modules/dependency-cruiser/bin/dependency-cruise.mjs", [
    "src",
    ...["--config", "imports.config.mjs"],
  ]),
  check("types", "node_modules/typescript/bin/tsc", ["--noEmit", "-p", "tsconfig.json"]),
];

function check(name: string, script: string, args: string[]): Job {
  return { name, kind: "check", args: [path.join(root, script), ...args], environment: {} };
}

function testJob(file: string, engine?: string): Job {
  return {
    name: engine === undefined ? file : `${file} [${engine}]`,
    kind: "tests",
    args: ["-r", "tsx/cjs", path.join(root, file)],
    environment: engine === undefined ? {} : { SEAL_ENGINE: engine },
  };
}

/** Why files are not run on the native engine; undefined if they are. */
function whyNoNative(): string | undefined {
  const asked = process.env.SEAL_ENGINE;
  if (asked && asked !== "tensorflow") return `SEAL_ENGINE=${asked}`;
  if (nativeTargets().some(isComplete)) return undefined;
  return "the native engine is not set up";
}

/** What WebGPU is tested by; on a driver in software these take about two minutes of one core. */
const WEBGPU_FILES = /engine\/engine\.|lora\/(goldens|gradients|together)\./;

/** Chromium's software driver, so that WebGPU is tested where there is no GPU; another one where that is not found. */
const SOFTWARE_DRIVER = "/usr/lib/chromium/vk_swiftshader_icd.json";
const WEBGPU_ENVIRONMENT: Record<string, string> =
  process.env.VK_DRIVER_FILES === undefined && existsSync(SOFTWARE_DRIVER)
    ? { VK_DRIVER_FILES: SOFTWARE_DRIVER }
    : {};

/** The files on WebGPU, or why they are not run there. */
async function webgpuJobs(files: readonly string[]): Promise<{ jobs: Job[]; skipped: string[] }> {
  const own = files.filter((file) => WEBGPU_FILES.test(file.replaceAll("\\", "/")));
  if (own.length === 0) return { jobs: [], skipped: [] };
  const asked = process.env.SEAL_ENGINE;
  const { works, why } =
    asked && asked !== "webgpu"
      ? { works: false, why: `SEAL_ENGINE=${asked}` }
      : await tryEngine("webgpu", WEBGPU_ENVIRONMENT);
  if (!works) return { jobs: [], skipped: own.map((file) => `${file} [webgpu] (${why})`) };
  const jobs = own.map((file) => {
    const job = testJob(file, "webgpu");
    return { ...job, environment: { ...job.environment, ...WEBGPU_ENVIRONMENT }, limit: 600 };
  });
  return { jobs, skipped: [] };
}

function testFiles(filter: string): string[] {
  return readdirSync(path.join(root, "test"), { recursive: true })
    .map((name) => path.join("test", String(name)))
    .filter((name) => name.endsWith(".test.ts") && name.includes(filter))
    .sort();
}

/** The notebooks, each from a clean kernel; skipped, with the reason, where Jupyter cannot be set up. */
async function notebookJobs(filter: string): Promise<{ jobs: Job[]; skipped: string[] }> {
  const names = readdirSync(path.join(root, "notebooks"))
    .filter((name) => /^\d\d_.*\.md$/.test(name))
    .map((name) => `notebooks/${name.slice(0, -".md".length)}`)
    .filter((name) => name.includes(filter));
  if (names.length === 0) return { jobs: [], skipped: [] };
  const bootstrap = ["src/setup/bootstrap.mjs", ["notebooks", "--execute"]] as const;
  const setUp = await runJob(
    check("Jupyter", bootstrap[0], [...bootstrap[1], "--setup"]),
    root,
    900,
  );
  if (setUp.failed > 0) {
    const reason = setUp.output.trim().split("\n").at(-1) ?? setUp.problem;
    return { jobs: [], skipped: names.map((name) => `${name} (${reason})`) };
  }
  const jobs = names.map((name) => ({
    ...check(name, bootstrap[0], [...bootstrap[1], path.basename(name)]),
    environment: { SEAL_NOTEBOOK_SHORT: "1" },
    limit: 600,
  }));
  return { jobs, skipped: [] };
}

/** Runs the jobs in their order, some at a time; tells each outcome as it comes. */
async function runAll(jobs: Job[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = [...jobs];
  const worker = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      if (job.kind === "check") console.log(`running  ${job.name}`);
      const outcome = await runJob(job, root);
      outcomes.push(outcome);
      tell(outcome, `${outcomes.length}/${jobs.length}`);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return outcomes;
}

function tell(outcome: Outcome, place: string): void {
  const { name, passed, failed, skipped, seconds, problem } = outcome;
  const counts = `${passed} passed${failed ? `, ${failed} failed` : ""}${skipped ? `, ${skipped} skipped` : ""}`;
  const mark = failed > 0 ? "FAILED  " : "ok      ";
  console.log(`${mark} ${place} ${name}: ${counts} (${seconds.toFixed(1)} s)`);
  if (failed > 0) {
    console.log(`${outcome.output.trimEnd()}\n`);
    if (problem !== undefined) console.log(`${name}: ${problem}\n`);
  }
}

async function main(args: string[]): Promise<number> {
  const filter = args.find((word) => !word.startsWith("-")) ?? "";
  const files = testFiles(filter);
  const noNative = whyNoNative();
  const jobs: Job[] = [];
  const skipped: string[] = [];
  for (const file of files) {
    if (!file.endsWith(".engine.test.ts")) jobs.push(testJob(file));
    else {
      if (noNative === undefined) jobs.push(testJob(file, "tensorflow"));
      else skipped.push(`${file} [tensorflow] (${noNative})`);
      jobs.push(testJob(file, "wasm"));
    }
  }
  const build = check("build", "src/setup/bootstrap.mjs", ["build"]);
  const checks = args.includes("--checks");
  // Tests of the command line run what the build makes, so it comes first and alone.
  const outcomes = checks ? await runAll([build]) : [];
  for (const more of [await webgpuJobs(files), await notebookJobs(filter)]) {
    jobs.push(...more.jobs);
    skipped.push(...more.skipped);
  }
  outcomes.push(...(await runAll([...(checks ? CHECKS : []), ...jobs])));
  if (jobs.length === 0) console.log(`No test file's path contains "${filter}".`);
  skipped.push(...outcomes.flatMap((outcome) => outcome.skippedNames));
  if (skipped.length > 0)
    console.log(`\nSkipped:\n${skipped.map((name) => `  ${name}`).join("\n")}`);
  const failures = outcomes.filter(({ failed }) => failed > 0);
  if (failures.length > 0) {
    console.log(`\nFailed:\n${failures.map(({ name }) => `  ${name}`).join("\n")}`);
  }
  console.log(`\n${summaryLine(outcomes, skipped.length)}`);
  return failures.length > 0 || jobs.length === 0 ? 1 : 0;
}

process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));
main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
