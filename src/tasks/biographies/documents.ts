/** Pretraining documents of the small world: words and which of them are learned. Batching and training are elsewhere. */
import type { Random } from "../../random";
import { writeSelfEdit } from "./selfedits";
import {
  biographySelfEditPrompt,
  questionPrompt,
  questionsAbout,
  writePassage,
  writeLessonPassage,
  writeStatement,
} from "./texts";
import { randomPerson, type Person, type World } from "./world";
import { attributes, roleWords, type Attribute } from "./words";

/** A document; `learned[i]` says whether the loss is taken on predicting word i. */
export interface PretrainingDocument {
  readonly words: readonly string[];
  readonly learned: readonly boolean[];
}

type Part = readonly [text: string, learned: boolean];

const join = (...parts: Part[]): PretrainingDocument => {
  const pieces = parts.map(([text, learned]) => ({ words: text.split(" "), learned }));
  return {
    words: pieces.flatMap((piece) => piece.words),
    learned: pieces.flatMap((piece) => piece.words.map(() => piece.learned)),
  };
};

/** About a random person: passage, then either questions with answers or a self-edit. The passage is not learned. */
export function openBookDocument(
  world: World,
  kind: "questions" | "selfedit",
  random: Random,
): PretrainingDocument {
  const person = randomPerson(random.pick(world.openBookNames), random);
  const passage = writePassage(person, random);
  if (kind === "questions") return questionsDocument(person, passage.text, attributes, random);
  return join(
    [biographySelfEditPrompt(passage.text), false],
    [`${writeSelfEdit(person, passage, random)} ${roleWords.end}`, true],
  );
}

/** A lesson in reading: a short passage about a random person and questions about what it tells. */
export function lessonDocument(world: World, random: Random, plain: boolean): PretrainingDocument {
  const person = randomPerson(random.pick(world.openBookNames), random);
  const { text, told } = writeLessonPassage(person, random, plain);
  return questionsDocument(person, text, told, random);
}

function questionsDocument(
  person: Person,
  passage: string,
  told: readonly Attribute[],
  random: Random,
): PretrainingDocument {
  const questions = random.shuffle(
    questionsAbout(person).filter((q) => told.includes(q.attribute)),
  );
  return join(
    ...questions.flatMap(({ text, answer }, index): Part[] => [
      [questionPrompt(text, index === 0 ? passage : undefined), false],
      [`${answer} ${roleWords.end}`, true],
    ]),
  );
}

/** About a known person: a statement (learned: value and full stop), a question (the answer) or the passage (all of it). */
export function knownDocument(
  world: World,
  kind: "statement" | "question" | "passage",
  random: Random,
): PretrainingDocument {
  if (kind === "passage") {
    const person = random.pick(world.known.slice(0, world.knownWithPassage));
    return join([writePassage(person, random).text, true]);
  }
  const person = random.pick(world.known);
  const attribute = random.pick(attributes);
  if (kind === "question") {
    const question = questionsAbout(person)[attributes.indexOf(attribute)];
    return join(
      [questionPrompt(question.text), false],
      [`${question.answer} ${roleWords.end}`, true],
    );
  }
  const [before, after] = writeStatement(person, attribute, random).split(
    ` ${person.facts[attribute]} `,
  );
  return join([before, false], [`${person.facts[attribute]} ${after}`, true]);
}
