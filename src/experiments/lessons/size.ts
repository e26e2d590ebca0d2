/** How large lessons are, in tokens: what the experiments on passages plan with. */
import { existsSync } from "node:fs";
import path from "node:path";
import type { Workload } from "../../run/plan";
import { attributes } from "../../tasks/biographies/words";
import { articlesPath, readPlaces } from "../../tasks/squad";
import { passagesOf, placesFile, type PassageData } from "./passages";
import type { LessonSettings, WritingSettings } from "./settings";

/** Characters of a token, about, in English. */
const CHARACTERS_PER_TOKEN = 4;

/** SQuAD's averages, for data that is not on this machine. */
const SQUAD = { passageTokens: 180, questions: 5 };

/** Tokens of a question with its instruction, and of the instruction of a self-edit. */
export const PROMPT_TOKENS = 60;

/** Number and size of passages. */
export interface Measure {
  readonly passages: number;
  readonly questions: number;
  /** Mean of a passage. */
  readonly passageTokens: number;
}

/** Number and size of the passages; SQuAD's averages where the file is not here. */
export async function measure(data: PassageData): Promise<Measure> {
  const file = data.source === "articles" ? articlesPath : path.resolve(data.source);
  if (!existsSync(file)) {
    const places = data.places === undefined ? [] : await readPlaces(placesFile(data.places));
    const passages = data.count ?? Math.max(1, places.length - data.start);
    const { passageTokens, questions } = SQUAD;
    return { passages, questions: passages * questions, passageTokens };
  }
  const passages = await passagesOf(file, data);
  const characters = passages.reduce((sum, { passage }) => sum + passage.length, 0);
  return {
    passages: passages.length,
    questions: passages.reduce((sum, { questions }) => sum + questions.length, 0),
    passageTokens: Math.ceil(characters / passages.length / CHARACTERS_PER_TOKEN),
  };
}

/** Tokens of a biography and questions about it, in the small world's own vocabulary. */
export const BIOGRAPHY = { passageTokens: 130, questions: 6, questionTokens: 20, answerTokens: 2 };

/** Tokens of the small world's oracle: a statement of each fact. */
export const ORACLE_TOKENS = 10 * attributes.length;

/** A lesson's mean size, in tokens. */
export interface LessonSize {
  readonly passage: number;
  readonly questions: number;
  /** A question's prompt, and a self-edit's beside the passage. */
  readonly questionPrompt: number;
  readonly editPrompt: number;
}

export async function lessonSize({ data }: Pick<LessonSettings, "data">): Promise<LessonSize> {
  if (data.source === "biographies")
    return {
      passage: BIOGRAPHY.passageTokens,
      questions: BIOGRAPHY.questions,
      questionPrompt: BIOGRAPHY.questionTokens,
      editPrompt: 0,
    };
  const { passages, questions, passageTokens } = await measure(data);
  return {
    passage: passageTokens,
    questions: questions / passages,
    questionPrompt: PROMPT_TOKENS,
    editPrompt: PROMPT_TOKENS,
  };
}

/** Writing self-edits and answering questions. */
export function generation(
  size: LessonSize,
  { sampling }: Pick<WritingSettings, "sampling">,
  counts: { readonly edits: number; readonly answers: number; readonly answerTokens: number },
): Pick<Workload, "generations"> & { readonly generated: number; readonly prompts: number } {
  const { edits, answers, answerTokens } = counts;
  return {
    generations: edits + answers,
    generated: edits * sampling.maximumTokens + answers * answerTokens,
    prompts: edits * (size.passage + size.editPrompt) + answers * size.questionPrompt,
  };
}

/** Tokens of a row in training: a line where self-edits are split, else all of one; at least the passage. */
export function rowTokens(size: LessonSize, editTokens: number, splitLines: boolean): number {
  return splitLines ? size.passage : Math.max(size.passage, editTokens);
}
