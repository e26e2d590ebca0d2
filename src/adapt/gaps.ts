/**
 * Questions that a passage answers by itself: its clauses with a name, number, date or ending left open. Pure text; the
 * rules are for English. What a model makes of them is adapt.ts's.
 */

import type { Random } from "../random";

/** A question with its answer. */
export interface Pair {
  readonly question: string;
  readonly answer: string;
}

const months =
  "January|February|March|April|May|June|July|August|September|October|November|December";
const numberWords =
  "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand";
/** Words that neither end a measure ("36 metres") nor begin what a clause ends with. */
const functionWords =
  "a|an|the|of|in|on|at|by|for|from|to|with|into|as|because|so|both|its|his|her|their|was|were|is|are|be|been|had|has|have|that|and|or|who|when|where|which|while";

const year = /\b[12]\d{3}\b/gu;
const date = new RegExp(`\\b(?:\\d{1,2} )?(?:${months})(?: \\d{1,2}\\b,?)?(?: \\d{4})?\\b`, "gu");
const measure = new RegExp(
  `\\b(?:\\d[\\d.,]*|${numberWords})(?: (?!(?:${functionWords})\\b)[a-z]+)?\\b`,
  "gu",
);
const name =
  /(?:\b[Tt]he )?\p{Lu}[\p{L}’'-]*(?: (?:(?:of|de|von|the|and|in) )?\p{Lu}[\p{L}’'-]*)*/gu;

const isDate = new RegExp(months, "u");
const isYear = /^[12]\d{3}$/;
const numberAndUnit = new RegExp(`^(?:\\d[\\d.,]*|${numberWords})(?: (.*))?$`, "u");
const isFunctionWord = new RegExp(`^(?:${functionWords})$`, "i");

/** Sentences of a passage. */
export function sentencesOf(passage: string): string[] {
  return passage
    .split(/(?<=[.!?])\s+(?=["“(]?[\p{Lu}\d])|\n+/u)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== "");
}

/** Clauses of a sentence that have at least four words. */
function clausesOf(sentence: string): string[] {
  return sentence
    .replace(/[.!?]+["”)]?$/, "")
    .split(
      /[,;:](?=\s)|\s[–—]\s| (?=(?:and|because|when|where|which|who|while|but) (?:\p{Ll}+ ){2})/u,
    )
    .map((clause) => clause.trim().replace(/^(?:and|but) /, ""))
    .filter((clause) => clause.split(" ").length > 3);
}

interface Span {
  readonly start: number;
  readonly text: string;
  /** What stands in its place in a question; by the kind of the text unless told. */
  readonly asked?: string;
}

/** Dates, years, numbers with their unit, and names, without overlaps; what the title says already is no answer. */
function spansOf(clause: string, title: string): Span[] {
  const found: Span[] = [];
  const known = title.toLowerCase();
  for (const pattern of [date, year, measure, name])
    for (const match of clause.matchAll(pattern)) {
      const span = { start: match.index, text: match[0].replace(/[.,]$/, "") };
      const said = known.includes(span.text.toLowerCase().replace(/^the |['’]s$/g, ""));
      // A clause's first word has a capital letter for that reason alone.
      const first = pattern === name && span.start === 0 && !span.text.includes(" ");
      if (span.text.length > 1 && !said && !first && !found.some((other) => overlap(span, other)))
        found.push(span);
    }
  return found;
}

function overlap(a: Span, b: Span): boolean {
  return a.start < b.start + b.text.length && b.start < a.start + a.text.length;
}

function questionWords(answer: string): string {
  if (isYear.test(answer)) return "which year";
  if (isDate.test(answer)) return "what date";
  const measured = numberAndUnit.exec(answer);
  if (measured) return measured[1] ? `how many ${measured[1]}` : "how many";
  return "who or what";
}

/** What a clause ends with: up to three words after its last function word. */
function ending(clause: string): Span | undefined {
  const words = clause.split(" ");
  let cut = words.length - 1;
  while (cut > 2 && words.length - cut < 3 && !isFunctionWord.test(words[cut - 1])) cut--;
  const text = words.slice(cut).join(" ");
  if (isFunctionWord.test(text)) return undefined;
  return { start: clause.length - text.length, text, asked: "what" };
}

/** An open place of the passage: the clause, and where its answer stands in it. */
interface Gap extends Span {
  readonly clause: string;
}

function gapsOf({ title, passage }: { title: string; passage: string }): Gap[] {
  return sentencesOf(passage)
    .flatMap(clausesOf)
    .flatMap((said) => {
      const clause = said
        .replace(/^(?:It|He|She|They)\b/, title)
        .replace(/^(?:Its|His|Her|Their)\b/, `${title}'s`);
      const spans = spansOf(clause, title);
      const last = ending(clause);
      const open = last && !spans.some((span) => overlap(span, last)) ? [...spans, last] : spans;
      return open.map((span) => ({ ...span, clause }));
    });
}

/** The clause as it stands, with question words in the place of the answer. */
function inPlace({ clause, start, text }: Gap, asked: string): string {
  return `${clause.slice(0, start)}${asked}${clause.slice(start + text.length)}?`;
}

/** Words on each side of the answer that a short question keeps. */
const NEAR_WORDS = 5;

/** Question words first, then the clause without the answer: all of it, or the words next to the answer. */
function inFront({ clause, start, text }: Gap, asked: string, near: boolean): string {
  const wordsOf = (part: string): string[] => part.split(/[\s,;:()]+/).filter((w) => w !== "");
  const before = wordsOf(clause.slice(0, start));
  const after = wordsOf(clause.slice(start + text.length));
  const said = near
    ? [...before.slice(-NEAR_WORDS), ...after.slice(0, NEAR_WORDS)]
    : [...before, ...after];
  return `${asked.charAt(0).toUpperCase()}${asked.slice(1)} ${said.join(" ")}?`;
}

/**
 * Each clause of the passage as questions, `forms` for each thing in it that can be left open: the first is the clause
 * itself, the others begin with a question word and go on with the clause's words, or those next to the answer. One form
 * alone is learned by heart and helps no other wording.
 */
export function gapQuestions(
  article: { title: string; passage: string },
  { forms, random }: { forms: number; random: Random },
): Pair[] {
  if (forms === 0) return [];
  const pairs = gapsOf(article).flatMap((gap) => {
    const asked = gap.asked ?? questionWords(gap.text);
    const others = Array.from({ length: forms - 1 }, (_, f) =>
      inFront(gap, random.pick(frontWords(asked)), f % 2 === 1),
    );
    return [inPlace(gap, asked), ...others].map((question) => ({ question, answer: gap.text }));
  });
  return pairs.filter(
    ({ question }, p) => pairs.findIndex((other) => other.question === question) === p,
  );
}

/** With what a question of this kind may begin. */
function frontWords(asked: string): string[] {
  if (asked === "who or what") return ["who", "what", "which", "where"];
  if (asked === "which year") return ["when", "in which year", "what year"];
  if (asked === "what date") return ["when", "on what date"];
  return [asked];
}
