/** The verb `bench`: speed and memory beside PyTorch + PEFT. */
import path from "node:path";
import type { Command } from "commander";
import { runBench } from "../bench/bench";
import { PARTS, parseParts } from "../bench/parts";
import { writeFileAtomic } from "../files/files";
import { defaultModel } from "../model/sources";
import { describeEnvironment } from "../run/record";
import { engineInfo } from "../engine";
import { UserError } from "../messages/errors";
import { drawFigures, formatBench } from "./bench-report";
import { note, print, printJson } from "./output";
import { wholeNumber } from "./input";

interface BenchFlags {
  parts?: string;
  rounds?: number;
  quick?: boolean;
  peer: boolean;
  out?: string;
  json?: boolean;
}

/** Adds the verb. */
export function addBenchCommand(program: Command): void {
  const parts = Object.entries(PARTS).map(([letter, { title }]) => `${letter} ${title}`);
  program
    .command("bench")
    .description("speed and memory beside PyTorch + PEFT, on a machine with nothing else to do")
    .option("--parts <letters>", `with commas, of: ${parts.join("; ")} (all)`)
    .option("--rounds <number>", "rounds of which the fastest counts (3)", wholeNumber("rounds"))
    .option("--quick", "two rounds, fewer points")
    .option("--no-peer", "without PyTorch, whose packages take 6 GB")
    .option("--out <folder>", "write bench.json and figures there")
    .option("--json", "machine-readable")
    .action(runBenchCommand);
}

async function runBenchCommand(flags: BenchFlags): Promise<void> {
  const parts = parseParts(flags.parts);
  const rounds = flags.rounds ?? (flags.quick ? 2 : 3);
  if (rounds < 1) throw new UserError("--rounds: at least 1.");
  const quick = flags.quick ?? false;
  const result = await runBench({
    model: defaultModel,
    parts,
    rounds,
    quick,
    peer: flags.peer,
    note,
  });
  const engine = engineInfo();
  const environment = await describeEnvironment({
    engine: engine?.name ?? "none",
    engineVersion: engine?.version ?? "",
    threads: engine?.threads ?? 1,
  });
  const whole = { environment, parts, quick, ...result };
  if (flags.out !== undefined) {
    const file = path.join(flags.out, "bench.json");
    await writeFileAtomic(file, `${JSON.stringify(whole, null, 2)}\n`);
    await drawFigures(result, path.join(flags.out, "figures"));
  }
  if (flags.json) printJson(whole);
  else print(formatBench(result));
  if (result.failures.length > 0) process.exitCode = 1;
}
