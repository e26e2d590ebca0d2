/**
 * Lessons: a passage with its questions and what its self-edits are trained as, from the small world or from a file,
 * for experiments that do the same with both. Training and figures are the experiments' matter.
 */
import { UserError } from "../../messages/errors";
import { judgeAnswer } from "../../judge/lexical";
import { answerMeasures, type AnswerMeasures } from "../../judge/measures";
import type { Verdict } from "../../judge/verdict";
import type { Adapter } from "../../lora/adapter";
import { generateGroups, type Prompt } from "../../lora/generate";
import type { Model } from "../../model/load";
import { createRandom } from "../../statistics/random";
import { sampleSelfEdits } from "../../restem/policy";
import { trainingSequences } from "../../selfedit/sequences";
import {
  biographySequences,
  oracleSelfEdit,
  selfEditLines,
} from "../../tasks/biographies/selfedits";
import {
  biographySelfEditPrompt,
  judgeValue,
  questionPrompt as biographyQuestion,
  questionsAbout,
  writePassage,
} from "../../tasks/biographies/texts";
import { createWorld, newPeople, worldSizes, type Person } from "../../tasks/biographies/world";
import type { Passage } from "../../tasks/squad";
import { readPassages } from "./passages";
import { openPrompts, type Prompts } from "./prompts";
import type { LessonSettings, WritingSettings } from "./settings";
import type { RunRecord } from "../../run/record";

/** A question about a lesson's passage. */
export interface LessonQuestion {
  readonly text: string;
  readonly gold: string;
  /** All that counts as right, `gold` first. */
  readonly golds: readonly string[];
  /** Asks without the passage. */
  readonly prompt: Prompt;
  readonly judge: (answer: string) => Verdict;
}

/** A passage to be learned. */
export interface Lesson {
  readonly id: string;
  /** Asks for a self-edit. */
  readonly prompt: Prompt;
  /** The passage as a training sequence. */
  readonly passage: string;
  /** A self-edit of all facts, where they are known. */
  readonly oracle?: string;
  readonly questions: readonly LessonQuestion[];
  /** Training sequences of a self-edit, the passage last; empty where it does not parse. */
  readonly sequences: (selfEdit: string) => string[];
}

/** All that lessons are drawn from, read once. */
export interface LessonSource {
  /** `count` lessons in the order of a seed; a larger count only adds. Throws UserError where there are not so many. */
  readonly draw: (seed: number, count: number) => Lesson[];
  readonly inputs: RunRecord["inputs"];
}

/** Opens what the settings name. */
export async function openLessons(
  settings: LessonSettings,
  { quiet }: { readonly quiet: boolean },
): Promise<LessonSource> {
  if (settings.data.source === "biographies")
    return {
      inputs: [],
      draw: (seed, count) => {
        requireCount(count, worldSizes.newNames, "the small world");
        return newPeople(createWorld(0), seed, count).map((person) =>
          personLesson(person, seed, settings.splitLines),
        );
      },
    };
  const { prompt, splitLines } = settings;
  const prompts = await openPrompts({
    ...settings,
    prompt: typeof prompt === "string" ? { kind: prompt } : prompt,
  });
  const { passages, input } = await readPassages(settings, { quiet });
  const asked = passages.filter(({ questions }) => questions.length > 0);
  return {
    inputs: [input],
    draw: (seed, count) => {
      requireCount(count, asked.length, input.name);
      const order = createRandom(`lessons/${seed}`).shuffle(asked);
      return order.slice(0, count).map((passage) => passageLesson(passage, prompts, splitLines));
    },
  };
}

function requireCount(count: number, known: number, source: string): void {
  if (count > known)
    throw new UserError(
      `${count} passages are wanted and ${source} has ${known}; ask for fewer, or name more data.`,
    );
}

/** A person of the small world as a lesson; what is drawn about them depends on the seed and their name. */
export function personLesson(person: Person, seed: number, splitLines: boolean): Lesson {
  const passage = writePassage(person, createRandom(`passage/${seed}/${person.name}`)).text;
  return {
    id: person.name,
    prompt: biographySelfEditPrompt(passage),
    passage,
    oracle: oracleSelfEdit(person, createRandom(`oracle/${person.name}`)),
    questions: questionsAbout(person).map(({ text, answer }) => ({
      text,
      gold: answer,
      golds: [answer],
      prompt: biographyQuestion(text),
      judge: (given) => judgeValue(answer, given),
    })),
    sequences: (selfEdit) => {
      const lines = selfEditLines(selfEdit);
      if (lines.length === 0) return [];
      return splitLines ? biographySequences(selfEdit, passage) : [lines.join(" "), passage];
    },
  };
}

/** A passage of a file as a lesson. */
export function passageLesson(passage: Passage, prompts: Prompts, splitLines: boolean): Lesson {
  const { title, passage: text } = passage;
  return {
    id: passage.id,
    prompt: prompts.selfEdit(passage),
    passage: `${title}\n${text}`,
    questions: passage.questions.map(({ question, answers: golds }) => ({
      text: question,
      gold: golds[0],
      golds,
      prompt: prompts.question(passage, question),
      judge: (answer) => judgeAnswer({ question, gold: golds, answer }),
    })),
    sequences: (selfEdit) =>
      selfEdit.trim() === ""
        ? []
        : trainingSequences(selfEdit, { title, passage: text, splitLines }),
  };
}

/**
 * Self-edits for every lesson, [lesson][index]: the oracle's one, or `sampling.count` drawn from the model.
 * Throws UserError for an oracle where the facts are not known.
 */
export async function writeSelfEdits(
  model: Model,
  lessons: readonly Lesson[],
  { author, sampling }: WritingSettings,
  seed: string,
): Promise<string[][]> {
  if (author === "model")
    return sampleSelfEdits(
      model,
      lessons.map(({ prompt }) => prompt),
      sampling,
      seed,
    );
  return lessons.map(({ oracle }) => {
    if (oracle !== undefined) return [oracle];
    throw new UserError(`"author": "oracle" needs known facts; only "biographies" has them.`);
  });
}

/** Questions to be answered with one adapter, or with the model as it is. */
export interface QuestionGroup {
  readonly adapter?: Adapter;
  readonly questions: readonly LessonQuestion[];
}

/** An answer, what counts as right, and what the judge said of it. */
export interface GivenAnswer {
  readonly answer: string;
  readonly golds: readonly string[];
  readonly verdict: Verdict;
}

/** Answers every group's questions, greedily; either all groups have an adapter or none. */
export async function answerQuestions(
  model: Model,
  groups: readonly QuestionGroup[],
  maximumTokens: number,
): Promise<GivenAnswer[][]> {
  const filled = groups.filter(({ questions }) => questions.length > 0);
  if (filled.length === 0) return groups.map(() => []);
  const texts = await generateGroups(
    model,
    filled.map(({ adapter, questions }) => ({
      ...(adapter ? { adapter } : {}),
      prompts: questions.map(({ prompt }) => prompt),
    })),
    { maximumTokens, batchRows: 256 },
  );
  return groups.map((group) =>
    (texts[filled.indexOf(group)] ?? []).map(({ text }, q) => ({
      answer: text,
      golds: group.questions[q].golds,
      verdict: group.questions[q].judge(text),
    })),
  );
}

/** What needs no judge, over the same answers; undefined where there is none. */
export function measuresOf(answers: readonly GivenAnswer[]): AnswerMeasures | undefined {
  return answerMeasures(answers.filter(({ verdict }) => verdict !== "ungraded"));
}
