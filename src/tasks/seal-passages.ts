/** The passages that SEAL trained on, by round, taken from the logs of its rounds. Where logs lie is seal-files.ts's. */
import path from "node:path";
import type { z } from "zod";
import { cacheDirectory } from "../files/cache";
import { sha256OfText, writeFileAtomic } from "../files/files";
import { parseReleased, queryLogSchema, type passageListSchema } from "./seal-logs";

/**
 * Logs that hold the passages of a round, 50 each, the first that is there being taken. Every run of the second round used
 * the same passages; the first round's are those of SEAL's own (the 7B model, the prompt for implications).
 */
const PASSAGE_LOGS: Readonly<Record<string, readonly string[]>> = {
  "train/passages_round1.json": ["train/rank_iter0.json"],
  "train/passages_round2.json": [
    ...["long", "very-long", "rewrite", "self-qa", "none"].map(
      (prompt) => `train-prompts/rank_iter1_prompt-${prompt}.json`,
    ),
    "train-3B/rank_iter1.json",
  ],
};

type PassageList = z.output<typeof passageListSchema>;

/**
 * Writes the passages of a training round into the user's cache as a list of SEAL's form and returns the file's path.
 * Undefined for another name, and where no log of that round is to be had. `read` gives a released file's text.
 */
export async function passagesFile(
  name: string,
  read: (name: string) => Promise<string | undefined>,
): Promise<string | undefined> {
  for (const log of PASSAGE_LOGS[name] ?? []) {
    const text = await read(log);
    if (text === undefined) continue;
    const list = JSON.stringify(passagesOf(text, log), undefined, 1);
    const file = path.join(
      cacheDirectory(),
      "seal-passages",
      sha256OfText(list),
      path.basename(name),
    );
    await writeFileAtomic(file, list);
    return file;
  }
  return undefined;
}

/** A log's passages with their questions, each question once. */
export function passagesOf(text: string, log: string): PassageList {
  const { articles } = parseReleased(queryLogSchema, text, log);
  return articles.map(({ title, context, completions }) => ({
    title,
    context,
    questions: completions[0].questions
      .filter(({ rep }, _, all) => rep === all[0].rep)
      .map(({ question, answer }) => ({ question, answer })),
  }));
}
