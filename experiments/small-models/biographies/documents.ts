/** Pretraining documents of the small world: words and which of them are learned. Batching and training are elsewhere. */
import type { Random } from "../../../src/statistics/random";
import type { PretrainingDocument } from "../step";
import { selfEditLines, writeSelfEdit } from "../../../src/tasks/biographies/selfedits";
import {
  biographySelfEditPrompt,
  questionPrompt,
  questionsAbout,
  writePassage,
  writeLessonPassage,
  writeStatement,
  type Passage,
} from "../../../src/tasks/biographies/texts";
import {
  randomPerson,
  worldSizes,
  type Person,
  type World,
} from "../../../src/tasks/biographies/world";
import {
  attributes,
  attributeValues,
  firstNames,
  lastNames,
  roleWords,
} from "../../../src/tasks/biographies/words";

/** Some words and their weight in the loss. */
type Part = readonly [text: string, learned: number];

const informative = new Set([
  ...firstNames.female,
  ...firstNames.male,
  ...lastNames,
  ...attributes.flatMap((attribute) => attributeValues[attribute]),
]);

/** The share that a self-edit's other words have of a name's or a value's weight: they would drown these. */
const templateWeight = 0.25;

/** The end's share: about that of a sentence's first word, the choice that it competes with. */
const endWeight = 0.5;

const join = (...parts: Part[]): PretrainingDocument => {
  const pieces = parts.map(([text, learned]) => ({ words: text.split(" "), learned }));
  return {
    words: pieces.flatMap((piece) => piece.words),
    learned: pieces.flatMap((piece) => piece.words.map(() => piece.learned)),
  };
};

/** What follows a passage. */
export type OpenBookKind = "questions" | "selfedit";

/** About a random person: passage, then either questions with answers or a self-edit. The passage is not learned. */
export function openBookDocument(
  world: World,
  kind: OpenBookKind,
  random: Random,
): PretrainingDocument {
  const person = randomPerson(random.pick(world.openBookNames), random);
  return afterPassage(person, writePassage(person, random), kind, random);
}

/** A lesson in reading: the same with a short passage. */
export function lessonDocument(
  world: World,
  kind: OpenBookKind,
  random: Random,
  plain: boolean,
): PretrainingDocument {
  const person = randomPerson(random.pick(world.openBookNames), random);
  return afterPassage(person, writeLessonPassage(person, random, plain), kind, random);
}

/**
 * A self-edit weighs in proportion to its sentences, 1 on average: were all to weigh the same, the end of a short one
 * would count for more than a long one's sentences, and samples would stop early.
 */
function afterPassage(
  person: Person,
  passage: Passage,
  kind: OpenBookKind,
  random: Random,
): PretrainingDocument {
  if (kind === "questions") return questionsDocument(person, passage, random);
  const selfEdit = writeSelfEdit(person, passage, random);
  const document = join(
    [biographySelfEditPrompt(passage.text), 0],
    ...selfEdit.split(" ").map((word): Part => [word, informative.has(word) ? 1 : templateWeight]),
    [roleWords.end, endWeight],
  );
  const meanSentences = (1 + passage.told.length) / 2;
  return { ...document, weight: selfEditLines(selfEdit).length / meanSentences };
}

function questionsDocument(person: Person, passage: Passage, random: Random): PretrainingDocument {
  const questions = random.shuffle(
    questionsAbout(person).filter((q) => passage.told.includes(q.attribute)),
  );
  return join(
    ...questions.flatMap(({ text, answer }, index): Part[] => [
      [questionPrompt(text, index === 0 ? passage.text : undefined), 0],
      [`${answer} ${roleWords.end}`, 1],
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
    const person = random.pick(world.known.slice(0, worldSizes.knownWithPassage));
    return join([writePassage(person, random).text, 1]);
  }
  const count = kind === "question" ? worldSizes.knownWithQuestions : world.known.length;
  const person = world.known[random.integer(count)];
  const attribute = random.pick(attributes);
  if (kind === "question") {
    const question = questionsAbout(person)[attributes.indexOf(attribute)];
    return join([questionPrompt(question.text), 0], [`${question.answer} ${roleWords.end}`, 1]);
  }
  const [before, after] = writeStatement(person, attribute, random).split(
    ` ${person.facts[attribute]} `,
  );
  return join([before, 0], [`${person.facts[attribute]} ${after}`, 1]);
}
