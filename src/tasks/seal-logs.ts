/** The forms of SEAL's released files, each checked once here: logs of its scripts, and lists of passages. */
import { z } from "zod";
import { errorMessage, UserError } from "../messages/errors";

/** One question with both answers and GPT-4.1's verdicts. */
const questionSchema = z.object({
  rep: z.number().optional(),
  question: z.string(),
  answer: z.string(),
  baseline_answer: z.string(),
  adapter_answer: z.string(),
  baseline_correct: z.boolean(),
  adapter_correct: z.boolean(),
});

/** The rubric of the later release: GPT-4.1's marks of a self-edit from 1 to 5, and their sum. */
const rubricSchema = z.object({
  length: z.number(),
  diversity: z.number(),
  quality: z.number(),
  correctness: z.number(),
  final: z.number(),
});

/** A log of query_server.py: passages, their self-edits, and each self-edit's questions (none where only a rubric was asked). */
export const queryLogSchema = z.object({
  overall: z
    .object({
      baseline_mean_accuracy: z.number(),
      adapter_mean_accuracy: z.number(),
      mean_proxy_score: z.number().optional(),
    })
    .loose(),
  split_newlines: z.boolean().optional(),
  articles: z
    .array(
      z.object({
        title: z.string(),
        context: z.string(),
        prompt: z.string().optional(),
        completions: z
          .array(
            z.object({
              text: z.string(),
              stats: z.object({ adapter_mean: z.number(), adapter_std: z.number() }).loose(),
              questions: z.array(questionSchema),
              proxy_scores: z.array(rubricSchema).optional(),
            }),
          )
          .min(1),
      }),
    )
    .min(1),
});

/** A log of CPT.py (adapters): flat lists of answers in the order of the passages' questions. */
export const pooledLogSchema = z.object({
  overall: z.object({ baseline_accuracy: z.number(), adapter_accuracy: z.number() }).loose(),
  per_article: z.record(z.string(), z.unknown()),
  train_sequences: z.number().optional(),
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

/** A log of CPT_fullFT.py or CPT_GA.py: flat lists of answers to a shuffled choice of questions, which it does not repeat. */
export const sampledLogSchema = z.object({
  n_articles: z.number(),
  train_sequences: z.number().optional(),
  metrics: z.object({ baseline_accuracy: z.number().nullable(), adapter_accuracy: z.number() }),
  per_question: z.object({
    baseline_texts: z.array(z.string()).nullable(),
    adapter_texts: z.array(z.string()),
    baseline_correct: z.array(z.boolean()).nullable(),
    adapter_correct: z.array(z.boolean()),
  }),
  args: z.record(z.string(), z.unknown()),
});

const matrix = z
  .array(z.array(z.number()).min(1))
  .refine((rows) => rows.every((row) => row.length === rows.length - 1), {
    error: "wanted a row for each update and one before, a column for each update",
  });

/** A summary of continual_self_edits.py: mean and spread [update][dataset] over sequences. */
export const continualLogSchema = z.object({
  mean_over_sequences: matrix,
  std_over_sequences: matrix,
  n_sequences: z.number().min(1),
  n_datapoints: z.number(),
});

/** A file of ARC tasks, by name. */
export const arcTasksSchema = z.record(z.string(), z.unknown());

/** A list of passages with their questions, such as squad_val.json. */
export const passageListSchema = z.array(
  z.object({
    title: z.string(),
    context: z.string(),
    questions: z.array(z.object({ question: z.string(), answer: z.string() })),
  }),
);

/** The content of a released file. Throws UserError, naming file and place, where it has another form. */
export function parseReleased<T>(schema: z.ZodType<T>, text: string, name: string): T {
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
