/** The work that is measured: sizes, jobs and prompts, the same for ours and for the peers. Nothing is timed here. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { TARGET_NAMES, type TargetName } from "../model/adapters";
import { idsOf } from "./arithmetic";

/** Epochs of a whole adapter. */
export const EPOCHS = 10;
/** Tokens that SEAL's own way pads every sequence to. */
export const PAD_TO = 2048;
export const RANK = 32;
/** Questions that each adapter is asked. */
export const QUESTIONS = 5;
/** Tokens of every answer. */
export const ANSWER_TOKENS = 16;
/** SEAL's 974 questions as SmolLM2 is asked them: 54.7 tokens in the mean, of which all begin with the same 36. */
const PROMPT_TOKENS = 55;
const BEGINNING_TOKENS = 36;

/** The matrices that adapters are put on, by name. */
export const TARGETS = {
  "q and v": ["q_proj", "v_proj"],
  "all linear": TARGET_NAMES,
} as const satisfies Record<string, readonly TargetName[]>;

/** A job: the lengths of its sequences, in tokens. */
export type Lengths = readonly number[];

/** In what numbers products with frozen weights are made, and which points are measured so. */
export interface Precision {
  readonly name: "fp32" | "bf16";
  readonly counts: readonly number[];
  /** Steps of full rows, all of one length: rows and length. */
  readonly fullSteps: readonly (readonly [rows: number, length: number])[];
  readonly decodedRows: readonly number[];
}

/** What is measured in fp32. */
export const SINGLE: Precision = {
  name: "fp32",
  counts: [1, 2, 5, 10],
  fullSteps: [
    [5, 32],
    [20, 50],
  ],
  decodedRows: [1, 8, 32, 64],
};

/** Fewer points of it. */
export const QUICK: Precision = {
  ...SINGLE,
  counts: [1, 5],
  fullSteps: [[5, 32]],
  decodedRows: [1, 32],
};

/** Off unless asked for; the peer then has its weights in bfloat16 too. */
export const HALF: Precision = {
  name: "bf16",
  counts: [1, 5],
  fullSteps: [],
  decodedRows: [1, 8, 32],
};

/** The lengths of SEAL's released self-edits. */
export async function readLengths(): Promise<number[][]> {
  const file = path.join(__dirname, "../../experiments/bench/lengths.json");
  return z.array(z.array(z.int().positive())).parse(JSON.parse(await readFile(file, "utf8")));
}

/** Jobs of four steps each. */
export function fill(rows: number, length: number): number[][] {
  return Array.from({ length: rows }, () => new Array<number>(4).fill(length));
}

/** All tokens of these jobs. */
export function tokensOf(jobs: readonly Lengths[]): number {
  return jobs.flat().reduce((sum, length) => sum + length, 0);
}

/** Token ids of every sequence of every job. */
export function sequencesOf(jobs: readonly Lengths[], vocabularySize: number): number[][][] {
  return jobs.map((job, k) => job.map((length, s) => idsOf(length, 31 * k + s, vocabularySize)));
}

/** Prompts as long as SEAL's questions, which begin alike as those do, or not. */
export function promptsOf(count: number, vocabularySize: number, alike = true): number[][] {
  const beginning = alike ? idsOf(BEGINNING_TOKENS, 1_000_000, vocabularySize) : [];
  return Array.from({ length: count }, (_, q) => [
    ...beginning,
    ...idsOf(PROMPT_TOKENS - beginning.length, q, vocabularySize),
  ]);
}
