/** What the knowledge experiment's rollouts show: rows by arm and round, the figure and the table of answers. */
import { sha256OfText } from "../../files/files";
import { answerMeasures, measureAnswer } from "../../judge/measures";
import type { Verdict } from "../../judge/verdict";
import { figureAccuracyByArm, figureBars } from "../../plot/bars";
import type { Figure } from "../../plot/figure";
import type { Table } from "../../plot/table";
import { groupBy } from "../../statistics/groups";
import { createRandom } from "../../statistics/random";
import type { CandidateStatus } from "../../restem/select";
import { clusterShareInterval, mean, pairedDifference } from "../../statistics/statistics";
import type { Passage } from "../../tasks/squad";
import type { Outcome } from "../../run/experiment";
import type { RunRecord } from "../../run/record";
import { writingRows } from "../../run/writing";
import { SEAL_LINE, type KnowledgeVariant } from "./variant";

/** A finished candidate, as journalled and written to rollouts.jsonl. */
export interface Rollout {
  readonly arm: string;
  /** 0 before any fine-tuning. */
  readonly round: number;
  /** Self-edits of "train" passages are scored to be chosen from, and are in no row. */
  readonly part: "train" | "evaluation";
  readonly passage: string;
  readonly seed: number;
  readonly index: number;
  readonly status: CandidateStatus;
  readonly reason?: string;
  readonly completion?: string;
  readonly sequences: number;
  readonly tokens: number;
  readonly firstLoss?: number;
  readonly lastLoss?: number;
  readonly reward?: number;
  /** One for each inner loop, of a self-edit that was scored. */
  readonly rewards?: readonly number[];
  /** Losses of the right answers, where the reward needs them. */
  readonly answerLosses?: readonly number[];
  readonly answers: readonly {
    readonly question: string;
    readonly answer: string;
    readonly verdict: Verdict;
  }[];
  readonly seconds: { readonly train: number; readonly answer: number };
}

/** What goes into the report beside the rollouts. */
export interface KnowledgeReportInput {
  readonly variant: KnowledgeVariant;
  readonly passages: readonly Passage[];
  readonly rollouts: readonly Rollout[];
  readonly inputs: RunRecord["inputs"];
  readonly generateSeconds: number;
}

/** The outcome of a finished run. */
export function knowledgeReport(input: KnowledgeReportInput): Outcome {
  const { variant, passages, rollouts, inputs, generateSeconds } = input;
  const evaluated = rollouts.filter(({ part }) => part === "evaluation");
  const lines = [...new Set(evaluated.map(({ arm, round }) => JSON.stringify([arm, round])))];
  const rows = lines.map((line) => {
    const [arm, round] = JSON.parse(line) as [string, number];
    const own = evaluated.filter((r) => r.arm === arm && r.round === round);
    return armRow(arm, round, passages, own);
  });
  const paper = paperRows.filter((row) => rows.some(({ arm }) => arm === row.arm));
  const comparisons = comparisonsOf(rows, evaluated);
  const sum = (part: "train" | "answer"): number =>
    rollouts.reduce((total, r) => total + r.seconds[part], 0);
  return {
    rows,
    comparisons,
    writing: writingRows(evaluated),
    seeds: variant.seeds,
    inputs: [...inputs],
    paper,
    seconds: { generate: generateSeconds, train: sum("train"), answer: sum("answer") },
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
function numbersOnly(rollout: Rollout, passages: readonly Passage[]): object {
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

function metric(rollout: Rollout): object {
  const { arm, round, part, passage, seed, index, status, tokens, firstLoss, lastLoss, reward } =
    rollout;
  return { arm, round, part, passage, seed, index, status, tokens, firstLoss, lastLoss, reward };
}

function accuracyFigure(
  variant: KnowledgeVariant,
  passages: readonly Passage[],
  rows: RunRecord["rows"],
  paper: RunRecord["paper"],
): Figure {
  return figureAccuracyByArm(
    rows.map((row) => ({ ...row, arm: named(row) })),
    {
      title: `Questions answered without the passage: ${variant.model.replace(/^pypi:|^hub:/, "")}`,
      note: `${passages.length} passages, seeds ${variant.seeds.join(", ")}. Points: accuracy on n questions. Lines: 95% intervals over passages.`,
      paper: paper.map(({ round = 0, ...row }) => ({
        ...row,
        round,
        arm: named({ ...row, round }),
      })),
    },
  );
}

function differencesFigure(passages: readonly Passage[], comparisons: Comparisons): Figure {
  return figureBars(
    comparisons.map(({ difference, mean: value, ci95OverPeople: [low, high] }) => ({
      label: difference,
      value: 100 * value,
      interval: [100 * low, 100 * high] as const,
    })),
    {
      title: "Self-edits against the passage alone, and against the model's own",
      note: `${passages.length} passages, paired by question. Lines: 95% intervals over passages.`,
      axisTitle: "Difference in accuracy (points)",
      format: (value) => `${value >= 0 ? "+" : "−"}${Math.abs(value).toFixed(1)}`,
      marks: "points",
    },
  );
}

const named = ({ arm, round }: Cell): string => (round > 0 ? `${arm}, round ${round}` : arm);

/** The paper's table 2, one passage, Qwen2.5-7B on SQuAD. */
const paperRows = [
  { arm: "untouched", accuracy: 0.327, source: "paper, table 2 (Qwen2.5-7B, SQuAD, one passage)" },
  {
    arm: "passage only",
    accuracy: 0.335,
    source: "paper, table 2 (Qwen2.5-7B, SQuAD, one passage)",
  },
  {
    arm: "untrained self-edits",
    accuracy: 0.397,
    source: "paper, table 2 (Qwen2.5-7B, SQuAD, one passage)",
  },
  {
    arm: SEAL_LINE,
    round: 2,
    accuracy: 0.47,
    source: "paper, table 2 (Qwen2.5-7B, SQuAD, one passage, two rounds)",
  },
];

function armRow(
  arm: string,
  round: number,
  passages: readonly Passage[],
  rollouts: readonly Rollout[],
): RunRecord["rows"][number] {
  const groups = passages.map((passage) =>
    rollouts
      .filter((rollout) => rollout.passage === passage.id && rollout.status === "ok")
      .flatMap((rollout) => rollout.answers)
      .filter(({ verdict }) => verdict !== "ungraded")
      .map(({ verdict }) => (verdict === "correct" ? 1 : 0)),
  );
  const values: number[] = groups.flat();
  const count = (status: Rollout["status"]): number =>
    rollouts.filter((r) => r.status === status).length;
  const n = values.length;
  const given = passages.flatMap((passage) =>
    rollouts
      .filter((rollout) => rollout.passage === passage.id && rollout.status === "ok")
      .flatMap(({ answers }) =>
        answers.map((own, q) => ({ ...own, golds: passage.questions[q].answers })),
      )
      .filter(({ verdict }) => verdict !== "ungraded"),
  );
  return {
    arm,
    round,
    n,
    accuracy: n > 0 ? values.reduce((total, value) => total + value, 0) / n : 0,
    ci95:
      n > 0
        ? clusterShareInterval(groups, {
            random: createRandom(`interval/${round > 0 ? `${arm}/${round}` : arm}`),
          })
        : [0, 1],
    ungraded: rollouts.flatMap((r) => r.answers).filter(({ verdict }) => verdict === "ungraded")
      .length,
    unparsable: count("unparsable"),
    diverged: count("diverged"),
    ...answerMeasures(given),
  };
}

const PLAIN_ARMS: readonly string[] = ["untouched", "passage in context"];

/** Every arm of self-edits against the passage alone, and against the model's own untrained ones. */
function comparisonsOf(rows: RunRecord["rows"], rollouts: readonly Rollout[]): Comparisons {
  const trained = rows.filter(({ arm }) => !PLAIN_ARMS.includes(arm));
  return ["passage only", "untrained self-edits"].flatMap((other, o, others) =>
    trained
      .filter(({ arm }) => !others.slice(0, o + 1).includes(arm))
      .flatMap((row) => comparison(rollouts, row, { arm: other, round: 0 })),
  );
}

type Comparisons = NonNullable<RunRecord["comparisons"]>;
type Cell = Pick<Rollout, "arm" | "round">;

/** Paired over the questions that both have answered; whole passages are drawn for the interval. */
function comparison(rollouts: readonly Rollout[], a: Cell, b: Cell): Comparisons {
  const [left, right] = [a, b].map((cell) => marksByQuestion(rollouts, cell));
  const asked = [...left.keys()].filter((question) => right.has(question));
  if (asked.length === 0) return [];
  const difference = `${named(a)} - ${named(b)}`;
  const of = (marks: Marks): number[] => asked.map((key) => mean(marks.get(key)?.marks ?? []));
  const passages = asked.map((key) => left.get(key)?.passage ?? "");
  const over = pairedDifference(of(left), of(right), createRandom(difference), passages);
  return [{ difference, mean: over.mean, n: over.n, ci95OverPeople: over.ci95 }];
}

type Marks = ReadonlyMap<string, { readonly passage: string; readonly marks: number[] }>;

function marksByQuestion(rollouts: readonly Rollout[], { arm, round }: Cell): Marks {
  const found = new Map<string, { passage: string; marks: number[] }>();
  for (const { passage, answers, ...own } of rollouts) {
    if (own.arm !== arm || own.round !== round || own.status !== "ok") continue;
    answers.forEach(({ verdict }, q) => {
      if (verdict === "ungraded") return;
      const key = `${passage}/${q}`;
      const { marks = [] } = found.get(key) ?? {};
      found.set(key, { passage, marks: [...marks, verdict === "correct" ? 1 : 0] });
    });
  }
  return found;
}

/** One passage's questions with the answers of every arm. */
function answerTable(passage: Passage, rollouts: readonly Rollout[]): Table {
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
export function describe(rollouts: readonly Rollout[]): string {
  const arms = groupBy(rollouts, named);
  return [...arms]
    .map(([arm, own]) => {
      const rewards = own.map(({ reward, status }) =>
        reward === undefined ? status : reward.toFixed(2),
      );
      return `${arm}: ${rewards.join(" ")}`;
    })
    .join("; ");
}
