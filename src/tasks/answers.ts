/** Answers to judge: from JSON lines, from a log as SEAL released them, or from a finished run. Judging them is elsewhere. */
import { z } from "zod";
import { UserError } from "../messages/errors";
import { isJsonLines, parseJson, parseJsonLines, readText } from "../files/text";
import { queryLogSchema } from "./seal-logs";
import { readArticles, readSquad, type Passage } from "./squad";
import type { JudgeInput } from "../judge/lexical";
import type { Verdict } from "../judge/verdict";

/** One answer, of an arm, with the verdict that it has already, if any. */
export interface GivenAnswer extends JudgeInput {
  readonly arm: string;
  readonly verdict?: Verdict;
}

const verdict = z.enum(["correct", "wrong", "ungraded"]).optional();
const gold = z.union([z.string(), z.array(z.string()).min(1)]);
const lineSchema = z.object({
  question: z.string(),
  gold,
  answer: z.string(),
  arm: z.string().default("all"),
  verdict,
});
const rolloutSchema = z.object({
  arm: z.string(),
  /** Candidates that failed have none. */
  answers: z.array(z.object({ question: z.string(), answer: z.string(), verdict })).default([]),
});

/**
 * The answers of a file: `.json` a log of SEAL's (arms "baseline" and "adapter"), `.jsonl` either lines
 * {"question", "gold", "answer", "arm"?, "verdict"?} or a run's rollouts, whose golds are those of `questions` (a SQuAD
 * file) or of the embedded articles. Throws UserError for anything else.
 */
export async function readAnswers(file: string, questions?: string): Promise<GivenAnswer[]> {
  const text = await readText(file);
  const answers = isJsonLines(file) ? await fromLines(text, file, questions) : fromLog(text, file);
  if (answers.length === 0) throw new UserError(`${file} has no answers.`);
  return answers;
}

function fromLog(text: string, file: string): GivenAnswer[] {
  const log = queryLogSchema.safeParse(parseJson(text, file));
  if (!log.success)
    throw new UserError(
      `${file} is not a log as SEAL released them; give JSON lines with "question", "gold" and "answer", named .jsonl.`,
    );
  const asked = log.data.articles.flatMap(({ completions }) =>
    completions.flatMap((completion) => completion.questions),
  );
  return (["baseline", "adapter"] as const).flatMap((arm) =>
    asked.map((row) => ({
      arm,
      question: row.question,
      gold: row.answer,
      answer: row[`${arm}_answer`],
      verdict: row[`${arm}_correct`] ? "correct" : "wrong",
    })),
  );
}

async function fromLines(text: string, file: string, questions?: string): Promise<GivenAnswer[]> {
  const lines = parseJsonLines(text, file);
  const passages = lines.some(({ value }) => rolloutSchema.safeParse(value).success)
    ? await (questions === undefined ? readArticles() : readSquad(questions))
    : [];
  const golds = goldsOf(passages);
  return lines.flatMap(({ value, where }): GivenAnswer[] => {
    const plain = lineSchema.safeParse(value);
    if (plain.success) return [plain.data];
    const rollout = rolloutSchema.safeParse(value);
    if (!rollout.success)
      throw new UserError(
        `${where}: a line has "question", "gold" and "answer", or is a run's rollout with its answers.`,
      );
    return rollout.data.answers.map((own) => {
      const known = golds.get(own.question);
      if (!known)
        throw new UserError(
          `${where}: no gold answer for "${own.question}".\nGive the run's passages as --questions.`,
        );
      return { ...own, arm: rollout.data.arm, gold: known };
    });
  });
}

function goldsOf(passages: readonly Passage[]): Map<string, readonly string[]> {
  return new Map(
    passages.flatMap(({ questions }) =>
      questions.map(({ question, answers }) => [question, answers] as const),
    ),
  );
}
