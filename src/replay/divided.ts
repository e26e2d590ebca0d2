/** What kinds of answers divide GPT-4.1 and the local judge, and how often GPT-4.1 differs from itself; pure. */
import { containsGold, recallsGold } from "../judge/rules";
import { LONG_ANSWER, measureAnswer } from "../judge/measures";
import { contentWords, plainQuestion, wordsOf, type Word } from "../judge/normalize";
import { groupBy } from "../statistics/groups";
import { mean } from "../statistics/statistics";
import type { GradedAnswer } from "./released";

/** A released answer with both verdicts. */
export interface TwiceJudged {
  readonly row: GradedAnswer;
  readonly local: boolean;
}

/** How the two judge one kind of answers. */
export interface DividedKind {
  readonly kind: string;
  readonly n: number;
  /** Answers that GPT-4.1 takes and the local judge does not. */
  readonly onlyGpt: number;
  /** Answers that the local judge takes and GPT-4.1 does not. */
  readonly onlyLocal: number;
}

/** Kinds of answers: `parts` make up all of them, `marks` overlap. */
export interface DividedKinds {
  readonly parts: readonly DividedKind[];
  readonly marks: readonly DividedKind[];
}

/** What a kind is told by. The question is without its topic line. */
interface Read {
  readonly question: readonly Word[];
  readonly gold: readonly Word[];
  readonly answer: readonly Word[];
  readonly text: string;
  readonly words: number;
  readonly contained: boolean;
  readonly recalled: boolean;
}

function read({ text, gold, answer }: GradedAnswer): Read {
  const input = { question: text, gold, answer };
  return {
    question: wordsOf(plainQuestion(text)),
    gold: wordsOf(gold),
    answer: wordsOf(answer),
    text: answer,
    words: measureAnswer({ answer, golds: [gold] }).answerWords,
    contained: containsGold(input),
    recalled: recallsGold(input),
  };
}

const REVERSING =
  /^(?:not|no|never|neither|without|ban|banned|prohibit\w*|forbid\w*|abolish\w*|reject\w*|refus\w*|den(?:y|ied|ies)|stop\w*|end(?:ed|s)?|former\w*|fail\w*|except)$/;

const reverses = (words: readonly Word[]): boolean =>
  words.some(({ form }) => REVERSING.test(form));

const names = (words: readonly Word[], word: Word): boolean =>
  words.some(({ stem }) => stem === word.stem);

/** Names (after the first word) and numbers that neither the question nor the gold has. */
function others({ question, gold, answer }: Read): readonly Word[] {
  return answer.filter(
    (word, i) =>
      (word.value !== undefined || (word.capital && i > 0 && !word.empty)) &&
      !names(question, word) &&
      !names(gold, word),
  );
}

/** The share of the gold's words that carry meaning which the answer has. */
function goldShare({ gold, answer }: Read): number {
  const content = contentWords(gold);
  return content.filter((word) => names(answer, word)).length / Math.max(content.length, 1);
}

const isLong = ({ words }: Read): boolean => words > LONG_ANSWER;
const someNumber = (words: readonly Word[]): boolean =>
  words.some(({ value }) => value !== undefined);

/** The first that holds. */
const PARTS: readonly (readonly [string, (read: Read) => boolean])[] = [
  ["the gold in one piece, more than twenty words (a recital)", (r) => r.contained && isLong(r)],
  ["the gold in one piece, at most twenty words", ({ contained }) => contained],
  ["three quarters of the gold's words, not in one piece", ({ recalled }) => recalled],
  ["some of the gold's words", (r) => goldShare(r) > 0],
  ["none of the gold's words", () => true],
];

const MARKS: typeof PARTS = [
  ["more than twenty words", isLong],
  [
    "the gold beside another name or number (named in passing)",
    (r) => r.contained && others(r).length > 0,
  ],
  [
    "the gold with a word that turns the sentence (not, never, banned, ended …)",
    (r) => r.contained && reverses(r.answer) && !reverses([...r.gold, ...r.question]),
  ],
  [
    "another number in place of the gold's",
    (r) =>
      someNumber(r.gold) &&
      r.gold.some((word) => word.value !== undefined && !names(r.answer, word)) &&
      others(r).some(({ value }) => value !== undefined),
  ],
  ["cut off (no full stop at the end)", ({ text }) => !/[.!?"”)]\s*$/.test(text)],
];

/** Counts both verdicts by kind. Blank answers are not to be among them: nobody reads those. */
export function divideByKind(answers: readonly TwiceJudged[]): DividedKinds {
  const all = answers.map(({ row, local }) => ({ read: read(row), gpt: row.correct, local }));
  const count = (kind: string, own: typeof all): DividedKind => ({
    kind,
    n: own.length,
    onlyGpt: own.filter(({ gpt, local }) => gpt && !local).length,
    onlyLocal: own.filter(({ gpt, local }) => !gpt && local).length,
  });
  const partOf = (one: Read): string => PARTS.find(([, holds]) => holds(one))?.[0] ?? "";
  const byPart = groupBy(all, (one) => partOf(one.read));
  return {
    parts: PARTS.map(([kind]) => count(kind, byPart.get(kind) ?? [])),
    marks: MARKS.map(([kind, holds]) =>
      count(
        kind,
        all.filter((one) => holds(one.read)),
      ),
    ),
  };
}

/** GPT-4.1's verdicts on one and the same answer to one question, in several logs. */
export interface GraderRepeats {
  /** Different answers that were graded more than once. */
  readonly answers: number;
  /** Of those, how many have both verdicts. */
  readonly divided: number;
  /** The chance that two of an answer's verdicts are equal, mean over answers. */
  readonly agreement: number;
}

/** How often the grader agrees with itself; undefined where no answer was graded twice. */
export function graderRepeats(rows: readonly GradedAnswer[]): GraderRepeats | undefined {
  const graded = rows.filter(({ answer }) => answer.trim() !== "");
  const groups = groupBy(graded, ({ text, gold, answer }) => JSON.stringify([text, gold, answer]));
  const several = [...groups.values()].filter(({ length }) => length > 1);
  if (several.length === 0) return undefined;
  const equalPairs = several.map((own) => {
    const n = own.length;
    const correct = own.filter((row) => row.correct).length;
    return (correct * (correct - 1) + (n - correct) * (n - correct - 1)) / (n * (n - 1));
  });
  return {
    answers: several.length,
    divided: equalPairs.filter((share) => share < 1).length,
    agreement: mean(equalPairs),
  };
}
