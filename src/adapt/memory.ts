/** A kept adapter's folder: PEFT's two files, and lessons.jsonl with what it was trained on. Training is adapt.ts's. */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { errorMessage, UserError } from "../errors";
import type { Adapter } from "../lora/adapter";
import { loadAdapter, saveAdapter } from "../lora/files";
import type { Model } from "../model/load";
import { writeFileAtomic } from "../files";
import type { Lesson } from "./adapt";

const LESSONS_FILE = "lessons.jsonl";

const lessonSchema = z.union([
  z.strictObject({ title: z.string(), question: z.string(), answer: z.string() }),
  z.strictObject({ title: z.string(), text: z.string() }),
]);

/** An adapter with what it learned. */
export interface Memory {
  readonly adapter: Adapter;
  readonly lessons: readonly Lesson[];
}

/** The memory in a folder; undefined where the folder is absent or empty. Throws UserError where it holds something else. */
export async function readMemory(model: Model, directory: string): Promise<Memory | undefined> {
  if (!existsSync(directory) || (await readdir(directory)).length === 0) return undefined;
  if (!existsSync(path.join(directory, "adapter_config.json")))
    throw new UserError(`${directory} holds files but no adapter; name an empty or new folder.`);
  const adapter = await loadAdapter(model, directory);
  const file = path.join(directory, LESSONS_FILE);
  return { adapter, lessons: existsSync(file) ? await readLessons(file) : [] };
}

/** Writes the adapter and what it was trained on, first and last passages alike. */
export async function writeMemory(memory: Memory, directory: string, model: Model): Promise<void> {
  await mkdir(directory, { recursive: true });
  await saveAdapter(memory.adapter, directory, model);
  const lines = memory.lessons.map((lesson) => `${JSON.stringify(lesson)}\n`);
  await writeFileAtomic(path.join(directory, LESSONS_FILE), lines.join(""));
}

async function readLessons(file: string): Promise<Lesson[]> {
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  return lines.map((line, l) => {
    try {
      return lessonSchema.parse(JSON.parse(line));
    } catch (error) {
      throw new UserError(`${file}, line ${l + 1}: not a lesson: ${errorMessage(error)}`);
    }
  });
}
