/** The append-only journal of a run: what is in it was finished, and is never computed or counted again. */
import { mkdir, open, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { UserError } from "../messages/errors";
import { canonicalJson, explainWriteError, sha256OfText, syncFolder } from "../files/files";
import { settingsChanges } from "../schema/changes";

/** Seconds of wall clock, and of this process's work on all its cores. */
export interface Spent {
  readonly total: number;
  readonly cpu: number;
}

/** A journal that is open for one run. Close it. */
export interface Journal {
  /** How many pieces of finished work it holds: different keys, `INPUTS` not counted. */
  readonly size: number;
  /** Time that the run has taken, this part of it and, up to their last entries, the parts before. */
  spent(): Spent;
  /** The value that was stored under a key, or undefined. */
  get(key: string): unknown;
  /** Stores a value, on disk when the promise resolves. A key that is there already keeps its value. */
  append(key: string, value: unknown): Promise<void>;
  /** Waits for what is being written, and closes the file. */
  close(): Promise<void>;
}

const headerSchema = z.strictObject({ settings: z.unknown(), hash: z.string() });
const entrySchema = z.strictObject({
  key: z.string(),
  value: z.unknown(),
  spent: z.strictObject({ total: z.number(), cpu: z.number() }).optional(),
});
const NEWLINE = 0x0a;

/** The key under which a run keeps what files it was begun with, which is no work yet. */
export const INPUTS = "inputs";

/**
 * Opens or creates a journal for these settings (plain data). Cuts off a last line that was not written
 * to its end. One without any finished work is begun anew: it binds nobody to its settings or files.
 * Throws a UserError where a line is damaged, or where finished work is of other settings.
 */
export async function openJournal(file: string, settings: unknown): Promise<Journal> {
  const handle = await openForAppending(file);
  try {
    const bytes = await handle.readFile();
    const { lines, length } = readLines(bytes, file);
    const [header, ...rest] = lines;
    const entries = rest.map((entry, i) => parsed(entrySchema, entry, file, i + 2));
    if (header === undefined || entries.every(({ key }) => key === INPUTS)) {
      await handle.truncate(0);
      const fresh = new FileJournal(file, handle, 0);
      await fresh.write({ settings, hash: sha256OfText(canonicalJson(settings)) });
      await syncFolder(path.dirname(file));
      return fresh;
    }
    checkSettings(parsed(headerSchema, header, file, 1).settings, settings, file);
    if (length < bytes.length) await handle.truncate(length);
    const journal = new FileJournal(file, handle, length);
    for (const { key, value, spent } of entries) {
      journal.before = spent ?? journal.before;
      if (!journal.values.has(key)) journal.values.set(key, value);
    }
    return journal;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openForAppending(file: string): Promise<FileHandle> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    return await open(file, "a+");
  } catch (error) {
    throw explainWriteError(error, file);
  }
}

class FileJournal implements Journal {
  readonly values = new Map<string, unknown>();
  private readonly pending = new Set<string>();
  private last: Promise<void> = Promise.resolve();
  /** What the parts before have taken. */
  before: Spent = { total: 0, cpu: 0 };
  private readonly opened = { at: performance.now(), cpu: process.cpuUsage() };

  constructor(
    private readonly file: string,
    private readonly handle: FileHandle,
    private length: number,
  ) {}

  get size(): number {
    return this.values.size - (this.values.has(INPUTS) ? 1 : 0);
  }

  get(key: string): unknown {
    return this.values.get(key);
  }

  spent(): Spent {
    const { user, system } = process.cpuUsage(this.opened.cpu);
    return {
      total: this.before.total + (performance.now() - this.opened.at) / 1000,
      cpu: this.before.cpu + (user + system) / 1e6,
    };
  }

  append(key: string, value: unknown): Promise<void> {
    if (this.values.has(key) || this.pending.has(key)) return this.last;
    this.pending.add(key);
    const line = { key, value: JSON.parse(canonicalJson(value)) as unknown };
    // One after the other, and one failure does not keep the next from being tried.
    this.last = this.last
      .catch(() => undefined)
      .then(() => this.write({ ...line, spent: this.spent() }))
      .then(() => void this.values.set(key, line.value))
      .finally(() => this.pending.delete(key));
    return this.last;
  }

  /** Writes one line and waits until it is on disk; takes back what a failed write has left. */
  async write(line: object): Promise<void> {
    const bytes = Buffer.from(withChecksum(canonicalJson(line)), "utf8");
    try {
      await this.handle.appendFile(bytes);
      await this.handle.datasync();
    } catch (error) {
      await this.handle.truncate(this.length).catch(() => undefined);
      throw explainWriteError(error, this.file);
    }
    this.length += bytes.length;
  }

  async close(): Promise<void> {
    await this.last.catch(() => undefined);
    await this.handle.close();
  }
}

function withChecksum(json: string): string {
  return `{"checksum":"${sha256OfText(json).slice(0, 16)}",${json.slice(1)}\n`;
}

/** The JSON of a line without its checksum, or undefined where the two do not agree. */
function checkedJson(line: string): string | undefined {
  const match = /^\{"checksum":"([0-9a-f]{16})",/.exec(line);
  if (!match) return undefined;
  const json = `{${line.slice(match[0].length)}`;
  return sha256OfText(json).startsWith(match[1]) ? json : undefined;
}

/** The lines up to the last line end, and how many bytes they take; what follows was not written to its end. */
function readLines(bytes: Buffer, file: string): { lines: string[]; length: number } {
  const lines: string[] = [];
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(NEWLINE, start);
    if (end < 0) return { lines, length: start };
    const json = checkedJson(bytes.toString("utf8", start, end));
    if (json === undefined) throw damaged(file, lines.length + 1);
    lines.push(json);
    start = end + 1;
  }
}

function parsed<T>(schema: z.ZodType<T>, json: string, file: string, line: number): T {
  const result = schema.safeParse(JSON.parse(json));
  if (!result.success) throw damaged(file, line);
  return result.data;
}

function damaged(file: string, line: number): UserError {
  return new UserError(
    `${file}, line ${line}: damaged (its checksum does not match).\nRestore the file, or throw the run away with --discard to start anew.`,
  );
}

function checkSettings(before: unknown, now: unknown, file: string): void {
  const changes = settingsChanges(before, now);
  if (changes.length === 0) return;
  const more = changes.length > 5 ? ` and ${changes.length - 5} more` : "";
  throw new UserError(
    `${file} is of a run with other settings: ${changes.slice(0, 5).join(", ")}${more}.\nSet them back to resume it, give the variant another name, or throw it away with --discard.`,
  );
}
