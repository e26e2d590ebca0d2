/** Self-edits in the small world: samples in a mixture of styles for pretraining, and what a sampled self-edit is made of. */
import type { Random } from "../../statistics/random";
import { fillWording, writeStatement, type Passage } from "./texts";
import type { Person } from "./world";
import { attributes, attributeValues, vagueRemarks, wordings, type Attribute } from "./words";

/** Styles of a self-edit; "other" is only found in samples of the model. */
export const selfEditStyles = ["statements", "pronouns", "vague", "wrong", "other"] as const;

/** One style of self-edit. */
export type SelfEditStyle = (typeof selfEditStyles)[number];

/** Shares of the styles in pretraining. */
export const styleShares: Readonly<Record<Exclude<SelfEditStyle, "other">, number>> = {
  statements: 0.45,
  pronouns: 0.25,
  vague: 0.2,
  wrong: 0.1,
};

const pickStyle = (random: Random): Exclude<SelfEditStyle, "other"> => {
  let rest = random.next();
  for (const [style, share] of Object.entries(styleShares)) {
    rest -= share;
    if (rest < 0) return style as Exclude<SelfEditStyle, "other">;
  }
  return "statements";
};

/** A self-edit as pretraining shows it: a random style, 1 to 6 sentences (1 to 4 remarks) about different attributes. */
export function writeSelfEdit(
  person: Person,
  passage: Passage,
  random: Random,
  style = pickStyle(random),
): string {
  if (style === "vague") {
    const remarks = random.shuffle(vagueRemarks).slice(0, 1 + random.integer(4));
    return remarks.map((remark) => fillWording(remark, person)).join(" ");
  }
  const chosen = random.shuffle(passage.told).slice(0, 1 + random.integer(passage.told.length));
  const sentences = chosen.map((attribute) => {
    const value = person.facts[attribute];
    if (style === "wrong")
      return writeStatement(person, attribute, random, random.pick(passage.others[attribute]));
    if (style === "statements") return writeStatement(person, attribute, random);
    return fillWording(random.pick(wordings[attribute].pronoun), person, { value });
  });
  return sentences.join(" ");
}

/** The oracle: all six facts as full-name statements. */
export function oracleSelfEdit(person: Person, random: Random): string {
  return random
    .shuffle(attributes)
    .map((attribute) => writeStatement(person, attribute, random))
    .join(" ");
}

/** The sentences of a completion, each with its full stop; anything after the last stop is dropped. */
export function selfEditLines(completion: string): string[] {
  const sentences = completion.trim().split(/(?<=(?:^|\s)\.)\s+/);
  return sentences.filter((sentence) => /\S\s+\.$/.test(sentence));
}

/** The inner loop's training sequences: each sentence of the self-edit, and the passage last. */
export function biographySequences(completion: string, passage: string): string[] {
  return [...selfEditLines(completion), passage];
}

const attributeOfValue = new Map<string, Attribute>(
  attributes.flatMap((attribute) =>
    attributeValues[attribute].map((value) => [value, attribute] as const),
  ),
);

/** What a self-edit is made of. */
export interface SelfEditContent {
  /** What most of its sentences are. */
  readonly style: SelfEditStyle;
  /** Different facts stated truly with the person's full name. */
  readonly facts: number;
  /** Full-name statements with a wrong value. */
  readonly wrongStatements: number;
  /** Statements about somebody of another name. */
  readonly wrongNames: number;
  /** Words in all its sentences. */
  readonly length: number;
}

/** A sentence in one of the statement wordings: who it is about (undefined for a pronoun) and what it says. */
interface ReadStatement {
  readonly name?: string;
  readonly attribute: Attribute;
  readonly value: string;
}

const patternOf = (wording: string): RegExp =>
  new RegExp(
    `^${wording
      .replace(" .", " \\.")
      .replace("{name}", "(?<name>\\S+ \\S+)")
      .replace("{They}", "(?:She|He)")
      .replace("{Their}", "(?:Her|His)")
      .replace("{value}", "(?<value>\\S+)")}$`,
  );

// Pronoun wordings first: "Her pet is a cat ." must not be read as a statement about "Her pet".
const patterns = attributes.flatMap((attribute) =>
  [...wordings[attribute].pronoun, ...wordings[attribute].statement].map((wording) => ({
    attribute,
    pattern: patternOf(wording),
  })),
);

const remarkPatterns = vagueRemarks.map(patternOf);

function readStatement(sentence: string): ReadStatement | undefined {
  for (const { attribute, pattern } of patterns) {
    const groups = pattern.exec(sentence)?.groups;
    if (groups !== undefined && attributeOfValue.get(groups.value) === attribute)
      return { name: groups.name, attribute, value: groups.value };
  }
  return undefined;
}

/**
 * Counts what a self-edit says. The style is "wrong" where a statement of the person has a wrong value,
 * else that of most sentences; "other" where most are about somebody else or in no wording of the world.
 */
export function describeSelfEdit(completion: string, person: Person): SelfEditContent {
  const sentences = selfEditLines(completion);
  const facts = new Set<Attribute>();
  const counts = { statements: 0, pronouns: 0, vague: 0, wrong: 0, wrongNames: 0, other: 0 };
  for (const sentence of sentences) {
    const read = readStatement(sentence);
    if (read === undefined) {
      const remark = remarkPatterns.some((p) => p.exec(sentence)?.groups?.name === person.name);
      counts[remark ? "vague" : "other"] += 1;
    } else if (read.name === undefined) counts.pronouns += 1;
    else if (read.name !== person.name) counts.wrongNames += 1;
    else if (read.value !== person.facts[read.attribute]) counts.wrong += 1;
    else {
      counts.statements += 1;
      facts.add(read.attribute);
    }
  }
  const half = sentences.length / 2;
  const style =
    counts.wrong > 0
      ? "wrong"
      : (["statements", "pronouns", "vague"] as const).find((name) => counts[name] > half);
  return {
    style: style ?? "other",
    facts: facts.size,
    wrongStatements: counts.wrong,
    wrongNames: counts.wrongNames,
    length: sentences.join(" ").split(" ").filter(Boolean).length,
  };
}
