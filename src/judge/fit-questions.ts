/** Fits what is known of a question to GPT-4.1's verdicts on answers to it; using it is in known-questions.ts. */
import { groupBy } from "../statistics/groups";
import {
  COMPARISON_WEIGHT,
  wordShare,
  type KnownQuestion,
  type KnownQuestions,
  type ReadAnswer,
} from "./known-questions";
import { sigmoid } from "./trees";

/** An answer with GPT-4.1's verdict. */
export interface RuledAnswer {
  readonly read: ReadAnswer;
  readonly correct: boolean;
}

/** Equal answers to one question: the same greedy answer stands in several logs, and counting it often would drown the rest. */
export interface RuledAnswers {
  readonly read: ReadAnswer;
  /** The share called correct. */
  readonly correct: number;
}

/** L2 penalties of the words' weights and of the offset. */
const PENALTY = 0.2;
const OFFSET_PENALTY = 1;
/** Words that weigh less are left out: with all of them the judge is hardly better, and the table over four times as long. */
const LEAST_WEIGHT = 0.3;
/** Passes over the words end with the first whose steps are all smaller. */
const SMALL_STEP = 0.01;
const MAXIMUM_PASSES = 100;

/** Learns every question that these answers are to. Blank ones are not to be among them: they are wrong without being graded. */
export function fitQuestions(answers: readonly RuledAnswer[]): KnownQuestions {
  const byQuestion = groupBy(answers, ({ read }) => read.key);
  return Object.fromEntries(
    [...byQuestion].map(([key, own]) => [key, fitQuestion(mergeEqual(own))]),
  );
}

function mergeEqual(answers: readonly RuledAnswer[]): RuledAnswers[] {
  const equal = groupBy(answers, ({ read }) => `${read.comparison} ${read.words.join(" ")}`);
  return [...equal.values()].map((own) => ({
    read: own[0].read,
    correct: own.filter(({ correct }) => correct).length / own.length,
  }));
}

/** Penalised logistic regression of one question's verdicts on the words of its answers, by coordinate descent. */
export function fitQuestion(answers: readonly RuledAnswers[]): KnownQuestion {
  const odds = Float64Array.from(answers, ({ read }) => COMPARISON_WEIGHT * read.comparison);
  const correct = Float64Array.from(answers, (answer) => answer.correct);
  const offset = columnOf(
    OFFSET_PENALTY,
    answers.map((_, i) => [i, 1]),
  );
  const words = wordColumns(answers);
  const columns = [offset, ...words.values()];
  for (let pass = 0, largest = Infinity; largest > SMALL_STEP && pass < MAXIMUM_PASSES; pass++)
    largest = Math.max(...columns.map((column) => Math.abs(improve(column, correct, odds))));
  const kept = [...words].filter(([, { weight }]) => Math.abs(weight) >= LEAST_WEIGHT);
  return {
    offset: Number(offset.weight.toFixed(2)),
    words: Object.fromEntries(kept.map(([word, { weight }]) => [word, Number(weight.toFixed(1))])),
  };
}

/** A word's weight, the answers that have the word, and how much each is made of it. */
interface Column {
  readonly penalty: number;
  readonly answers: Int32Array;
  readonly shares: Float64Array;
  weight: number;
}

function columnOf(penalty: number, entries: readonly (readonly [number, number])[]): Column {
  return {
    penalty,
    answers: Int32Array.from(entries, ([answer]) => answer),
    shares: Float64Array.from(entries, ([, share]) => share),
    weight: 0,
  };
}

function wordColumns(answers: readonly RuledAnswers[]): Map<string, Column> {
  const said = answers.flatMap(({ read: { words } }, i) =>
    words.map((word) => ({ word, entry: [i, wordShare(words.length)] as const })),
  );
  return new Map(
    [...groupBy(said, ({ word }) => word)].map(([word, own]) => [
      word,
      columnOf(
        PENALTY,
        own.map(({ entry }) => entry),
      ),
    ]),
  );
}

/** Moves a weight towards its best, and the answers' log-odds with it. The loss bends by at most a quarter, so that no step goes too far. */
function improve(column: Column, correct: Float64Array, odds: Float64Array): number {
  const { penalty, answers, shares, weight } = column;
  let slope = -penalty * weight;
  let bend = penalty;
  for (let k = 0; k < answers.length; k++) {
    slope += shares[k] * (correct[answers[k]] - sigmoid(odds[answers[k]]));
    bend += shares[k] ** 2 / 4;
  }
  const step = slope / bend;
  column.weight += step;
  for (let k = 0; k < answers.length; k++) odds[answers[k]] += shares[k] * step;
  return step;
}
