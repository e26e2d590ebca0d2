/** Reads SEAL's released logs into plain rows of questions, answers and GPT-4.1 verdicts. What they show is computed elsewhere. */
import { z } from "zod";
import { errorMessage, UserError } from "../messages/errors";
import type { LogFiles } from "../tasks/seal-files";

const questionSchema = z.object({
  rep: z.number().optional(),
  question: z.string(),
  answer: z.string(),
  baseline_answer: z.string(),
  adapter_answer: z.string(),
  baseline_correct: z.boolean(),
  adapter_correct: z.boolean(),
});

const logSchema = z.object({
  overall: z
    .object({ baseline_mean_accuracy: z.number(), adapter_mean_accuracy: z.number() })
    .loose(),
  articles: z
    .array(
      z.object({
        title: z.string(),
        completions: z
          .array(
            z.object({
              text: z.string(),
              stats: z.object({ adapter_mean: z.number(), adapter_std: z.number() }).loose(),
              questions: z.array(questionSchema),
            }),
          )
          .min(1),
      }),
    )
    .min(1),
});

const pooledSchema = z.object({
  overall: z.object({ baseline_accuracy: z.number(), adapter_accuracy: z.number() }).loose(),
  per_article: z.record(z.string(), z.unknown()),
  server_reply: z
    .object({
      baseline_texts: z.array(z.string()),
      adapter_texts: z.array(z.string()),
      baseline_correct: z.array(z.boolean()),
      adapter_correct: z.array(z.boolean()),
    })
    .loose(),
  lora_params: z.record(z.string(), z.unknown()),
});

const matrix = z
  .array(z.array(z.number()).min(1))
  .refine((rows) => rows.every((row) => row.length === rows.length - 1), {
    error: "wanted a row for each update and one before, a column for each update",
  });
const continualSchema = z.object({
  mean_over_sequences: matrix,
  std_over_sequences: matrix,
  n_sequences: z.number().min(1),
  n_datapoints: z.number(),
});

const arcSchema = z.record(z.string(), z.unknown());

/** One answer with GPT-4.1's verdict; `article` and `question` are numbers in file order. */
export interface GradedAnswer {
  readonly article: number;
  readonly question: number;
  readonly completion: number;
  readonly repeat: number;
  readonly text: string;
  readonly gold: string;
  readonly answer: string;
  readonly correct: boolean;
}

/** One log: the answers before (`baseline`) and after training (`adapter`). */
export interface ReleasedLog {
  readonly name: string;
  readonly titles: readonly string[];
  readonly released: { readonly baseline: number; readonly adapter: number };
  readonly baseline: readonly GradedAnswer[];
  readonly adapter: readonly GradedAnswer[];
  /** [article][completion]: the released mean and standard deviation over repeats. */
  readonly completions: readonly (readonly {
    readonly text: string;
    readonly mean: number;
    readonly std: number;
  }[])[];
  /** Only in logs of CPT.py: entries of its `per_article`, and its training settings. */
  readonly pooled?: {
    readonly articleKeys: number;
    readonly settings: Readonly<Record<string, unknown>>;
  };
}

/** The continual self-edits log: mean and spread [update][dataset] over sequences. */
export type ContinualLog = z.infer<typeof continualSchema>;

function parse<T>(schema: z.ZodType<T>, text: string, name: string): T {
  const result = schema.safeParse(parseJson(text, name));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new UserError(
    `${name} is not a log of SEAL's: ${issue.message} at ${issue.path.join(".") || "its top"}.`,
  );
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UserError(
      `${name} is not JSON: ${errorMessage(error)}.\nIt seems damaged or cut short: get it again.`,
    );
  }
}

/** A log of query_server.py (`eval/*.json`, `train/rank_*.json`), or undefined where it is not there. */
export async function readLog(files: LogFiles, name: string): Promise<ReleasedLog | undefined> {
  const text = await files.read(name);
  if (text === undefined) return undefined;
  const { overall, articles } = parse(logSchema, text, name);
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
    name: name.replace(/\.json$/, ""),
    titles: articles.map((article) => article.title),
    released: { baseline: overall.baseline_mean_accuracy, adapter: overall.adapter_mean_accuracy },
    baseline: rows("baseline"),
    adapter: rows("adapter"),
    completions: articles.map((article) =>
      article.completions.map(({ text: own, stats }) => ({
        text: own,
        mean: stats.adapter_mean,
        std: stats.adapter_std,
      })),
    ),
  };
}

function questionsPerRepeat(questions: readonly { rep?: number }[]): number {
  const first = questions[0]?.rep;
  return questions.filter((question) => question.rep === first).length || 1;
}

/** A log of CPT.py: answers in the order of `order`'s questions, which it does not repeat. */
export async function readPooledLog(
  files: LogFiles,
  name: string,
  order: ReleasedLog,
): Promise<ReleasedLog | undefined> {
  const text = await files.read(name);
  if (text === undefined) return undefined;
  const log = parse(pooledSchema, text, name);
  const reply = log.server_reply;
  const lists = [
    reply.baseline_texts,
    reply.adapter_texts,
    reply.baseline_correct,
    reply.adapter_correct,
  ];
  const wrong = lists.find(({ length }) => length !== order.adapter.length);
  if (wrong) {
    throw new UserError(
      `${name}: ${wrong.length} answers or verdicts for ${order.adapter.length} questions of ${order.name}.`,
    );
  }
  const rows = (side: "baseline" | "adapter"): GradedAnswer[] =>
    order.adapter.map((question, i) => ({
      ...question,
      answer: reply[`${side}_texts`][i],
      correct: reply[`${side}_correct`][i],
    }));
  return {
    name: name.replace(/\.json$/, ""),
    titles: order.titles,
    released: { baseline: log.overall.baseline_accuracy, adapter: log.overall.adapter_accuracy },
    baseline: rows("baseline"),
    adapter: rows("adapter"),
    completions: [],
    pooled: { articleKeys: Object.keys(log.per_article).length, settings: log.lora_params },
  };
}

/** `continual/overall_results.json`, or undefined where it is not there. */
export async function readContinual(
  files: LogFiles,
  name: string,
): Promise<ContinualLog | undefined> {
  const text = await files.read(name);
  return text === undefined ? undefined : parse(continualSchema, text, name);
}

/** The number of tasks in a file of ARC tasks. */
export function countArcTasks(text: string, name: string): number {
  return Object.keys(parse(arcSchema, text, name)).length;
}
