/** What the calibrated judge looks at: numbers that compare an answer with one gold answer. Their weights are elsewhere. */
import { answerHead, contentWords, likeness, plainQuestion, wordsOf, type Word } from "./normalize";

/** The names of the features, in the order of the vectors that `judgeFeatures` gives. */
export const FEATURE_NAMES = [
  "exact",
  "f1",
  "precision",
  "recall",
  "softRecall",
  "newRecall",
  "softNewRecall",
  "weakestNew",
  "contained",
  "containedFirst",
  "inOrder",
  "pairs",
  "letters",
  "goldNumbers",
  "numbersFound",
  "otherNumbers",
  "goldWords",
  "goldNewWords",
  "answerWords",
  "firstRecall",
  "position",
  "cut",
  "negationDiffers",
  "polarity",
  "newWords",
  "newNames",
  "goldNames",
  "namesFound",
  "lastWord",
  "firstWord",
  "rareRecall",
  "goldInQuestion",
  "questionEchoed",
  "rambles",
  "startsWithGold",
  "answerInGold",
  "newPrecision",
  "asksWho",
  "asksWhen",
  "asksWhere",
  "asksHowMany",
  "asksWhy",
  "asksList",
  "alternatives",
  "missingWords",
  "acronym",
  "questionBefore",
  "numberConflict",
  "initialsFound",
  "hedge",
  "nearestNumber",
  "coreWords",
  "coreRecall",
  "corePrecision",
  "coreNames",
  "weakestLikeness",
  "answerNumbers",
  "goldCommas",
  "goldLetters",
  "headRecall",
  "tailSimilarity",
  "clauseRecall",
] as const;

interface Texts {
  readonly question: readonly Word[];
  readonly gold: readonly Word[];
  readonly answer: readonly Word[];
  /** The answer's first sentence, before any rambling. */
  readonly first: readonly Word[];
}

/** The feature vector [FEATURE_NAMES.length] of one answer against one gold. The question may carry a "Topic:" line. */
export function judgeFeatures(question: string, gold: string, answer: string): number[] {
  const head = answerHead(answer);
  const first = /^.*?[.!?](?=\s+\p{Lu}|\s*$|\n)/su.exec(head)?.[0] ?? head;
  const asked = plainQuestion(question);
  const texts: Texts = {
    question: wordsOf(asked),
    gold: wordsOf(gold),
    answer: wordsOf(head),
    first: wordsOf(first),
  };
  return [
    ...overlap(texts, gold, head),
    ...numbers(texts),
    ...lengths(texts),
    ...details(texts, head),
    ...names(texts),
    ...shape(texts, answer, head, gold),
    ...questionKind(asked),
    ...conflicts(texts, head, gold),
    ...core(texts, head, gold),
  ];
}

const best = (word: Word, among: readonly Word[]): number =>
  among.reduce((most, other) => Math.max(most, likeness(word, other)), 0);

const mean = (values: readonly number[]): number =>
  values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : 0;

const has = (words: readonly Word[], word: Word): boolean =>
  words.some((other) => other.stem === word.stem);

/** The gold's words that the question does not already say; all of them where it says everything. */
function newGold({ gold, question }: Texts): readonly Word[] {
  const content = contentWords(gold);
  const fresh = content.filter((word) => !has(question, word));
  return fresh.length > 0 ? fresh : content;
}

function f1Of(gold: readonly Word[], answer: readonly Word[]): [number, number, number] {
  const left = [...answer.map((word) => word.stem)];
  let shared = 0;
  for (const { stem } of gold) {
    const at = left.indexOf(stem);
    if (at >= 0) {
      left.splice(at, 1);
      shared++;
    }
  }
  const precision = shared / Math.max(answer.length, 1);
  const recall = shared / Math.max(gold.length, 1);
  return [shared === 0 ? 0 : (2 * precision * recall) / (precision + recall), precision, recall];
}

function overlap(texts: Texts, goldText: string, head: string): number[] {
  const gold = contentWords(texts.gold);
  const answer = contentWords(texts.answer);
  const fresh = newGold(texts);
  const [f1, precision, recall] = f1Of(gold, answer);
  const stems = (words: readonly Word[]): string => ` ${words.map((word) => word.stem).join(" ")} `;
  const freshBest = fresh.map((word) => best(word, answer));
  return [
    Number(stems(gold) === stems(answer)),
    f1,
    precision,
    recall,
    mean(gold.map((word) => best(word, answer))),
    mean(fresh.map((word) => Number(has(answer, word)))),
    mean(freshBest),
    Math.min(...freshBest, 1),
    Number(stems(answer).includes(stems(gold))),
    Number(stems(contentWords(texts.first)).includes(stems(gold))),
    longestCommon(gold, answer) / Math.max(gold.length, 1),
    pairRecall(gold, answer),
    letterRecall(goldText, head),
  ];
}

function longestCommon(a: readonly Word[], b: readonly Word[]): number {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const word of a) {
    const next = [0];
    b.forEach((other, j) => {
      next.push(word.stem === other.stem ? row[j] + 1 : Math.max(row[j + 1], next[j]));
    });
    row = next;
  }
  return row[b.length];
}

function pairRecall(gold: readonly Word[], answer: readonly Word[]): number {
  const pairs = (words: readonly Word[]): string[] =>
    words.slice(1).map((word, i) => `${words[i].stem} ${word.stem}`);
  const given = new Set(pairs(answer));
  const wanted = pairs(gold);
  return wanted.length > 0 ? mean(wanted.map((pair) => Number(given.has(pair)))) : -1;
}

function letterRecall(gold: string, answer: string): number {
  const runs = (text: string): string[] => {
    const plain = text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ");
    return Array.from({ length: Math.max(plain.length - 3, 1) }, (_, i) => plain.slice(i, i + 4));
  };
  const given = new Set(runs(answer));
  return mean(runs(gold).map((run) => Number(given.has(run))));
}

const numberWords = (words: readonly Word[]): readonly Word[] =>
  words.filter((word) => word.value !== undefined);

function numbers({ gold, answer, question }: Texts): number[] {
  const wanted = numberWords(gold);
  const others = numberWords(answer).filter((word) => !has(gold, word) && !has(question, word));
  return [
    wanted.length,
    wanted.length > 0 ? mean(wanted.map((word) => Number(has(answer, word)))) : -1,
    others.length,
  ];
}

function lengths(texts: Texts): number[] {
  return [contentWords(texts.gold).length, newGold(texts).length, Math.log1p(texts.answer.length)];
}

function details(texts: Texts, head: string): number[] {
  const { answer, question, gold, first } = texts;
  const fresh = newGold(texts);
  const at = answer.findIndex((word) => has(fresh, word));
  const negations = (words: readonly Word[]): number =>
    words.filter((word) => word.form === "not").length;
  const polarityOf = (words: readonly Word[], raw: boolean): number =>
    words.length === 0 ? 0 : words[0].form === "yes" ? 1 : words[0].form === "not" && raw ? -1 : 0;
  const goldPolarity = polarityOf(gold, true);
  const unsaid = contentWords(first).filter((word) => !has(question, word) && !has(gold, word));
  return [
    mean(fresh.map((word) => best(word, contentWords(first)))),
    at < 0 ? -1 : at / Math.max(answer.length, 1),
    Number(!/[.!?"”)]\s*$/.test(head)),
    Number(negations(first) > 0 !== negations([...gold, ...question]) > 0),
    goldPolarity === 0
      ? 0
      : goldPolarity * (polarityOf(answer, true) || (negations(first) > 0 ? -1 : 1)),
    unsaid.length,
  ];
}

function names(texts: Texts): number[] {
  const { answer, question, gold } = texts;
  const goldNames = contentWords(gold).filter((word) => word.capital);
  const others = contentWords(answer).filter(
    (word, i) => i > 0 && word.capital && !has(question, word) && !has(gold, word),
  );
  const content = contentWords(gold);
  const weight = (word: Word): number =>
    (word.value !== undefined ? 6 : word.form.length) * (word.capital ? 1.5 : 1);
  const fresh = newGold(texts);
  const total = fresh.reduce((sum, word) => sum + weight(word), 0);
  return [
    others.length,
    goldNames.length / Math.max(content.length, 1),
    goldNames.length > 0 ? mean(goldNames.map((word) => best(word, answer))) : -1,
    best(
      content[content.length - 1] ?? { form: "", stem: "", capital: false, empty: true },
      answer,
    ),
    best(content[0] ?? { form: "", stem: "", capital: false, empty: true }, answer),
    fresh.reduce((sum, word) => sum + weight(word) * best(word, answer), 0) / Math.max(total, 1),
  ];
}

function shape(texts: Texts, answer: string, head: string, goldText: string): number[] {
  const { question, gold, first } = texts;
  const goldContent = contentWords(gold);
  const answerContent = contentWords(first);
  const unsaid = answerContent.filter((word) => !has(question, word));
  return [
    mean(goldContent.map((word) => Number(has(question, word)))),
    mean(contentWords(question).map((word) => Number(has(first, word)))),
    Number(answer.trim().length > head.length),
    Number(head.toLowerCase().startsWith(goldText.toLowerCase().trim())),
    mean(answerContent.map((word) => best(word, goldContent))),
    unsaid.length > 0 ? mean(unsaid.map((word) => best(word, goldContent))) : 0,
  ];
}

function questionKind(question: string): number[] {
  return [
    /\bwho(?:se|m)?\b/i,
    /\bwhen\b|\bwhat (?:year|date|day|decade|century)|\bwhich year/i,
    /\bwhere\b|\b(?:what|which) (?:city|country|place|state|location)/i,
    /\bhow (?:many|much|long|old|far|big|large|tall|high)\b|\bwhat (?:percent|number)/i,
    /\bwhy\b|\bwhat (?:caused|reason)|\bhow (?:did|do|does|is|was|are)\b/i,
    /\b(?:what|which) (?:two|three|four|were|are)\b|\bexamples?\b/i,
  ].map((pattern) => Number(pattern.test(question)));
}

function conflicts(texts: Texts, head: string, goldText: string): number[] {
  const { gold, answer, question, first } = texts;
  const fresh = newGold(texts);
  const missing = fresh.filter((word) => best(word, answer) < 0.6).length;
  const at = answer.findIndex((word) => has(fresh, word));
  const initials = (words: readonly Word[]): string => words.map((word) => word.form[0]).join("");
  const goldNumbers = numberWords(gold);
  const other = numberWords(first).filter((word) => !has(gold, word) && !has(question, word));
  const asked = contentWords(question);
  return [
    first.filter((word) => word.form === "or").length +
      (head.match(/\beither\b|\balthough\b|\bbut\b|\bhowever\b/gi)?.length ?? 0),
    missing,
    Number(answer.some((word) => word.form.length > 1 && word.form === initials(gold))),
    at < 0 ? -1 : mean(asked.map((word) => Number(has(answer.slice(0, at), word)))),
    Number(goldNumbers.length > 0 && other.length > 0) *
      (goldNumbers.every((word) => has(answer, word)) ? 0.5 : 1),
    Number(
      gold.some(
        (word) =>
          word.form.length > 1 && initials(answer.filter((w) => w.capital)).includes(word.form),
      ),
    ),
    Number(
      /\bnot (?:sure|clear|specified|mentioned|known|provided)|\bunknown\b|\bunclear\b|no information|according to the information/i.test(
        head,
      ),
    ) - Number(/\bunknown\b|not known/i.test(goldText)),
  ];
}

/** The answer proper: what the first sentence says beyond the question's own words. */
function core(texts: Texts, head: string, goldText: string): number[] {
  const { gold, answer, question, first } = texts;
  const unsaid = contentWords(first).filter((word) => best(word, question) < 0.8);
  const goldContent = contentWords(gold);
  const fresh = newGold(texts);
  const likenesses = fresh.map((word) => best(word, answer)).sort((a, b) => a - b);
  const goldValue = numberWords(gold)[0]?.value;
  const values = numberWords(answer).flatMap((word) =>
    word.value === undefined ? [] : [word.value],
  );
  const distance = (value: number): number =>
    goldValue === undefined
      ? -1
      : Math.abs(value - goldValue) / Math.max(Math.abs(goldValue), Math.abs(value), 1e-9);
  const clauses = head.split(/[,;:.()\n]+/).map((clause) => contentWords(wordsOf(clause)));
  const beforeOf = gold.findIndex((word, i) => i > 0 && word.empty);
  const headWords = contentWords(beforeOf > 0 ? gold.slice(0, beforeOf) : gold);
  const tail = contentWords(first).slice(-Math.max(goldContent.length, 1) - 1);
  return [
    goldValue === undefined || values.length === 0 ? -1 : Math.min(...values.map(distance)),
    unsaid.length,
    mean(fresh.map((word) => best(word, unsaid))),
    mean(unsaid.map((word) => best(word, goldContent))),
    unsaid.filter((word) => word.capital && best(word, goldContent) < 0.6).length,
    likenesses[Math.floor(likenesses.length / 2)] ?? 0,
    values.length,
    (goldText.match(/,|\band\b/g) ?? []).length,
    Math.log1p(goldText.length),
    mean(headWords.map((word) => best(word, answer))),
    mean(tail.map((word) => best(word, goldContent))),
    Math.max(0, ...clauses.map((clause) => mean(goldContent.map((word) => best(word, clause))))),
  ];
}
