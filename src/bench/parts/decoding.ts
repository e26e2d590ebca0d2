/** (c) Decoding, beside transformers' generate and, for information, llama.cpp on the GGUF file as it is. */
import { generate } from "../../lora/generate";
import type { Bench, BenchPart } from "../context";
import { compare, ours, type MeasuredRow, type Side } from "../rows";
import { ANSWER_TOKENS, HALF, promptsOf, SINGLE, type Precision } from "../workload";

const AIMS: Readonly<Record<number, string>> = { 1: "ratio 1.5", 32: "ratio 3" };

/** The part. */
export const decoding: BenchPart = {
  title: "decoding",
  async measure(bench, precision) {
    for (const rows of precision.decodedRows)
      for (const temperature of temperatures(rows))
        await measureRows(bench, precision, rows, temperature);
    // Last, so that its failure leaves the others.
    if (precision !== HALF)
      for (const rows of precision.decodedRows) await measureLlama(bench, precision, rows);
  },
  rows: async (bench) =>
    bench.given.precisions.flatMap((precision) =>
      precision.decodedRows.flatMap((rows) => [
        ...temperatures(rows).flatMap((t) => rowsOf(bench, precision, rows, t)),
        ...llamaRows(bench, precision, rows),
      ]),
    ),
};

/** Greedy, and sampled where that is measured too. */
function temperatures(rows: number): number[] {
  return rows === 8 || rows === 32 ? [0, 1] : [0];
}

async function measureRows(
  bench: Bench,
  precision: Precision,
  rows: number,
  temperature: number,
): Promise<void> {
  const prompts = promptsOf(rows, bench.given.model.config.vocabularySize);
  const request = { do: "decode", prompts, tokens: ANSWER_TOKENS, temperature };
  await bench.timePeer(`c peer ${rows} ${temperature}`, precision, request);
  const settings = { maximumTokens: ANSWER_TOKENS, temperature, topP: 0.95 };
  await bench.time(`c ${rows} ${temperature}`, precision, () =>
    generate(bench.endless(precision), prompts, settings),
  );
}

async function measureLlama(bench: Bench, precision: Precision, rows: number): Promise<void> {
  const prompts = promptsOf(rows, bench.given.model.config.vocabularySize);
  const answer = await bench.given.llama?.ask({ prompts, tokens: ANSWER_TOKENS });
  if (answer) bench.keep(`c llama ${rows}`, precision, answer.seconds.total);
}

function rowsOf(
  bench: Bench,
  precision: Precision,
  rows: number,
  temperature: number,
): MeasuredRow[] {
  const what = `${told(rows)}${temperature ? ", sampled" : ""}`;
  const own = ours(precision.name, speed(bench, `c ${rows} ${temperature}`, precision, rows));
  const peer = (of: Precision): Side => ({
    who: "transformers",
    precision: of.name,
    value: speed(bench, `c peer ${rows} ${temperature}`, of, rows),
  });
  const aim = temperature === 0 && AIMS[rows] ? { aim: AIMS[rows] } : {};
  const same = compare(what, "tokens/s", own, peer(precision), aim);
  return precision.name === "fp32" ? [same] : [same, compare(what, "tokens/s", own, peer(SINGLE))];
}

/** llama.cpp multiplies the file's own few-bit weights, which is other work than ours in fp32. */
function llamaRows(bench: Bench, precision: Precision, rows: number): MeasuredRow[] {
  const { llama } = bench.given;
  if (!llama || precision === HALF) return [];
  const own = ours(precision.name, speed(bench, `c ${rows} 0`, precision, rows));
  const { version, weights } = llama.hello;
  const value = speed(bench, `c llama ${rows}`, precision, rows);
  const other = { who: `node-llama-cpp ${version}`, precision: weights, value };
  const what = `${told(rows)}, information: other arithmetic`;
  return [compare(what, "tokens/s", own, other, { information: true })];
}

function told(rows: number): string {
  return `${rows} ${rows === 1 ? "row" : "rows"}`;
}

/** Tokens written in a second. */
function speed(bench: Bench, name: string, precision: Precision, rows: number): number {
  return (rows * ANSWER_TOKENS) / bench.seconds(name, precision);
}
