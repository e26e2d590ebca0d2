/** Run records and candidates as danfojs DataFrames, and where finished results lie. Showing them is `show.ts`. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { DataFrame } from "danfojs-node";
import { parseJsonLines, readText } from "../files/text";
import { UserError } from "../messages/errors";
import type { RunRecord } from "../run/record";
import { packageRoot } from "../files/package";

type Value = string | number | boolean | null;

/** One line of a result's rollouts.jsonl or metrics.jsonl; the keys are the experiment's. */
export type Rollout = Readonly<Record<string, unknown>>;

/** Options of `frame`. */
export interface FrameOptions {
  /** Name of a list of objects in each row (such as `answers`), each of which becomes a row of its own; none unless told. */
  readonly each?: string;
}

/**
 * A danfojs DataFrame of a record's rows (arm, round, accuracy, …), or of any list of plain objects. Nested objects
 * become columns named `outer.inner`. An interval `ci95` becomes `low` and `high` (`ci95OverSeeds`: `lowOverSeeds` and so
 * on), another list of up to ten numbers one column for each (`rewards.1`, …), any other list its length. What an object lacks is null.
 * A column whose name danfojs needs itself (`index`, `columns`, …) gets an underscore at its end.
 */
export function frame(
  source: RunRecord | readonly object[],
  options: FrameOptions = {},
): DataFrame {
  const rows = "rows" in source ? source.rows : (source as readonly object[]);
  const { each } = options;
  const flat = rows.flatMap((row) => {
    const own = row as Rollout;
    const inner = each === undefined ? undefined : own[each];
    if (each === undefined) return [flatten(own)];
    const outer = flatten(Object.fromEntries(Object.entries(own).filter(([key]) => key !== each)));
    return Array.isArray(inner)
      ? inner.map((item: object) => ({ ...outer, ...flatten(item as Rollout) }))
      : [];
  });
  if (flat.length === 0) throw new UserError("There are no rows to make a table of.");
  const columns = [...new Set(flat.flatMap((row) => Object.keys(row)))];
  const filled = flat.map((row) => columns.map((column) => row[column] ?? null));
  // Loading danfojs takes seconds; who shows no table need not wait.
  const danfo = createRequire(__filename)("danfojs-node") as typeof import("danfojs-node");
  const taken = ownNames(new danfo.DataFrame([[0]], { columns: ["0"] }));
  return new danfo.DataFrame(filled, {
    columns: columns.map((column) => (taken.has(column) ? `${column}_` : column)),
  });
}

/** Names that a DataFrame keeps its own data under: a column so named would make it call itself for ever. */
function ownNames(empty: object): Set<string> {
  const names = new Set(Object.getOwnPropertyNames(empty));
  for (
    let part: object = empty;
    part !== Object.prototype;
    part = Object.getPrototypeOf(part) as object
  )
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(part)))
      if ("get" in descriptor) names.add(name);
  return names;
}

function flatten(row: Rollout, prefix = ""): Record<string, Value> {
  const entries = Object.entries(row).flatMap(([key, value]): [string, Value][] => {
    if (value === undefined) return [];
    if (Array.isArray(value)) return listColumns(key, value).map(([k, v]) => [prefix + k, v]);
    if (typeof value === "object" && value !== null)
      return Object.entries(flatten(value as Rollout, `${prefix}${key}.`));
    return [[prefix + key, value as Value]];
  });
  return Object.fromEntries(entries);
}

/** Longest list of numbers that gets a column for each. */
const MOST_COLUMNS = 10;

function listColumns(key: string, list: readonly unknown[]): [string, Value][] {
  const numbers = list.length > 0 && list.every((item) => typeof item === "number");
  if (!numbers || list.length > MOST_COLUMNS) return [[key, list.length]];
  if (list.length === 2 && key.startsWith("ci95"))
    return list.map((end, i) => [key.replace("ci95", i === 0 ? "low" : "high"), end]);
  return list.map((item, i) => [`${key}.${i + 1}`, item]);
}

/**
 * The folder of a finished result, the first of `names` that is there: `results/NAME` of this package, or the committed
 * one in `results/reference/NAME`. Throws UserError where none is.
 */
export function resultFolder(...names: readonly string[]): string {
  const parts = names.flatMap((name) => [`results/${name}`, `results/reference/${name}`]);
  const found = parts
    .map((part) => path.join(packageRoot, part))
    .find((folder) => existsSync(path.join(folder, "record.json")));
  if (found === undefined)
    throw new UserError(
      `There is no finished result "${names.join('" or "')}" in results/; "seal run" makes one.`,
    );
  return found;
}

/** Every candidate of a finished result, from its rollouts.jsonl. Throws UserError where it cannot be read. */
export async function readRollouts(folder: string): Promise<Rollout[]> {
  return readLines(path.join(folder, "rollouts.jsonl"));
}

/** What a finished result measured beside its rows, from its metrics.jsonl. Throws UserError where it cannot be read. */
export async function readMetrics(folder: string): Promise<Rollout[]> {
  return readLines(path.join(folder, "metrics.jsonl"));
}

async function readLines(file: string): Promise<Rollout[]> {
  return parseJsonLines(await readText(file), file).map(({ value }) => value as Rollout);
}
