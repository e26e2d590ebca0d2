/** Reads SEAL's released logs into plain rows of questions, answers and GPT-4.1 verdicts. What they show is computed elsewhere. */
import type { z } from "zod";
import type { LogFiles } from "../tasks/seal-files";
import { continualLogSchema, parseReleased, queryLogSchema } from "../tasks/seal-logs";

/** One question about a passage; `article` and `question` are numbers in file order. */
export interface AskedQuestion {
  readonly article: number;
  readonly question: number;
  readonly text: string;
  readonly gold: string;
}

/** One answer with GPT-4.1's verdict. */
export interface GradedAnswer extends AskedQuestion {
  readonly completion: number;
  readonly repeat: number;
  readonly answer: string;
  readonly correct: boolean;
}

/** One self-edit with its released mean reward, and the deviation over repeats. */
export interface ReleasedCompletion {
  readonly text: string;
  readonly mean: number;
  readonly std: number;
  /** Only in logs of the rubric: the marks by criterion, `final` their sum. */
  readonly rubric?: Readonly<Record<string, number>>;
}

/** One log: the answers before (`baseline`, maybe none) and after training (`adapter`). */
export interface ReleasedLog {
  readonly name: string;
  /** By passage. */
  readonly titles: readonly string[];
  /** By passage: its text; only in logs of query_server.py. */
  readonly contexts?: readonly string[];
  readonly released: { readonly baseline?: number; readonly adapter: number };
  readonly baseline: readonly GradedAnswer[];
  readonly adapter: readonly GradedAnswer[];
  /** [passage][completion]; empty in logs of continued pretraining. */
  readonly completions: readonly (readonly ReleasedCompletion[])[];
  /** Whether each line was a training sequence of its own, where the log says. */
  readonly splitLines?: boolean;
  /** Only in logs of continued pretraining: its settings, and how many sequences it trained on. */
  readonly pretraining?: {
    readonly sequences?: number;
    /** Only in logs of CPT.py: entries of its `per_article`. */
    readonly articleKeys?: number;
    readonly settings: Readonly<Record<string, unknown>>;
  };
}

/** The continual self-edits log: mean and spread [update][dataset] over sequences. */
export type ContinualLog = z.infer<typeof continualLogSchema>;

/** `eval/base.json` -> `eval/base`. */
export const logName = (file: string): string => file.replace(/\.json$/, "");

/** A log of query_server.py (`eval/*.json`, `train/rank_*.json`), or undefined where it is not there. */
export async function readLog(files: LogFiles, name: string): Promise<ReleasedLog | undefined> {
  const text = await files.read(name);
  if (text === undefined) return undefined;
  const { overall, articles, split_newlines } = parseReleased(queryLogSchema, text, name);
  const rows = (side: "baseline" | "adapter"): GradedAnswer[] =>
    articles.flatMap((article, a) =>
      article.completions.flatMap((completion, c) => {
        const perRepeat = questionsPerRepeat(completion.questions);
        return completion.questions.map((q, i) => ({
          article: a,
          question: i % perRepeat,
          completion: c,
          repeat: q.rep ?? Math.floor(i / perRepeat),
          text: q.question,
          gold: q.answer,
          answer: q[`${side}_answer`],
          correct: q[`${side}_correct`],
        }));
      }),
    );
  return {
    name: logName(name),
    titles: articles.map(({ title }) => title),
    contexts: articles.map(({ context }) => context),
    released: { baseline: overall.baseline_mean_accuracy, adapter: overall.adapter_mean_accuracy },
    baseline: rows("baseline"),
    adapter: rows("adapter"),
    completions: articles.map((article) =>
      article.completions.map(({ text: own, stats, proxy_scores: [rubric] = [] }) => ({
        text: own,
        mean: stats.adapter_mean,
        std: stats.adapter_std,
        ...(rubric && { rubric }),
      })),
    ),
    ...(split_newlines !== undefined && { splitLines: split_newlines }),
  };
}

function questionsPerRepeat(questions: readonly { rep?: number }[]): number {
  const first = questions[0]?.rep;
  return questions.filter((question) => question.rep === first).length || 1;
}

/** `continual/overall_results.json`, or undefined where it is not there. */
export async function readContinual(
  files: LogFiles,
  name: string,
): Promise<ContinualLog | undefined> {
  const text = await files.read(name);
  return text === undefined ? undefined : parseReleased(continualLogSchema, text, name);
}
