/** Asks a model a list of questions and has the answers judged, in the form that `showDiff` shows. */
import { judgeAnswer } from "../judge/lexical";
import type { Adapter } from "../lora/adapter";
import { generate } from "../lora/generate";
import type { GivenAdapter } from "../lora/score";
import type { Model } from "../model/load";
import { answerPrompt, openBookPrompt } from "../selfedit/prompts";
import { judgeValue, questionPrompt, questionsAbout } from "../tasks/biographies/texts";
import type { Person } from "../tasks/biographies/world";
import type { ShownAnswer } from "./show";

/** A question and its right answers, of which the first is shown; any one of them suffices. */
export interface JudgedQuestion {
  /** The question. */
  readonly question: string;
  /** The right answers. */
  readonly answers: readonly string[];
}

/** Options of `askQuestions`. */
export interface AskOptions {
  /** Used while answering; none unless told. */
  readonly adapter?: Adapter;
  /** Put before each question (the open book); nothing unless told. */
  readonly passage?: string;
  /** Most tokens of an answer, 24 unless told. */
  readonly maximumTokens?: number;
}

/** What the local judge says of given answers, one for each question. */
export function judgeAnswers(
  questions: readonly JudgedQuestion[],
  given: readonly string[],
): ShownAnswer[] {
  return questions.map(({ question, answers }, i) => ({
    question,
    gold: answers[0],
    answer: given[i],
    verdict: judgeAnswer({ question, gold: answers, answer: given[i] }),
  }));
}

/** Greedy answers of a chat model, judged by the local judge; without the passage unless one is given. */
export async function askQuestions(
  model: Model,
  questions: readonly JudgedQuestion[],
  { passage, maximumTokens = 24, ...given }: AskOptions = {},
): Promise<ShownAnswer[]> {
  const prompts = questions.map(({ question }) =>
    passage === undefined ? answerPrompt(question) : openBookPrompt(passage, question),
  );
  const answers = await generate(model, prompts, { maximumTokens, ...given });
  return judgeAnswers(
    questions,
    answers.map(({ text }) => text),
  );
}

/** Greedy answers of the small world's model to the questions about a person, without the passage. */
export async function askAbout(
  model: Model,
  person: Person,
  ...given: GivenAdapter
): Promise<ShownAnswer[]> {
  const questions = questionsAbout(person);
  const prompts = questions.map(({ text }) => questionPrompt(text));
  const own = given.length > 0 ? { adapter: given[0] } : {};
  const answers = await generate(model, prompts, { maximumTokens: 2, ...own });
  return answers.map(({ text }, i) => {
    const { text: question, answer: gold } = questions[i];
    return { question, gold, answer: text, verdict: judgeValue(gold, text) };
  });
}
