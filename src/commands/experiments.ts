/** Verbs about experiments: start, run, figures, compare, replay. */
import { spawnSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { UserError } from "../messages/errors";
import { runReplay } from "../replay/run";
import { redrawFigures } from "../run/figures";
import { formatPlan, requireFit } from "../run/plan";
import { planVariant, runVariant, readVariant } from "../experiments/variants";
import { readRecord } from "../run/record";
import { type RunOptions } from "../run/runner";
import { packagePath, packageRoot } from "../files/package";
import { decimal, wholeNumber } from "./input";
import { note, print, printJson } from "./output";
import { recordTable, writingTable } from "./record-table";

/** What `npm start` runs. */
const DEFAULT_VARIANT = "experiments/knowledge/biographies-quick.json";

interface RunFlags {
  seed?: number[];
  output?: string;
  again?: boolean;
  discard?: boolean;
  processes?: number;
  queue?: string;
  blobs?: string;
  otherWorkers?: string;
  generateAt?: string;
  adapters?: string;
  servedModel?: string;
  json?: boolean;
}

interface PlanFlags {
  plan?: boolean;
  gflops?: number;
}

/** Adds the verbs. */
export function addExperimentCommands(program: Command): void {
  const running = (command: Command): Command =>
    command
      .option("--seed <numbers...>", "run with these seeds instead of the variant's", seeds)
      .option("--output <dir>", "folder of the results")
      .option("--again", "run again although the result is there")
      .option(
        "--discard",
        "throw an unfinished run of this name away first, instead of resuming it",
      )
      .option(
        "--processes <number>",
        "processes that share the inner loops",
        wholeNumber("processes"),
      )
      .option("--queue <url>", "hand the inner loops to workers: redis://…, rediss:// for TLS")
      .option("--blobs <dir>", "a folder that the workers see too, for adapters and results")
      .option("--other-workers <what>", "of other versions, engines, threads: refuse or record")
      .option("--generate-at <url>", "have a server (vLLM) write self-edits and answers: …/v1")
      .option("--adapters <dir>", "where that server finds adapters, under the same path")
      .option("--served-model <name>", "the model's name at that server")
      .option("--json", "print the rows as JSON");

  running(program.command("start").description(`run the main job, ${DEFAULT_VARIANT}`)).action(
    (flags: RunFlags) => runAndPrint(path.join(packageRoot, DEFAULT_VARIANT), flags),
  );
  running(
    program
      .command("run")
      .description("run a variant, or resume it")
      .argument("<variant>", "a JSON file")
      .option("--plan", "say what the run would take (work, memory, time), and start nothing")
      .option("--gflops <number>", "throughput that the plan assumes", decimal("gflops")),
  ).action((file: string, flags: RunFlags & PlanFlags) =>
    flags.plan ? planAndPrint(file, flags) : runAndPrint(file, flags),
  );

  program
    .command("minimal")
    .description("the whole of SEAL in one file, experiments/minimal/seal.ts, in under a minute")
    .action(() => {
      const file = packagePath("experiments", "minimal", "seal.ts");
      const options = { cwd: packageRoot, stdio: "inherit" } as const;
      const { status } = spawnSync(process.execPath, ["-r", "tsx/cjs", file], options);
      process.exitCode = status ?? 1;
    });

  program
    .command("figures")
    .description("draw the figures of finished runs again, without training")
    .argument("[results...]", "folders of results; all of them unless told")
    .action(async (folders: string[]) => {
      for (const folder of folders.length > 0 ? folders : await finishedRuns())
        for (const file of await redrawFigures(folder)) print(file);
    });

  program
    .command("compare")
    .description("our numbers beside the paper's")
    .argument("[results...]", "folders of results; all of them unless told")
    .option("--json", "machine-readable")
    .action(async (folders: string[], { json }: { json?: boolean }) => {
      const records = await Promise.all(
        (folders.length > 0 ? folders : await finishedRuns()).map(readRecord),
      );
      if (json) printJson(records.map(({ name, rows, paper }) => ({ name, rows, paper })));
      else for (const record of records) print(`${record.name}\n${recordTable(record)}\n`);
    });

  program
    .command("replay")
    .description("recompute the paper's numbers from its released logs")
    .option(
      "--data <dir>",
      "a folder with the released data (unless told, the one that SEAL_DATA names, or GitHub)",
    )
    .option(
      "--output <dir>",
      "where the tables and figures go",
      path.join(packageRoot, "results", "replay"),
    )
    .option("--json", "print the summary as JSON")
    .action(async ({ data, output, json }: { data?: string; output: string; json?: boolean }) => {
      const summary = await runReplay({
        ...(data === undefined ? {} : { data }),
        output,
        log: note,
      });
      if (json) printJson(summary);
      else print(`Tables, figures and README are in ${output}`);
    });
}

function seeds(text: string, before: number[] | undefined): number[] {
  return [...(before ?? []), ...text.split(",").map(wholeNumber("seed"))];
}

async function planAndPrint(file: string, flags: RunFlags & PlanFlags): Promise<void> {
  const { gflops } = flags;
  if (gflops !== undefined && gflops <= 0) throw new UserError("--gflops must be above 0.");
  const variant = await readVariant(file);
  const chosen = flags.seed ? { ...variant, seeds: flags.seed } : variant;
  const plan = await planVariant(chosen, gflops === undefined ? {} : { gigaflops: gflops });
  if (flags.json) printJson(plan);
  else print(formatPlan(plan));
  requireFit(plan);
}

function queueOptions({ queue, blobs, otherWorkers = "refuse" }: RunFlags): RunOptions {
  if (otherWorkers !== "refuse" && otherWorkers !== "record")
    throw new UserError(`--other-workers is "refuse" or "record", not "${otherWorkers}".`);
  if (queue !== undefined)
    return { queue: { queue, otherWorkers, ...(blobs === undefined ? {} : { blobs }) } };
  if (blobs === undefined) return {};
  throw new UserError("--blobs is for runs with --queue.");
}

function serverOptions({ generateAt, adapters, servedModel, queue }: RunFlags): RunOptions {
  if (generateAt === undefined) return {};
  if (queue !== undefined) throw new UserError("--generate-at and --queue do not go together yet.");
  if (adapters === undefined)
    throw new UserError("--generate-at needs --adapters DIR, a folder that the server sees too.");
  const apiKey = process.env.SEAL_SERVER_KEY;
  return {
    server: {
      url: generateAt,
      adapters,
      ...(servedModel === undefined ? {} : { model: servedModel }),
      ...(apiKey ? { apiKey } : {}),
    },
  };
}

async function runAndPrint(file: string, flags: RunFlags): Promise<void> {
  const variant = await readVariant(file);
  const chosen = flags.seed ? { ...variant, seeds: flags.seed } : variant;
  const options: RunOptions = {
    log: note,
    quiet: flags.json ?? false,
    ...(flags.output === undefined ? {} : { output: flags.output }),
    ...(flags.again ? { again: true } : {}),
    ...(flags.discard ? { discard: true } : {}),
    ...(flags.processes === undefined ? {} : { processes: Math.max(1, flags.processes) }),
    ...queueOptions(flags),
    ...serverOptions(flags),
  };
  stopOnSignals();
  const { directory, record, alreadyComplete } = await runVariant(chosen, options);
  if (alreadyComplete) note("This run is complete already; --again runs it again.");
  if (flags.json) return printJson({ directory, rows: record.rows });
  print(recordTable(record));
  if (record.writing && record.writing.length > 0) print(`\n${writingTable(record.writing)}\n`);
  const figures = (await readdir(path.join(directory, "figures"))).filter((name) =>
    name.endsWith(".png"),
  );
  figures.forEach((name) => print(path.join(directory, "figures", name)));
}

/** Ctrl-C and `kill` end the process between two steps, with 128 and the signal's number as shells have it. */
function stopOnSignals(): void {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)
    process.once(signal, () => {
      note("Stopped. What is finished is kept: the same command goes on from there.");
      process.exit(code);
    });
}

async function finishedRuns(): Promise<string[]> {
  const results = path.join(packageRoot, "results");
  const names = (await readdir(results)).filter((name) => name.includes("--"));
  if (names.length === 0)
    throw new UserError(`No finished run is in ${results}; "npm start" makes one.`);
  return names.sort().map((name) => path.join(results, name));
}
