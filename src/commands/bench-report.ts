/** What a run of the benchmark found, as a table and as figures. */
import path from "node:path";
import type { BenchResult } from "../bench/bench";
import type { BenchRow, MemorySample } from "../bench/rows";
import { figureBars } from "../plot/bars";
import type { Figure } from "../plot/figure";
import { figureLines } from "../plot/lines";
import { renderFigure } from "../plot/render";
import { textTable } from "./output";

/** The table, and what it is to be judged by. */
export function formatBench(result: BenchResult): string {
  const cells = result.rows.map((row) => [
    `(${row.part}) ${row.name}`,
    `${amount(row.ours)} ${row.unit}${interval(row)}`,
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
    textTable(["", "the first", "the second", "ratio", "of peak", "aim"], cells),
    `Fastest product ${result.peakGflops.toFixed(0)} GFLOP/s, which allows training on ${bounds.join(", ")} at the most.`,
    `Others used ${busy(result.busyBefore)} of the machine before and ${busy(result.busyAfter)} after; the fastest of ${result.rounds} rounds counts.`,
  ].join("\n\n");
}

function amount(value: number): string {
  const size = Math.abs(value);
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function interval({ ci95 }: BenchRow): string {
  return ci95 ? ` (95%: ${amount(ci95[0])} to ${amount(ci95[1])})` : "";
}

/** Writes the figures of what was measured into a folder. */
export async function drawFigures({ rows, rounds }: BenchResult, folder: string): Promise<void> {
  const speeds = (part: string): BenchRow[] =>
    rows.filter((row) => row.part === part && row.unit === "tokens/s");
  const note = `Fastest of ${rounds} rounds.`;
  const bars: [string, string, BenchRow[]][] = [
    ["training", "Training adapters, SmolLM2-135M", speeds("a")],
    ["decoding", "Decoding, SmolLM2-135M", speeds("c")],
  ];
  for (const [name, title, own] of bars)
    if (own.length > 0) await renderFigure(speedFigure(own, title, note), path.join(folder, name));
  const grown = rows.find(({ samples }) => samples);
  if (grown) await renderFigure(growthFigure(grown), path.join(folder, "growth"));
}

function speedFigure(rows: readonly BenchRow[], title: string, note: string): Figure {
  const bars = rows.map((row) => ({
    label: row.name,
    value: row.ours,
    ...(row.peer === undefined ? {} : { reference: row.peer }),
  }));
  return figureBars(bars, {
    ...{ title, note, axisTitle: "tokens a second" },
    format: (value) => value.toFixed(0),
    referenceLabel: "the peer",
  });
}

/** Memory over jobs, all samples. */
export function growthFigure(row: BenchRow): Figure {
  const samples: readonly MemorySample[] = row.samples ?? [];
  const megabytes = samples.map(({ bytes }) => bytes / 1e6);
  const line = { label: "after each 50 jobs", x: samples.map(({ jobs }) => jobs), y: megabytes };
  const [low, high] = [Math.min(...megabytes), Math.max(...megabytes)];
  return figureLines([line], {
    title: "Memory over many small jobs, SmolLM2-135M",
    note: `Least squares: ${amount(row.ours)} MB${interval(row)}, ${row.name}.`,
    xTitle: "jobs trained in one process",
    yTitle: "resident memory (MB)",
    lowest: low - 0.1 * Math.max(high - low, 1),
  });
}
