/** The local judge on answers to questions outside SEAL's logs, labelled by reading: experiments/replay holds them and says how they were made. */
import path from "node:path";
import { z } from "zod";
import { readText } from "../files/text";
import { agreementOfCodes, verdictCode, type Agreement } from "../judge/agreement";
import { judgeLocally } from "../judge/lexical";
import { containsGold } from "../judge/rules";
import { groupBy } from "../statistics/groups";
import { createRandom } from "../statistics/random";
import {
  clusterBootstrap,
  clusterShareInterval,
  wilsonInterval,
  type Interval,
} from "../statistics/statistics";
import type { LocalJudge } from "./judging";
import type { ReleasedLog } from "./released";

const lineSchema = z.strictObject({
  question: z.string(),
  gold: z.array(z.string()).min(1),
  answer: z.string(),
  /** Who gave the answer; of a trick, what it tries. */
  arm: z.string(),
  /** What is right, by reading. */
  verdict: z.enum(["correct", "wrong"]),
  /** What the question is about: answers about one thing are resampled together. */
  article: z.string().optional(),
  /** Whether the reader was sure. */
  clear: z.boolean().default(true),
});

/** A labelled answer. */
export type LabelledAnswer = z.infer<typeof lineSchema>;

const FOLDER = path.resolve(__dirname, "../../experiments/replay");

/** The labelled answers of `labelled-answers.jsonl`, or the `tricks.jsonl`. Throws a ZodError where a line is of another form. */
export function readLabelled(name: "labelled-answers" | "tricks"): Promise<LabelledAnswer[]> {
  return readLines(name, lineSchema);
}

async function readLines<T>(name: string, schema: z.ZodType<T>): Promise<T[]> {
  const text = await readText(path.join(FOLDER, `${name}.jsonl`));
  return text
    .trim()
    .split("\n")
    .map((line) => schema.parse(JSON.parse(line)));
}

/** Agreement with the labels, with 95% intervals from resampling articles. */
export interface LabelledAgreement extends Agreement {
  readonly name: string;
  readonly agreement95: Interval;
  /** Absent where a resample has one verdict alone, so that kappa says nothing. */
  readonly kappa95?: Interval;
}

/** The judge against the labels: all answers, those that were clear to the reader, each source; and a simple rule. */
export function judgeLabelled(answers: readonly LabelledAnswer[]): LabelledAgreement[] {
  const local = answers.map((answer) => judgeLocally(answer).correct);
  const simple = answers.map((answer) => containsGold(answer));
  const indices = answers.map((_, i) => i);
  const clear = indices.filter((i) => answers[i].clear);
  const against = (
    name: string,
    verdicts: readonly boolean[],
    own: readonly number[],
  ): LabelledAgreement => ({
    name,
    ...compare(
      own.map((i) => verdicts[i]),
      own.map((i) => answers[i]),
      name,
    ),
  });
  return [
    against("all", local, indices),
    against("clear to the reader", local, clear),
    ...[...groupBy(clear, (i) => answers[i].arm)].map(([arm, own]) =>
      against(`of these, ${arm}`, local, own),
    ),
    against("clear, by the rule that the answer must contain the gold", simple, clear),
  ];
}

function compare(
  judged: readonly boolean[],
  answers: readonly LabelledAnswer[],
  seed: string,
): Omit<LabelledAgreement, "name"> {
  const codes = answers.map((answer, i) => ({
    code: verdictCode(judged[i], answer.verdict === "correct"),
    article: answer.article ?? answer.question,
  }));
  const groups = [...groupBy(codes, ({ article }) => article).values()].map((own) =>
    own.map(({ code }) => code),
  );
  const random = createRandom(`labelled/${seed}`);
  const agreement95 = clusterShareInterval(
    groups.map((own) => own.map((code) => Number(code === 0 || code === 3))),
    { random },
  );
  const kappa95 = clusterBootstrap(groups, (values) => agreementOfCodes(values).kappa, { random });
  return {
    ...agreementOfCodes(codes.map(({ code }) => code)),
    agreement95,
    ...(kappa95.every(Number.isFinite) && { kappa95 }),
  };
}

/** A trick and what the judge says of it. */
export interface JudgedTrick {
  readonly trick: string;
  readonly question: string;
  readonly gold: string;
  readonly answer: string;
  readonly right: boolean;
  readonly local: boolean;
  readonly probability: number;
}

/** What the judge says of answers that were written to trick it. */
export function judgeTricks(answers: readonly LabelledAnswer[]): JudgedTrick[] {
  return answers.map(({ arm, question, gold, answer, verdict }) => {
    const { correct, probability } = judgeLocally({ question, gold, answer });
    return {
      trick: arm,
      question,
      gold: gold[0],
      answer,
      right: verdict === "correct",
      local: correct,
      probability,
    };
  });
}

/** A released answer on which GPT-4.1 and the judge differ, by its place (no text), with what is right by reading. */
const disputedSchema = z.strictObject({
  log: z.string(),
  passage: z.int().nonnegative(),
  question: z.int().nonnegative(),
  verdict: z.enum(["correct", "wrong"]),
});

/** A disputed answer's place and label. */
export type DisputedAnswer = z.infer<typeof disputedSchema>;

/** The disputed answers of `disputed-answers.jsonl`. */
export function readDisputed(): Promise<DisputedAnswer[]> {
  return readLines("disputed-answers", disputedSchema);
}

/** Whom the reader sides with, where the two differ. */
export interface DisputesRead {
  /** Disputed answers in the logs that are there. */
  readonly n: number;
  /** Share in which the reader says what GPT-4.1 says; in the rest, what the local judge says. */
  readonly withGpt: number;
  readonly withGpt95: Interval;
}

/** Undefined where the logs have none of these answers, or nothing is disputed. */
export function settleDisputes(
  disputed: readonly DisputedAnswer[],
  logs: readonly ReleasedLog[],
  judge: LocalJudge,
): DisputesRead | undefined {
  const sides = disputed.flatMap(({ log, passage, question, verdict }) => {
    const row = logs
      .find(({ name }) => name === log)
      ?.adapter.find((one) => one.article === passage && one.question === question);
    if (!row || judge(row).correct === row.correct) return [];
    return [row.correct === (verdict === "correct")];
  });
  if (sides.length === 0) return undefined;
  const own = sides.filter(Boolean).length;
  return {
    n: sides.length,
    withGpt: own / sides.length,
    withGpt95: wilsonInterval(own, sides.length),
  };
}
