/** Texts about one person: passages, statements, questions, prompts and the judge. Self-edits are in selfedits.ts. */
import type { Random } from "../../statistics/random";
import type { Person } from "./world";
import {
  attributes,
  attributeValues,
  introductions,
  roleWords,
  wordings,
  type Attribute,
} from "./words";

const pronouns = {
  female: { They: "She", they: "she", Their: "Her", their: "her" },
  male: { They: "He", they: "he", Their: "His", their: "his" },
} as const;

/** Fills `{name}`, pronouns, `{value}` and others in a wording. */
export function fillWording(
  wording: string,
  person: Pick<Person, "name" | "gender">,
  values: Readonly<Record<string, string>> = {},
): string {
  const slots: Record<string, string> = {
    name: person.name,
    ...pronouns[person.gender],
    ...values,
  };
  return wording.replace(/\{(\w+)\}/g, (_, slot: string) => slots[slot]);
}

/** A passage with, for each fact, the two values of the same kind that it mentions and that are not the fact. */
export interface Passage {
  /** The passage. */
  readonly text: string;
  /** The attributes that it tells of. */
  readonly told: readonly Attribute[];
  /** For each attribute that it tells of, the two wrong values that it mentions. */
  readonly others: Readonly<Record<Attribute, readonly [string, string]>>;
}

/**
 * Names the person once, then tells the facts with pronouns, in random wording and order, each beside two
 * distractors.
 */
export function writePassage(person: Person, random: Random): Passage {
  return composePassage(person, random, attributes, (attribute) => wordings[attribute].passage);
}

/** A short passage for a lesson in reading: one to three of the facts; a `plain` one has no distractors. */
export function writeLessonPassage(person: Person, random: Random, plain: boolean): Passage {
  const told = random.shuffle(attributes).slice(0, 1 + random.integer(3));
  return composePassage(person, random, told, (attribute) =>
    plain ? wordings[attribute].pronoun : wordings[attribute].passage,
  );
}

function composePassage(
  person: Person,
  random: Random,
  told: readonly Attribute[],
  wordingsOf: (attribute: Attribute) => readonly string[],
): Passage {
  const others = {} as Record<Attribute, readonly [string, string]>;
  const sentences = random.shuffle(told).map((attribute) => {
    const value = person.facts[attribute];
    const wrong = attributeValues[attribute].filter((other) => other !== value);
    const [other1, other2] = random.shuffle(wrong);
    others[attribute] = [other1, other2];
    return fillWording(random.pick(wordingsOf(attribute)), person, { value, other1, other2 });
  });
  const introduction = fillWording(random.pick(introductions), person);
  return { text: [introduction, ...sentences].join(" "), told, others };
}

/** A true statement with the person's full name; `value` replaces the fact. */
export function writeStatement(
  person: Person,
  attribute: Attribute,
  random: Random,
  value = person.facts[attribute],
): string {
  return fillWording(random.pick(wordings[attribute].statement), person, { value });
}

/** A question about one attribute and its answer (one word). */
export interface Question {
  /** What is asked for. */
  readonly attribute: Attribute;
  /** The question. */
  readonly text: string;
  /** The value, one word. */
  readonly answer: string;
}

/** The questions about a person, one per attribute, in the order of `attributes`. */
export function questionsAbout(person: Person): Question[] {
  return attributes.map((attribute) => ({
    attribute,
    text: fillWording(wordings[attribute].question, person),
    answer: person.facts[attribute],
  }));
}

/** The prompt of a question; with a passage, the open-book prompt. The answer is the next word. */
export function questionPrompt(question: string, passage?: string): string {
  const context = passage === undefined ? "" : `${roleWords.passage} ${passage} `;
  return `${context}${roleWords.question} ${question} ${roleWords.answer}`;
}

/** The prompt after which the model writes a self-edit, up to `<eos>`. */
export function biographySelfEditPrompt(passage: string): string {
  return `${roleWords.passage} ${passage} ${roleWords.implications}`;
}

/** Exact match of the value: whether the answer's first word is the gold one. */
export function judgeValue(gold: string, answer: string): "correct" | "wrong" {
  return answer.trim().split(/\s+/)[0] === gold ? "correct" : "wrong";
}
