/** What the knowledge experiment's rollouts show: rows by arm and round, the figure and the table of answers. */
import { sha256OfText } from "../../files/files";
import { answerMeasures, measureAnswer } from "../../judge/measures";
import type { Verdict } from "../../judge/verdict";
import { figureAccuracyByArm, figureDifferences } from "../../plot/bars";
import type { Figure } from "../../plot/figure";
import type { Table } from "../../plot/table";
import { groupBy } from "../../statistics/groups";
import type { Cell, Rollout } from "../../run/rollout";
import type { Passage } from "../../tasks/squad";
import type { Outcome } from "../../run/experiment";
import type { Comparison, RecordRow, RunRecord } from "../../run/record";
import {
  cellName,
  comparisonOf,
  inCell,
  marksOf,
  rowOf,
  secondsOf,
  type Marked,
} from "../../run/rows";
import { writingRows } from "../../run/writing";
import { SEAL_LINE, type KnowledgeVariant } from "./variant";

/** A finished candidate, as journalled and written to rollouts.jsonl. */
export interface KnowledgeRollout extends Rollout {
  /** Self-edits of "train" passages are scored to be chosen from, and are in no row. */
  readonly part: "train" | "evaluation";
  readonly passage: string;
  readonly index: number;
  readonly sequences: number;
  readonly firstLoss?: number;
  readonly lastLoss?: number;
  readonly answers: readonly {
    readonly question: string;
    readonly answer: string;
    readonly verdict: Verdict;
  }[];
}

/** What goes into the report beside the rollouts. */
export interface KnowledgeReportInput {
  readonly variant: KnowledgeVariant;
  readonly passages: readonly Passage[];
  readonly rollouts: readonly KnowledgeRollout[];
  readonly inputs: RunRecord["inputs"];
  readonly generateSeconds: number;
}

/** The outcome of a finished run. */
export function knowledgeReport(input: KnowledgeReportInput): Outcome {
  const { variant, passages, rollouts, inputs, generateSeconds } = input;
  const evaluated = rollouts.filter(({ part }) => part === "evaluation");
  const cells = [...groupBy(evaluated, cellName).values()];
  const rows = cells.map((own) => armRow(own[0], passages, own));
  const paper = paperRows.filter((row) => rows.some(({ arm }) => arm === row.arm));
  const comparisons = comparisonsOf(rows, evaluated);
  return {
    rows,
    comparisons,
    writing: writingRows(evaluated),
    seeds: variant.seeds,
    inputs: [...inputs],
    paper,
    seconds: secondsOf(generateSeconds, rollouts),
    rollouts: variant.texts ? rollouts : rollouts.map((r) => numbersOnly(r, passages)),
    metrics: rollouts.map(metric),
    figures: {
      accuracy: accuracyFigure(variant, passages, rows, paper),
      ...(comparisons.length > 0 ? { differences: differencesFigure(passages, comparisons) } : {}),
    },
    tables: variant.texts ? { answers: answerTable(passages[0], evaluated) } : {},
  };
}

/** A rollout without any text of a passage, question, self-edit or answer. */
function numbersOnly(rollout: KnowledgeRollout, passages: readonly Passage[]): object {
  const { completion, answers, ...rest } = rollout;
  const passage = passages.find(({ id }) => id === rollout.passage);
  return {
    ...rest,
    ...(completion === undefined
      ? {}
      : { completion: { sha256: sha256OfText(completion), characters: completion.length } }),
    answers: answers.map(({ answer, verdict }, q) => ({
      verdict,
      ...(passage && measureAnswer({ answer, golds: passage.questions[q].answers })),
    })),
  };
}

function metric(rollout: KnowledgeRollout): object {
  const { arm, round, part, passage, seed, index, status, tokens, firstLoss, lastLoss, reward } =
    rollout;
  return { arm, round, part, passage, seed, index, status, tokens, firstLoss, lastLoss, reward };
}

function accuracyFigure(
  variant: KnowledgeVariant,
  passages: readonly Passage[],
  rows: readonly RecordRow[],
  paper: RunRecord["paper"],
): Figure {
  return figureAccuracyByArm(
    rows.map((row) => ({ ...row, arm: cellName(row) })),
    {
      title: `Questions answered without the passage: ${variant.model.replace(/^pypi:|^hub:/, "")}`,
      note: `${passages.length} passages, seeds ${variant.seeds.join(", ")}. Points: accuracy on n questions. Lines: 95% intervals over passages.`,
      paper: paper.map(({ round = 0, ...row }) => ({
        ...row,
        round,
        arm: cellName({ ...row, round }),
      })),
    },
  );
}

function differencesFigure(
  passages: readonly Passage[],
  comparisons: readonly Comparison[],
): Figure {
  return figureDifferences(
    comparisons.map(({ difference, mean: value, ci95OverPeople }) => ({
      label: difference,
      mean: value,
      ci95: ci95OverPeople,
    })),
    {
      title: "Self-edits against the passage alone, and against the model's own",
      note: `${passages.length} passages, paired by question. Lines: 95% intervals over passages.`,
    },
  );
}

/** The paper's table 2, one passage, Qwen2.5-7B on SQuAD. */
const PAPER = "paper, table 2 (Qwen2.5-7B, SQuAD, one passage";
const paperRows = [
  { arm: "untouched", accuracy: 0.327, source: `${PAPER})` },
  { arm: "passage only", accuracy: 0.335, source: `${PAPER})` },
  { arm: "untrained self-edits", accuracy: 0.397, source: `${PAPER})` },
  { arm: SEAL_LINE, round: 2, accuracy: 0.47, source: `${PAPER}, two rounds)` },
];

function armRow(
  cell: Cell,
  passages: readonly Passage[],
  candidates: readonly KnowledgeRollout[],
): RecordRow {
  const answersTo = ({ id }: Passage): KnowledgeRollout["answers"][] =>
    candidates.flatMap((one) => (one.passage === id && one.status === "ok" ? [one.answers] : []));
  const groups = passages.map((passage) => marksOf(answersTo(passage).flat()));
  const given = passages.flatMap((passage) =>
    answersTo(passage).flatMap((answers) =>
      answers
        .map((own, q) => ({ ...own, golds: passage.questions[q].answers }))
        .filter(({ verdict }) => verdict !== "ungraded"),
    ),
  );
  const all = candidates.flatMap(({ answers }) => answers);
  const row = rowOf(cell, groups, {
    candidates,
    ungraded: all.filter(({ verdict }) => verdict === "ungraded").length,
    seed: `interval/${cell.round > 0 ? `${cell.arm}/${cell.round}` : cell.arm}`,
  });
  if (row.n === 0) return row;
  return {
    ...row,
    ...answerMeasures(given),
  };
}

const PLAIN_ARMS: readonly string[] = ["untouched", "passage in context"];

/** Every arm of self-edits against the passage alone, and against the model's own untrained ones. */
function comparisonsOf(
  rows: readonly RecordRow[],
  rollouts: readonly KnowledgeRollout[],
): Comparison[] {
  const trained = rows.filter(({ arm }) => !PLAIN_ARMS.includes(arm));
  return ["passage only", "untrained self-edits"].flatMap((other, o, others) =>
    trained
      .filter(({ arm }) => !others.slice(0, o + 1).includes(arm))
      .flatMap((row) => comparison(rollouts, row, { arm: other, round: 0 })),
  );
}

/** Paired over the questions that both have answered; whole passages are drawn for the interval. */
function comparison(rollouts: readonly KnowledgeRollout[], a: Cell, b: Cell): Comparison[] {
  const questions = (cell: Cell): Marked[] =>
    inCell(rollouts, cell)
      .filter(({ status }) => status === "ok")
      .flatMap(({ passage, answers }) =>
        answers.map((answer, q) => ({
          key: `${passage}/${q}`,
          cluster: passage,
          marks: marksOf([answer]),
        })),
      )
      .filter(({ marks }) => marks.length > 0);
  return comparisonOf(`${cellName(a)} - ${cellName(b)}`, questions(a), questions(b));
}

/** One passage's questions with the answers of every arm. */
function answerTable(passage: Passage, rollouts: readonly KnowledgeRollout[]): Table {
  const last = Math.max(...rollouts.map(({ round }) => round));
  const shown = rollouts.filter(({ round }) => round === 0 || round === last);
  const arms = [...new Set(shown.map(({ arm }) => arm))];
  const first = arms.map((arm) =>
    shown.find((r) => r.arm === arm && r.passage === passage.id && r.status === "ok"),
  );
  return {
    title: `${passage.title}: answers by arm`,
    note: `The first candidate of each arm. Gold answers stand under the questions.`,
    columns: [{ title: "Question", share: 1.3 }, ...arms.map((title) => ({ title, share: 1 }))],
    rows: passage.questions.map(({ question, answers }, q) => [
      `${question}\n(${answers[0]})`,
      ...first.map((rollout) => {
        const answer = rollout?.answers[q];
        if (!answer) return { text: "(none)", tone: "muted" as const };
        const text = answer.answer.trim().slice(0, 160);
        return {
          text,
          tone: answer.verdict === "correct" ? ("right" as const) : ("wrong" as const),
        };
      }),
    ]),
  };
}

/** One line about a finished group: each arm with what came out of it. */
export function describe(rollouts: readonly KnowledgeRollout[]): string {
  const arms = groupBy(rollouts, cellName);
  return [...arms]
    .map(([arm, own]) => {
      const rewards = own.map(({ reward, status }) =>
        reward === undefined ? status : reward.toFixed(2),
      );
      return `${arm}: ${rewards.join(" ")}`;
    })
    .join("; ");
}
