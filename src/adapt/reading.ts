/**
 * Questions answered from sentences, by a model too small to find its way in a whole text: the sentence after which the
 * question is likeliest is looked for first, and the answer is read from it alone. Reciting is recital.ts's.
 */
import { generate } from "../lora/generate";
import { answerLosses } from "../lora/score";
import type { Model } from "../model/load";

/** A sentence of a text about something. */
export interface Statement {
  readonly title: string;
  readonly sentence: string;
}

/** Worked examples: a title, a sentence, a question and its answer. All invented. */
const examples: readonly (readonly [string, string, string, string])[] = [
  [
    "Marten Hall",
    "It was paid for by the banker Lena Korv and has 640 seats.",
    "Whose money was Marten Hall built with?",
    "Lena Korv",
  ],
  [
    "Spare keys",
    "The spare keys hang in the cellar behind the boiler.",
    "Where are the spare keys?",
    "in the cellar behind the boiler",
  ],
  [
    "Brindle crab",
    "It is 9 centimetres wide and hides under stones because herons hunt it.",
    "What size does a brindle crab have?",
    "9 centimetres",
  ],
  [
    "Ada Winslow",
    "She painted 31 ships, of which nine are left.",
    "How many of the paintings by Ada Winslow still exist?",
    "nine",
  ],
  [
    "Marten Hall",
    "The roof leaked for years until it was repaired with copper in 1950.",
    "What was the roof mended with?",
    "copper",
  ],
  [
    "Ada Winslow",
    "Ada Winslow (1820–1881) was a painter and the daughter of a baker.",
    "What did Ada Winslow's father do?",
    "baker",
  ],
];

/** Sentences that are read for a question. */
const SENTENCES_READ = 3;

/**
 * Answers each question from the sentences: the best ones are read one after another until an answer stands in its
 * sentence; where none does, the best one's answer is given.
 */
export async function readAnswers(
  model: Model,
  statements: readonly Statement[],
  questions: readonly string[],
  maximumTokens: number,
): Promise<string[]> {
  const chosen: Statement[][] = [];
  for (const question of questions) chosen.push(await likeliest(model, statements, question));
  const answers: string[] = questions.map(() => "");
  let open = [...questions.keys()];
  for (let rank = 0; rank < SENTENCES_READ; rank++) {
    open = open.filter((q) => rank < chosen[q].length);
    if (open.length === 0) break;
    const prompts = open.map((q) => readingPrompt(chosen[q][rank], questions[q]));
    const read = await generate(model, prompts, { maximumTokens, stop: ["\n"] });
    const texts = read.map(({ text }) => text.trim());
    const standing = open.map((q, i) => stands(chosen[q][rank], questions[q], texts[i]));
    open.forEach((q, i) => {
      if (rank === 0 || standing[i]) answers[q] = texts[i];
    });
    open = open.filter((_, i) => !standing[i]);
  }
  return answers;
}

/** The worked examples, the sentence and the question. */
export function readingPrompt({ title, sentence }: Statement, question: string): string {
  const written = examples.map(([about, said, asked, answer]) =>
    [about, said, `Question: ${asked}`, `Answer: ${answer}`, "", ""].join("\n"),
  );
  return `${written.join("")}${title}\n${sentence}\nQuestion: ${question}\nAnswer:`;
}

/**
 * The sentences after which the question is likeliest, best first. Of a subject that the question names, only its own;
 * the name itself is left out, as some sentences say "it" instead.
 */
async function likeliest(
  model: Model,
  statements: readonly Statement[],
  question: string,
): Promise<Statement[]> {
  if (statements.length === 0) return [];
  const named = statements.filter(({ title }) => withoutName(question, title) !== question);
  const considered = named.length > 0 ? named : statements;
  const losses = await answerLosses(
    model,
    considered.map(({ title, sentence }) => `${withoutName(sentence, title)}\nQuestion:`),
    considered.map(({ title }) => ` ${withoutName(question, title)}`),
  );
  return considered
    .map((statement, i) => ({ statement, loss: losses[i] }))
    .sort((a, b) => a.loss - b.loss)
    .slice(0, SENTENCES_READ)
    .map(({ statement }) => statement);
}

/** The text with "it" for the title. */
export function withoutName(text: string, title: string): string {
  const name = title.replace(/^the /i, "").replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return text.replace(new RegExp(`(?:\\b(?:the|an?) )?(?<![\\p{L}\\p{N}])${name}`, "giu"), "it");
}

/** Whether the answer's words are the sentence's, and not all of them the question's own. */
function stands({ title, sentence }: Statement, question: string, answer: string): boolean {
  const [said, given] = [wordsOf(sentence), wordsOf(`${title} ${question}`)];
  const words = [...wordsOf(answer)];
  return words.every((word) => said.has(word)) && words.some((word) => !given.has(word));
}

const wordsOf = (text: string): Set<string> =>
  new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);
