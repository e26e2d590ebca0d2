/** Texts that people and their tools have written: strict UTF-8 without its byte-order mark, JSON, and JSON lines. */
import { isUtf8 } from "node:buffer";
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { errorMessage, UserError } from "../messages/errors";

/** How a text's file is called in errors, and how large it may be. */
export interface TextOptions {
  /** Its path unless told. */
  readonly name?: string;
  /** Bytes; 256 MB unless told. */
  readonly limit?: number;
}

const LARGEST_TEXT = 256e6;

const READ_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EISDIR: "it is a folder; name a file",
  EACCES: "you may not read it",
};

/**
 * The text of a file, without a byte-order mark. Throws UserError where it cannot be read, is larger than `limit`, or is
 * not UTF-8.
 */
export async function readText(
  file: string,
  { name = file, limit = LARGEST_TEXT }: TextOptions = {},
): Promise<string> {
  return decodeText(await readBytes(file, name, limit), name);
}

/** As `readText`; undefined where there is no such file. */
export async function readTextIfThere(
  file: string,
  options: TextOptions = {},
): Promise<string | undefined> {
  return existsSync(file) ? readText(file, options) : undefined;
}

async function readBytes(file: string, name: string, limit: number): Promise<Buffer> {
  try {
    // Before it is read: what is too large is not even tried. (A pipe has no size until it is read.)
    requireSize((await stat(file)).size, name, limit);
    const bytes = await readFile(file);
    requireSize(bytes.length, name, limit);
    return bytes;
  } catch (error) {
    if (error instanceof UserError) throw error;
    const known = READ_PROBLEMS[(error as NodeJS.ErrnoException).code ?? ""];
    throw new UserError(`Cannot read ${name}: ${known ?? errorMessage(error)}.`);
  }
}

function requireSize(bytes: number, name: string, limit: number): void {
  if (bytes > limit) throw new UserError(`${name} has ${bytes} bytes; at most ${limit} are read.`);
}

const BYTE_ORDER_MARKS: readonly [name: string, bytes: readonly number[]][] = [
  ["UTF-32", [0xff, 0xfe, 0, 0]],
  ["UTF-32", [0, 0, 0xfe, 0xff]],
  ["UTF-16", [0xff, 0xfe]],
  ["UTF-16", [0xfe, 0xff]],
];

/**
 * Bytes as text: strict UTF-8, byte-order marks at its start dropped. A NUL, which UTF-16 is full of and no text has, is
 * refused too. Throws UserError naming `name`.
 */
export function decodeText(bytes: Buffer, name: string): string {
  const nul = bytes.includes(0);
  if (isUtf8(bytes) && !nul) return withoutMark(bytes.toString("utf8"));
  const marked = BYTE_ORDER_MARKS.find(([, mark]) => mark.every((byte, i) => bytes[i] === byte));
  const looksLike = marked?.[0] ?? (nul ? "UTF-16, or no text at all" : "Latin-1 or the like");
  throw new UserError(`${name} is not UTF-8 (it looks like ${looksLike}): save it as UTF-8.`);
}

function withoutMark(text: string): string {
  return text.replace(/^\ufeff+/, "");
}

/** The value of a JSON text. Throws UserError, naming `where`, for what is not JSON. */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(withoutMark(text)) as unknown;
  } catch (error) {
    // Its words quote the text, line ends and all.
    throw new UserError(`${where} is not JSON: ${errorMessage(error).replace(/\s+/g, " ")}`);
  }
}

/** The value of a JSON file; errors as of `readText` and `parseJson`. */
export async function readJson(file: string, options: TextOptions = {}): Promise<unknown> {
  return parseJson(await readText(file, options), options.name ?? file);
}

/** The same, or undefined where there is no such file. */
export async function readJsonIfThere(file: string): Promise<unknown> {
  const text = await readTextIfThere(file);
  return text === undefined ? undefined : parseJson(text, file);
}

/** The value of one line of JSON lines, and the line's place for errors. */
export interface JsonLine {
  readonly value: unknown;
  readonly where: string;
}

/** Whether a file's name says that each of its lines is JSON. */
export function isJsonLines(file: string): boolean {
  return /\.(?:jsonl|ndjson)$/i.test(file);
}

/** The lines of JSON lines that are not blank. Throws UserError, naming file and line, for one that is not JSON. */
export function parseJsonLines(text: string, file: string): JsonLine[] {
  return text.split("\n").flatMap((line, l) => {
    const where = `${file}, line ${l + 1}`;
    return line.trim() === "" ? [] : [{ where, value: parseJson(line, where) }];
  });
}
