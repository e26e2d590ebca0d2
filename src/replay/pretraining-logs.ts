/** Reads the logs of continued pretraining: flat lists of answers, whose questions are found again. */
import { UserError } from "../messages/errors";
import type { LogFiles } from "../tasks/seal-files";
import {
  parseReleased,
  passageListSchema,
  pooledLogSchema,
  sampledLogSchema,
} from "../tasks/seal-logs";
import { pythonShuffled } from "./python-shuffle";
import { logName, type AskedQuestion, type GradedAnswer, type ReleasedLog } from "./released";

/** Passages and their questions in the order in which SEAL's scripts take them. */
export interface QuestionOrder {
  readonly titles: readonly string[];
  readonly questions: readonly AskedQuestion[];
}

/** The questions of a log of query_server.py with one self-edit a passage. */
export function orderOf({ titles, adapter }: ReleasedLog): QuestionOrder {
  return {
    titles,
    questions: adapter.map(({ article, question, text, gold }) => ({
      ...{ article, question, text, gold },
    })),
  };
}

/** A log of CPT.py: answers in the order of `order`'s questions, which it does not repeat. */
export async function readPooledLog(
  files: LogFiles,
  name: string,
  order: QuestionOrder,
): Promise<ReleasedLog | undefined> {
  const text = await files.read(name);
  if (text === undefined) return undefined;
  const log = parseReleased(pooledLogSchema, text, name);
  const reply = log.server_reply;
  const rows = (side: "baseline" | "adapter"): GradedAnswer[] =>
    answersTo(order.questions, reply[`${side}_texts`], reply[`${side}_correct`], name);
  return {
    name: logName(name),
    titles: order.titles,
    released: { baseline: log.overall.baseline_accuracy, adapter: log.overall.adapter_accuracy },
    baseline: rows("baseline"),
    adapter: rows("adapter"),
    completions: [],
    pretraining: {
      articleKeys: Object.keys(log.per_article).length,
      settings: log.lora_params,
      ...(log.train_sequences !== undefined && { sequences: log.train_sequences }),
    },
  };
}

function answersTo(
  questions: readonly AskedQuestion[],
  answers: readonly string[],
  verdicts: readonly boolean[],
  name: string,
): GradedAnswer[] {
  const wrong = [answers, verdicts].find(({ length }) => length !== questions.length);
  if (wrong) {
    throw new UserError(
      `${name}: ${wrong.length} answers or verdicts for ${questions.length} questions.`,
    );
  }
  return questions.map((asked, i) => ({
    ...asked,
    completion: 0,
    repeat: 0,
    answer: answers[i],
    correct: verdicts[i],
  }));
}

/** Seed with which make_squad_data.py shuffles the passages, and CPT_fullFT.py the questions; CPT_GA.py uses its `--seed`, 43. */
export const SHUFFLE_SEED = 42;

/** All passages of squad_val.json in the order of the scripts, of which the evaluation's 200 are the first. */
export async function readWholeOrder(files: LogFiles): Promise<QuestionOrder | undefined> {
  const text = await files.read("squad_val.json");
  if (text === undefined) return undefined;
  const list = pythonShuffled(
    parseReleased(passageListSchema, text, "squad_val.json"),
    SHUFFLE_SEED,
  );
  return {
    titles: list.map(({ title }) => title),
    questions: list.flatMap(({ questions }, article) =>
      questions.map(({ question: asked, answer }, question) => ({
        ...{ article, question, text: asked, gold: answer },
      })),
    ),
  };
}

/**
 * A log of CPT_fullFT.py or CPT_GA.py. It holds answers to the first questions of `order` shuffled with `seed`, as the
 * scripts do it, and not the questions. Throws UserError where the answers do not fit the questions so found.
 */
export async function readSampledLog(
  files: LogFiles,
  name: string,
  order: QuestionOrder,
  seed: number,
): Promise<ReleasedLog | undefined> {
  const text = await files.read(name);
  if (text === undefined) return undefined;
  const log = parseReleased(sampledLogSchema, text, name);
  const { per_question: own, metrics } = log;
  const asked = pythonShuffled(order.questions, seed).slice(0, own.adapter_texts.length);
  const adapter = answersTo(asked, own.adapter_texts, own.adapter_correct, name);
  requireFittingAnswers(adapter, name);
  return {
    name: logName(name),
    titles: order.titles,
    released: {
      adapter: metrics.adapter_accuracy,
      ...(metrics.baseline_accuracy !== null && { baseline: metrics.baseline_accuracy }),
    },
    baseline:
      own.baseline_texts && own.baseline_correct
        ? answersTo(asked, own.baseline_texts, own.baseline_correct, name)
        : [],
    adapter,
    completions: [],
    pretraining: {
      settings: log.args,
      ...(log.train_sequences !== undefined && { sequences: log.train_sequences }),
    },
  };
}

const longWords = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]{5,}/gu) ?? [];

/** Many answers repeat a word of their own question, few one of the next question, unless the order is another. */
function requireFittingAnswers(rows: readonly GradedAnswer[], name: string): void {
  const answers = rows.map(({ answer }) => new Set(longWords(answer)));
  const fitting = (offset: number): number =>
    answers.filter((words, i) =>
      longWords(rows[(i + offset) % rows.length].text).some((word) => words.has(word)),
    ).length;
  if (fitting(0) > 2 * fitting(1)) return;
  throw new UserError(
    `${name}: its answers do not fit the questions of the evaluation's passages.\n` +
      "It seems damaged, or of another data set: get it again.",
  );
}
