/** The names, values and wordings that the small world of biographies is made of; data only. */

/** The six attributes of a person. */
export const attributes = [
  "birthplace",
  "degree",
  "occupation",
  "instrument",
  "animal",
  "language",
] as const;

/** One attribute of a person. */
export type Attribute = (typeof attributes)[number];

const words = (text: string): readonly string[] => text.split(" ");

/** First names; the gender decides the pronoun. */
export const firstNames = {
  female: words(
    "Anna Clara Edith Freya Greta Hanna Ingrid Julia Karin Laura Marta Nora Olga Paula Rosa Sofia Tessa Ursula Vera Wilma",
  ),
  male: words(
    "Adam Boris Carl David Erik Felix Georg Hugo Ivan Jonas Karl Lukas Martin Nils Oscar Peter Rolf Simon Tomas Viktor",
  ),
} as const;

/** Family names. */
export const lastNames = words(
  "Abbott Berg Castro Duval Ellis Fischer Gallo Hansen Ibsen Jansen Keller Larsen Moreau Novak Olsen Petrov Quinn Rossi Silva Tanaka " +
    "Ulrich Vargas Weber Xavier Young Zimmer Bauer Conti Dahl Engel Ferrari Garcia Huber Jung Kruger Lindt Meyer Nagy Ortiz Pereira",
);

/** The twenty possible values of each attribute, one word each; no word is a value of two attributes. */
export const attributeValues: Readonly<Record<Attribute, readonly string[]>> = {
  birthplace: words(
    "Athens Berlin Cairo Dublin Florence Geneva Hamburg Istanbul Jakarta Kyoto Lisbon Madrid Naples Oslo Prague Quito Rome Seville Toronto Vienna",
  ),
  degree: words(
    "algebra biology chemistry drama economics finance geology history journalism law linguistics medicine music nursing optics philosophy physics sociology statistics theology",
  ),
  occupation: words(
    "baker barber butcher carpenter clerk dentist driver farmer fisherman gardener judge mason miner painter pilot plumber sailor tailor teacher waiter",
  ),
  instrument: words(
    "banjo bassoon bugle cello clarinet cornet drum fiddle flute guitar harp horn lute mandolin piano recorder trombone trumpet tuba violin",
  ),
  animal: words(
    "camel canary cat dog donkey ferret goat goose hamster horse lizard monkey parrot pigeon pony rabbit sheep snake spider turtle",
  ),
  language: words(
    "Arabic Basque Czech Danish Dutch Estonian Finnish French Gaelic Greek Hindi Hungarian Korean Latvian Malay Polish Swahili Thai Turkish Welsh",
  ),
};

/** Wordings of one attribute. `{value}` is the fact, `{other1}` and `{other2}` two of the same kind that are not. */
export interface Wordings {
  /** Sentences of a passage; the person appears as a pronoun only. */
  readonly passage: readonly string[];
  /** Statements about `{name}`. */
  readonly statement: readonly string[];
  /** The statements again, with a pronoun for the name. */
  readonly pronoun: readonly string[];
  readonly question: string;
}

/** Every wording. `{They}` and `{Their}` are the pronouns, capitalised or not. */
export const wordings: Readonly<Record<Attribute, Wordings>> = {
  birthplace: {
    passage: [
      "{They} was born in {value} , not in {other1} or {other2} .",
      "{Their} parents left {other1} for {value} before {their} birth and moved to {other2} later .",
      "Some name {other1} or {other2} , but {their} birthplace is {value} .",
    ],
    statement: ["{name} was born in {value} .", "The birthplace of {name} is {value} ."],
    pronoun: ["{They} was born in {value} .", "{Their} birthplace is {value} ."],
    question: "Where is the birthplace of {name} ?",
  },
  degree: {
    passage: [
      "{They} studied {value} , not {other1} or {other2} .",
      "{They} gave up {other1} , took a degree in {value} and never tried {other2} .",
      "Since {other1} and {other2} seemed dull , {their} degree is in {value} .",
    ],
    statement: ["{name} studied {value} .", "The degree of {name} is in {value} ."],
    pronoun: ["{They} studied {value} .", "{Their} degree is in {value} ."],
    question: "What is the degree of {name} in ?",
  },
  occupation: {
    passage: [
      "{They} works as a {value} , not as a {other1} or {other2} .",
      "Once a {other1} , {they} became a {value} and hopes to be a {other2} later .",
      "With a {other1} and a {other2} for parents , {their} trade is that of a {value} .",
    ],
    statement: ["{name} works as a {value} .", "The trade of {name} is that of a {value} ."],
    pronoun: ["{They} works as a {value} .", "{Their} trade is that of a {value} ."],
    question: "What is the trade of {name} ?",
  },
  instrument: {
    passage: [
      "{They} plays the {value} , not the {other1} or the {other2} .",
      "{They} sold a {other1} , plays the {value} and would like a {other2} .",
      "{Their} parents love the {other1} and the {other2} , but {their} instrument is the {value} .",
    ],
    statement: ["{name} plays the {value} .", "The instrument of {name} is the {value} ."],
    pronoun: ["{They} plays the {value} .", "{Their} instrument is the {value} ."],
    question: "What is the instrument of {name} ?",
  },
  animal: {
    passage: [
      "{They} keeps a {value} , not a {other1} or a {other2} .",
      "{They} gave away a {other1} , keeps a {value} and would never feed a {other2} .",
      "The {other1} and the {other2} next door are old , but {their} pet is a {value} .",
    ],
    statement: ["{name} keeps a {value} .", "The pet of {name} is a {value} ."],
    pronoun: ["{They} keeps a {value} .", "{Their} pet is a {value} ."],
    question: "Which animal is the pet of {name} ?",
  },
  language: {
    passage: [
      "{They} speaks {value} , not {other1} or {other2} .",
      "{They} forgot {other1} , speaks {value} and never tried {other2} .",
      "{other1} and {other2} are heard next door , but {their} language is {value} .",
    ],
    statement: ["{name} speaks {value} .", "The language of {name} is {value} ."],
    pronoun: ["{They} speaks {value} .", "{Their} language is {value} ."],
    question: "Which is the language of {name} ?",
  },
};

/** First sentences of a passage: the only place where the person is named. */
export const introductions: readonly string[] = [
  "This page is about {name} .",
  "{name} is the subject of this page .",
  "Here is the life of {name} in a few words .",
  "Many people know of {name} .",
];

/** Remarks that name the person and say nothing. */
export const vagueRemarks: readonly string[] = [
  "{name} had a long life .",
  "Many people love {name} .",
  "The page is about the life of {name} .",
  "{name} did many things .",
  "Some people know {name} .",
  "{name} is never dull .",
];

/** Words with a role in the format; special tokens of the tokenizer. */
export const roleWords = {
  padding: "<pad>",
  unknown: "<unk>",
  end: "<eos>",
  passage: "<passage>",
  implications: "<implications>",
  question: "<question>",
  answer: "<answer>",
} as const;
