/** Verdicts by passage, by article and by question, as numbers: what lies behind the tables. No text. */
import { mean } from "../statistics/statistics";
import { passageAccuracies } from "./accuracy";
import type { ReleasedLog } from "./released";

/** Verdicts by passage: one string of 1 and 0 (question by question, completions and repeats after each other). */
export function verdictStrings(log: ReleasedLog, side: "baseline" | "adapter"): string[] {
  const strings: string[] = [];
  for (const row of log[side]) {
    strings[row.article] = (strings[row.article] ?? "") + (row.correct ? "1" : "0");
  }
  return strings;
}

/** One article: how its passages' questions were answered. Articles and passages by number in file order; no text. */
export interface ArticleRecord {
  readonly article: number;
  readonly passages: readonly number[];
  readonly questions: number;
  /** Accuracy of each log's adapters, mean over the article's passages. */
  readonly accuracy: Readonly<Record<string, number>>;
}

/** Accuracy by article, for every log. An article is the passages of one title. */
export function articleRecords(logs: ReadonlyMap<string, ReleasedLog>): ArticleRecord[] {
  const accuracies = [...logs].map(
    ([name, log]) => [name, passageAccuracies(log.adapter)] as const,
  );
  const order = logs.get("eval/base");
  const titles = order?.titles ?? [];
  return [...new Set(titles)].map((title, article) => {
    const passages = titles.flatMap((own, i) => (own === title ? [i] : []));
    return {
      article,
      passages,
      questions: (order?.adapter ?? []).filter((row) => passages.includes(row.article)).length,
      accuracy: Object.fromEntries(
        accuracies.map(([name, values]) => [name, mean(passages.map((i) => values[i]))]),
      ),
    };
  });
}

/** How many of the logs' adapters answer each question rightly: [passage][question]. */
export function rightAnswers(logs: ReadonlyMap<string, ReleasedLog>): number[][] {
  const counts: number[][] = [];
  for (const { adapter } of logs.values()) {
    for (const { article, question, correct } of adapter) {
      const own = (counts[article] ??= []);
      own[question] = (own[question] ?? 0) + Number(correct);
    }
  }
  return counts;
}
