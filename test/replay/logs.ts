/** A small folder of logs in the form of SEAL's, with made-up questions. */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

/** [passage][completion][repeat]: a string of 1 and 0, one for each question. */
export type Verdicts = readonly (readonly (readonly string[])[])[];

/** A query_server.py log with these adapter verdicts; the untouched model is always wrong. */
export function makeLog(verdicts: Verdicts, overall: number): unknown {
  return {
    overall: { baseline_mean_accuracy: 0, adapter_mean_accuracy: overall },
    articles: verdicts.map((completions, a) => ({
      title: `Article ${Math.floor(a / 2)}`,
      context: `Passage ${a}.`,
      completions: completions.map((repeats, c) => ({
        text: `edit ${c}`,
        stats: { adapter_mean: 0.5, adapter_std: 0 },
        questions: repeats.flatMap((marks, rep) =>
          [...marks].map((mark, q) => ({
            rep,
            question: `What is number ${a}.${q}?`,
            answer: `Gold${a}${q}`,
            baseline_answer: "",
            adapter_answer: mark === "1" ? `It is Gold${a}${q}.` : "It is Lead.",
            baseline_correct: false,
            adapter_correct: mark === "1",
          })),
        ),
      })),
    })),
  };
}

/** Writes files, by name, below a folder. */
export async function writeLogs(
  folder: string,
  logs: Readonly<Record<string, unknown>>,
): Promise<void> {
  for (const [name, log] of Object.entries(logs)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), JSON.stringify(log));
  }
}
