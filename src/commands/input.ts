/** Reading what the verbs are given: texts, JSONL, rows of token ids. Bad input is refused before any work. */
import { z } from "zod";
import { errorMessage, UserError } from "../messages/errors";
import { readText } from "../files/files";
import type { Sequence } from "../lora/train";

const rowsSchema = z.array(z.array(z.int().min(0)).min(1)).min(1);

const lineSchema = z.union([
  z.strictObject({ text: z.string().min(1) }),
  z.strictObject({ prompt: z.string().min(1), completion: z.string().min(1) }),
]);

/** Rows of token ids from a JSON file `[[…], […]]`. */
export async function readIds(file: string): Promise<number[][]> {
  const result = rowsSchema.safeParse(parseJson(await readText(file), file));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new UserError(
    `${file}: rows of token ids are needed, as [[1, 2], [3]]; at ${issue.path.join(".") || "top"}: ${issue.message}`,
  );
}

/** Training texts: `.jsonl` with a "text", or a "prompt" and "completion", a line; any other file is one text. */
export async function readSequences(
  file: string,
): Promise<Exclude<Sequence, { ids: readonly number[] }>[]> {
  const text = await readText(file);
  if (!file.endsWith(".jsonl")) {
    if (text.trim() === "") throw new UserError(`${file} is empty.`);
    return [text];
  }
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length === 0) throw new UserError(`${file} is empty.`);
  return lines.map((line, l) => {
    const result = lineSchema.safeParse(parseJson(line, `${file}, line ${l + 1}`));
    if (!result.success)
      throw new UserError(
        `${file}, line ${l + 1}: a line is {"text": …} or {"prompt": …, "completion": …}.`,
      );
    return "text" in result.data ? result.data.text : result.data;
  });
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

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UserError(`${where} is not JSON: ${errorMessage(error)}`);
  }
}
