/** The benchmark's figures as rows: what was compared with what, in which precision. Nothing is timed here. */

/** One measured figure. */
export interface MeasuredRow {
  /** What was done, by whom, and in which precision on each side. */
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  /** The peer's figure for the same work, and how many times better ours is. */
  readonly peer?: number;
  readonly ratio?: number;
  /** Share of what the machine's product peak allows. */
  readonly shareOfPeak?: number;
  readonly aim?: string;
  /** 95% interval of `ours`. */
  readonly ci95?: readonly [low: number, high: number];
  /** What a growth was fitted to: resident bytes after so many jobs. */
  readonly samples?: readonly MemorySample[];
  /** Shown because it was asked for, not to be judged by. */
  readonly information?: boolean;
}

/** A row and the letter of its part. */
export interface BenchRow extends MeasuredRow {
  readonly part: string;
}

/** Memory of a process after so many jobs. */
export interface MemorySample {
  readonly jobs: number;
  readonly bytes: number;
}

/** One side of a comparison. */
export interface Side {
  /** "ours", or the peer's name. */
  readonly who: string;
  /** What frozen weights are multiplied in: "fp32", "bf16". */
  readonly precision: string;
  /** NaN where it was not measured. */
  readonly value: number;
}

/** Our side of a comparison. */
export function ours(precision: string, value: number): Side {
  return { who: "ours", precision, value };
}

/** The row of one comparison; a peer that was not measured is left out, of the name too. */
export function compare(
  what: string,
  unit: string,
  first: Side,
  second?: Side,
  more: Partial<MeasuredRow> = {},
): MeasuredRow {
  const told = ({ who, precision }: Side): string => `${who} in ${precision}`;
  const row = { unit, ours: first.value, ...more };
  if (!second || Number.isNaN(second.value)) return { name: `${what}: ${told(first)}`, ...row };
  const [a, b] = [first.value, second.value];
  const name = `${what}: ${told(first)} / ${told(second)}`;
  return { name, ...row, peer: b, ratio: unit === "s" ? b / a : a / b };
}
