/** People of the small world and their splits, as pure functions of a seed; texts about them are elsewhere. */
import { createRandom, type Random } from "../../statistics/random";
import { attributes, attributeValues, firstNames, lastNames, type Attribute } from "./words";

/** A name of two words and the pronoun that goes with it. */
export interface PersonName {
  /** First and last name. */
  readonly name: string;
  /** Says which pronoun stands for it. */
  readonly gender: keyof typeof firstNames;
}

/** A person: a name and one value of each attribute. */
export interface Person extends PersonName {
  /** The value of each attribute. */
  readonly facts: Readonly<Record<Attribute, string>>;
}

/** Who is who. The three groups of names are disjoint. */
export interface World {
  /** What it was made from. */
  readonly seed: number;
  /** People whose facts the model is pretrained on. */
  readonly known: readonly Person[];
  /** Names given to the endless random people of open-book pretraining documents. */
  readonly openBookNames: readonly PersonName[];
  /** Names that pretraining never sees together; experiments draw their people from these. */
  readonly newNames: readonly PersonName[];
}

/**
 * Sizes of the groups; the remaining names are the open book's. Of the known people the first have questions in
 * pretraining, and the first of these passages; the others show whether a statement alone lets a question be answered.
 */
export const worldSizes = {
  known: 500,
  knownWithQuestions: 350,
  knownWithPassage: 30,
  newNames: 300,
} as const;

const allNames = (): PersonName[] =>
  (["female", "male"] as const).flatMap((gender) =>
    firstNames[gender].flatMap((first) =>
      lastNames.map((last) => ({ name: `${first} ${last}`, gender })),
    ),
  );

/** A person of that name with random facts. */
export function randomPerson(name: PersonName, random: Random): Person {
  const facts = Object.fromEntries(
    attributes.map((attribute) => [attribute, random.pick(attributeValues[attribute])]),
  ) as Record<Attribute, string>;
  return { ...name, facts };
}

/** The world of a seed. The committed model was pretrained on the world of seed 0. */
export function createWorld(seed: number): World {
  const random = createRandom(`biographies:${seed}`);
  const names = random.shuffle(allNames());
  const { known, newNames } = worldSizes;
  return {
    seed,
    known: names.slice(0, known).map((name) => randomPerson(name, random)),
    newNames: names.slice(known, known + newNames),
    openBookNames: names.slice(known + newNames),
  };
}

/**
 * `count` new people for an experiment; the same seed always gives the same ones, and a
 * larger count only adds. `count` is limited by the world's new names.
 */
export function newPeople(world: World, seed: number | string, count: number): Person[] {
  const random = createRandom(`people:${world.seed}:${seed}`);
  const names = random.shuffle(world.newNames).slice(0, count);
  return names.map((name, index) =>
    randomPerson(name, createRandom(`facts:${world.seed}:${seed}:${index}`)),
  );
}
