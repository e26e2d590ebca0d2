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
      for (const way of waysOf(rows)) await measureRows(bench, precision, rows, way);
    // Last, so that its failure leaves the others.
    if (precision !== HALF)
      for (const rows of precision.decodedRows) await measureLlama(bench, precision, rows);
  },
  rows: async (bench) =>
    bench.given.precisions.flatMap((precision) =>
      precision.decodedRows.flatMap((rows) => [
        ...waysOf(rows).flatMap((way) => rowsOf(bench, precision, rows, way)),
        ...llamaRows(bench, precision, rows),
      ]),
    ),
};

/** One thing that is timed. */
interface Way {
  readonly temperature: number;
  /** Whether the prompts begin alike. */
  readonly alike: boolean;
}

/** Greedy; sampled and with prompts that have nothing in common where that is measured too. */
function waysOf(rows: number): Way[] {
  const ways = [{ temperature: 0, alike: true }];
  if (rows === 8 || rows === 32) ways.push({ temperature: 1, alike: true });
  if (rows === 32) ways.push({ temperature: 0, alike: false });
  return ways;
}

function keyOf(rows: number, { temperature, alike }: Way): string {
  return `${rows} ${temperature}${alike ? "" : " unlike"}`;
}

async function measureRows(
  bench: Bench,
  precision: Precision,
  rows: number,
  way: Way,
): Promise<void> {
  const { temperature, alike } = way;
  const prompts = promptsOf(rows, bench.given.model.config.vocabularySize, alike);
  const request = { do: "decode", prompts, tokens: ANSWER_TOKENS, temperature };
  await bench.timePeer(`c peer ${keyOf(rows, way)}`, precision, request);
  const settings = { maximumTokens: ANSWER_TOKENS, temperature, topP: 0.95 };
  await bench.time(`c ${keyOf(rows, way)}`, precision, () =>
    generate(bench.endless(precision), prompts, settings),
  );
}

async function measureLlama(bench: Bench, precision: Precision, rows: number): Promise<void> {
  const prompts = promptsOf(rows, bench.given.model.config.vocabularySize);
  const answer = await bench.given.llama?.ask({ prompts, tokens: ANSWER_TOKENS });
  if (answer) bench.keep(`c llama ${rows}`, precision, answer.seconds.total);
}

function rowsOf(bench: Bench, precision: Precision, rows: number, way: Way): MeasuredRow[] {
  const { temperature, alike } = way;
  const what = `${told(rows)}${temperature ? ", sampled" : ""}${alike ? "" : ", prompts unlike"}`;
  const own = ours(precision.name, speed(bench, `c ${keyOf(rows, way)}`, precision, rows));
  const peer = (of: Precision): Side => ({
    who: "transformers",
    precision: of.name,
    value: speed(bench, `c peer ${keyOf(rows, way)}`, of, rows),
  });
  const aim = temperature === 0 && alike && AIMS[rows] ? { aim: AIMS[rows] } : {};
  const same = compare(what, "tokens/s", own, peer(precision), aim);
  return precision.name === "fp32" ? [same] : [same, compare(what, "tokens/s", own, peer(SINGLE))];
}

/** llama.cpp multiplies the file's own few-bit weights, which is other work than ours in fp32. */
function llamaRows(bench: Bench, precision: Precision, rows: number): MeasuredRow[] {
  const { llama } = bench.given;
  if (!llama || precision === HALF) return [];
  const own = ours(
    precision.name,
    speed(bench, `c ${keyOf(rows, waysOf(rows)[0])}`, precision, rows),
  );
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
