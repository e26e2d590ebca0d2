/**
 * What was learned, in a folder: PEFT's two files of the adapter, or a merged model's, and lessons.jsonl with what it was
 * trained on. Training is adapt.ts's.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { UserError } from "../messages/errors";
import type { Adapter } from "../lora/adapter";
import { loadAdapter, saveAdapter } from "../lora/files";
import type { Model } from "../model/load";
import { writeFileAtomic } from "../files/files";
import { parseJsonLines, readText } from "../files/text";
import { saveMerged } from "../lora/save-merged";
import type { Lesson } from "./adapt";
import type { Topic } from "./recital";

const LESSONS_FILE = "lessons.jsonl";

const lessonSchema = z.union([
  z.strictObject({ title: z.string(), part: z.int().min(1), text: z.string() }),
  z.strictObject({ title: z.string(), line: z.string() }),
]);

/** An adapter with what it learned. */
export interface Memory {
  /** The adapter that has learned the lessons. */
  readonly adapter: Adapter;
  /** What it was trained on, first and last passages alike. */
  readonly lessons: readonly Lesson[];
}

/** Whether a folder holds a memory; not where it is absent or empty. Throws UserError where it holds something else. */
export async function hasMemory(directory: string): Promise<boolean> {
  if (!existsSync(directory) || (await readdir(directory)).length === 0) return false;
  if (!existsSync(path.join(directory, "adapter_config.json")))
    throw new UserError(`${directory} holds files but no adapter; name an empty or new folder.`);
  return true;
}

/** The memory in a folder; undefined where there is none (see `hasMemory`). */
export async function readMemory(model: Model, directory: string): Promise<Memory | undefined> {
  if (!(await hasMemory(directory))) return undefined;
  return { adapter: await loadAdapter(model, directory), lessons: await readLessons(directory) };
}

/** Writes the adapter and what it was trained on, first and last passages alike. */
export async function writeMemory(memory: Memory, directory: string, model: Model): Promise<void> {
  await mkdir(directory, { recursive: true });
  await saveAdapter(memory.adapter, directory, model);
  await writeLessons(memory.lessons, directory);
}

/** Writes the model with the memory's adapter merged in, and what it was trained on: `file:DIR` names it then. */
export async function writeMerged(memory: Memory, directory: string, model: Model): Promise<void> {
  await saveMerged(model, memory.adapter, directory);
  await writeLessons(memory.lessons, directory);
}

async function writeLessons(lessons: readonly Lesson[], directory: string): Promise<void> {
  const lines = lessons.map((lesson) => `${JSON.stringify(lesson)}\n`);
  await writeFileAtomic(path.join(directory, LESSONS_FILE), lines.join(""));
}

/** What was learned by heart, for `recallAnswers`. */
export function topicsOf(lessons: readonly Lesson[]): Topic[] {
  const parts = new Map<string, number>();
  for (const lesson of lessons)
    if ("part" in lesson)
      parts.set(lesson.title, Math.max(lesson.part, parts.get(lesson.title) ?? 0));
  return [...parts].map(([title, count]) => ({ title, parts: count }));
}

/** The lessons in a folder; none where it has no file of them. */
export async function readLessons(directory: string): Promise<Lesson[]> {
  const file = path.join(directory, LESSONS_FILE);
  if (!existsSync(file)) return [];
  return parseJsonLines(await readText(file), file).map(({ value, where }) => {
    const lesson = lessonSchema.safeParse(value);
    if (lesson.success) return lesson.data;
    throw new UserError(
      `${where}: a lesson is {"title": …, "part": …, "text": …} or {"title": …, "line": …}.`,
    );
  });
}
