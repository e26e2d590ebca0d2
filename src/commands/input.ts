/** Reading what the verbs are given: texts, JSONL, rows of token ids. Bad input is refused before any work. */
import { z } from "zod";
import { UserError } from "../messages/errors";
import { isJsonLines, parseJsonLines, readJson, readText, type JsonLine } from "../files/text";
import type { Sequence } from "../lora/train";
import { note } from "./output";

const rowsSchema = z.array(z.array(z.int().min(0)).min(1)).min(1);

/** Rows of token ids from a JSON file `[[…], […]]`. */
export async function readIds(file: string): Promise<number[][]> {
  const result = rowsSchema.safeParse(await readJson(file));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new UserError(
    `${file}: rows of token ids are needed, as [[1, 2], [3]]; at ${issue.path.join(".") || "top"}: ${issue.message}`,
  );
}

/** A training text, or a prompt with its completion. */
type TextSequence = Exclude<Sequence, { ids: readonly number[] }>;

/**
 * Training texts: `.jsonl` with a "text", or a "prompt" and "completion", a line; any other file is one text. Further
 * columns of JSON lines are not used, and `say` is told their names.
 */
export async function readSequences(
  file: string,
  say: (line: string) => void = note,
): Promise<TextSequence[]> {
  if (/\.json$/i.test(file))
    throw new UserError(
      `${file} is JSON, neither a text nor JSON lines: name it .jsonl with one {"text": …} a line, or .txt to take it as it stands.`,
    );
  const text = await readText(file);
  if (text.trim() === "") throw new UserError(`${file} is empty.`);
  if (!isJsonLines(file)) return [text];
  const lines = parseJsonLines(text, file);
  const columns = lines.map(usedColumns);
  const unused = lines.flatMap(({ value }, l) =>
    Object.keys(value as object).filter((name) => !columns[l].includes(name)),
  );
  if (unused.length > 0)
    say(
      `${file}: not used: ${quoted([...new Set(unused)])}; only ${quoted([...new Set(columns.flat())])} is read.`,
    );
  return lines.map(({ value }, l) => {
    const [first, second] = columns[l].map((name) => (value as Record<string, string>)[name]);
    return second === undefined ? first : { prompt: first, completion: second };
  });
}

/** The columns that a line is read by. Throws UserError, naming them, where they are missing, empty or ambiguous. */
function usedColumns({ value, where }: JsonLine): string[] {
  const needed = 'a line has a "text", or a "prompt" and a "completion"';
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UserError(`${where}: ${needed}, in an object.`);
  const line = value as Record<string, unknown>;
  const has = (name: string): boolean => name in line;
  const pair = ["prompt", "completion"];
  if (has("text") && pair.some(has))
    throw new UserError(`${where}: it has ${quoted(["text", ...pair.filter(has)])}: ${needed}.`);
  const columns = has("text") ? ["text"] : pair;
  if (!columns.every(has)) {
    const present = Object.keys(line);
    const there = present.length > 0 ? `only ${quoted(present)}` : "nothing";
    throw new UserError(`${where}: it has ${there}: ${needed}.`);
  }
  for (const name of columns) {
    const text = line[name];
    if (typeof text !== "string") throw new UserError(`${where}: "${name}" is not a text.`);
    if (text === "")
      throw new UserError(`${where}: "${name}" is empty: fill it, or leave the line out.`);
    if (/\p{Cs}/u.test(text))
      throw new UserError(`${where}: "${name}" holds half of a character (a lone surrogate).`);
  }
  return columns;
}

function quoted(names: readonly string[]): string {
  const shown = names.slice(0, 10).map((name) => JSON.stringify(name));
  return `${shown.join(", ")}${names.length > 10 ? ` and ${names.length - 10} more` : ""}`;
}

/** A whole number from an option. */
export function wholeNumber(name: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isInteger(value))
      throw new UserError(`--${name} needs a whole number, not "${text}".`);
    return value;
  };
}

/** A number from an option. */
export function decimal(name: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value))
      throw new UserError(`--${name} needs a number, not "${text}".`);
    return value;
  };
}
