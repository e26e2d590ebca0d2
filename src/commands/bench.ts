/** The verb `bench`: speed and memory beside PyTorch + PEFT. */
import path from "node:path";
import type { Command } from "commander";
import { PARTS, parseParts } from "../bench/arithmetic";
import { runBench, type BenchResult, type BenchRow } from "../bench/bench";
import { writeFileAtomic } from "../files";
import { defaultModel } from "../model/sources";
import { figureBars } from "../plot/bars";
import { renderFigure } from "../plot/render";
import { describeEnvironment } from "../run/record";
import { engineInfo } from "../engine";
import { UserError } from "../errors";
import { note, print, printJson, textTable } from "./output";
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
  const parts = Object.entries(PARTS).map(([letter, what]) => `${letter} ${what}`);
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

/** The table, and what it is to be judged by. */
export function formatBench(result: BenchResult): string {
  const cells = result.rows.map((row) => [
    `(${row.part}) ${row.name}`,
    `${amount(row.ours)} ${row.unit}`,
    row.peer === undefined ? "" : amount(row.peer),
    row.ratio === undefined ? "" : row.ratio.toFixed(2),
    row.shareOfPeak === undefined ? "" : `${(100 * row.shareOfPeak).toFixed(0)}%`,
    row.aim ?? "",
  ]);
  const bounds = Object.entries(result.boundTokensPerSecond).map(
    ([name, speed]) => `${speed.toFixed(0)} tokens/s (${name})`,
  );
  const busy = (share: number): string => `${(100 * share).toFixed(0)}%`;
  return [
    textTable(["", "ours", "PEFT's", "ratio", "of peak", "aim"], cells),
    `Fastest product ${result.peakGflops.toFixed(0)} GFLOP/s, which allows training on ${bounds.join(", ")} at the most.`,
    `Others used ${busy(result.busyBefore)} of the machine before and ${busy(result.busyAfter)} after; the fastest of ${result.rounds} rounds counts.`,
  ].join("\n\n");
}

function amount(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

async function drawFigures({ rows, rounds }: BenchResult, folder: string): Promise<void> {
  const draw = async (name: string, title: string, own: readonly BenchRow[]): Promise<void> => {
    if (own.length === 0) return;
    const bars = own.map((row) => ({
      label: row.name.replace(": tokens a second", ""),
      value: row.ours,
      ...(row.peer === undefined ? {} : { reference: row.peer }),
    }));
    const figure = figureBars(bars, {
      title,
      note: `fastest of ${rounds} rounds`,
      axisTitle: "tokens a second",
      format: (value) => value.toFixed(0),
      referenceLabel: "PyTorch + PEFT, transformers",
    });
    await renderFigure(figure, path.join(folder, name));
  };
  const speeds = rows.filter(({ unit }) => unit === "tokens/s");
  const part = (letter: string): BenchRow[] => speeds.filter((row) => row.part === letter);
  await draw("training", "Training adapters, SmolLM2-135M", part("a"));
  await draw("decoding", "Decoding, SmolLM2-135M", part("c"));
}
