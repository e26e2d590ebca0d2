/** The part of the replay's README about the judges; the rest is in readme.ts. */
import type { Agreement } from "../judge/agreement";
import type { DividedKind } from "./divided";
import type { JudgeSummary } from "./judge-summary";
import { JUDGES, type JudgedLog, type JudgeName } from "./judging";
import type { JudgedTrick, LabelledAgreement } from "./labelled";
import { percent, signed, table } from "./markdown";
import type { ReplaySummary } from "./summary";
import { mean } from "../statistics/statistics";

/** How the local judge does on the logs, outside them, and on tricks; and what the logs' answers are without a judge. */
export function judgeSection({ judge }: ReplaySummary): string {
  const unfitted = judge.logs.filter(({ fitted }) => !fitted);
  return [
    "## The local judge",
    "`seal judge` and the experiments judge an answer by 62 numbers that compare its words with the gold answer's. How much they weigh was fitted to GPT-4.1's verdicts on answers about SEAL's training passages and half of the articles here; " +
      "of a question it knows the gold answer and nothing else.",
    figuresLine(judge, unfitted),
    "### Answers to questions outside the logs",
    "Two small models' answers about the project's invented articles, and some written for this set; labelled by reading before the judge was asked, never used to change it (`experiments/replay/README.md`). Intervals: 95%, from resampling articles.",
    labelledTable(judge.labelled),
    "### The logs: against GPT-4.1",
    unfitted.length === 0 ? "" : meansTable(unfitted),
    "Log by log, agreement / kappa / bias in points on the adapters' answers: all of them, and those about articles that the judge was not fitted on. A blank answer is wrong to both, as in SEAL's code, which does not ask the grader about it:",
    logTable(judge.logs),
    "\\* half of this log's articles were fitted on.",
    "### What divides them",
    ...dividedLines(judge),
    "### Tricks",
    tricksLine(judge.tricks),
    tricksTable(judge.tricks),
    "### Without a judge",
    "Exact match and F1 as in SQuAD's evaluation (against the one gold answer that the logs have), the words of an answer, and the share of answers longer than twenty words: a model that recites its passage whatever is asked may contain the gold answer, and is seen here for what it is.",
    measuresTable(judge.logs),
    "### Differences between arms",
    differencesLine(judge),
  ]
    .filter(Boolean)
    .join("\n\n");
}

const named = (labelled: readonly LabelledAgreement[], name: string): LabelledAgreement[] =>
  labelled.filter((row) => row.name === name);

/** The two figures, side by side. */
function figuresLine({ labelled }: JudgeSummary, unfitted: readonly JudgedLog[]): string {
  const outside = named(labelled, "clear to the reader").map(
    (row) =>
      `**${percent(row.agreement)}%** (${ends(row.agreement95)}; kappa ${kappaOf(row)}) on ${row.n} clear-cut answers to questions outside the logs`,
  );
  const own = unfitted.map((log) => log.unseenArticles.local);
  const inside =
    own.length === 0
      ? []
      : [
          `**${percent(mean(own.map(({ agreement }) => agreement)))}%** (kappa ${mean(own.map(({ kappa }) => kappa)).toFixed(2)}) with GPT-4.1 on the released logs, mean over the ${own.length} that it was not fitted on, on articles that it was not fitted on`,
        ];
  return `Two figures, for two kinds of answers. It agrees in ${[...outside, ...inside].join(", and in ")}. The first says how it does where right and wrong are plain, the second what is left where answers are half right or in other words.`;
}

const ends = ([low, high]: readonly [number, number]): string =>
  `${percent(low)} to ${percent(high)}`;

/** Kappa, or nothing where one verdict alone was given. */
const kappaOf = ({ kappa }: Agreement): string => (Number.isFinite(kappa) ? kappa.toFixed(2) : "");

function labelledTable(rows: readonly LabelledAgreement[]): string {
  return table(
    ["answers", "n", "agreement", "95%", "kappa", "95%", "bias"],
    rows.map((row) => [
      row.name,
      String(row.n),
      percent(row.agreement),
      ends(row.agreement95),
      kappaOf(row),
      row.kappa95?.map((end) => end.toFixed(2)).join(" to ") ?? "",
      signed(row.bias),
    ]),
  );
}

/** Means and ranges over the logs that the judge was not fitted on. */
function meansTable(logs: readonly JudgedLog[]): string {
  const range = (values: readonly number[], digits: number): string =>
    `${mean(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)})`;
  const row = (name: JudgeName): string[] => {
    const own = logs.map((log) => log.unseenArticles[name]);
    return [
      name,
      range(
        own.map(({ agreement }) => agreement),
        3,
      ),
      range(
        own.map(({ kappa }) => kappa),
        2,
      ),
      signed(mean(own.map(({ bias }) => bias))),
      percent(Math.max(...own.map(({ bias }) => Math.abs(bias)))),
    ];
  };
  return [
    `On the ${logs.length} logs that it was not fitted on, on articles that it was not fitted on: mean and range over logs, beside simple rules.`,
    table(["judge", "agreement", "kappa", "mean bias", "largest bias"], JUDGES.map(row)),
  ].join("\n\n");
}

const SHOWN: readonly JudgeName[] = ["contains gold", "three quarters of gold"];

function logTable(logs: readonly JudgedLog[]): string {
  const cell = ({ agreement, kappa, bias }: Agreement): string =>
    `${agreement.toFixed(3)} / ${kappa.toFixed(2)} / ${signed(bias)}`;
  return table(
    ["log", "blank", "local, all", "local", ...SHOWN, "calibration error"],
    logs.map((log) => [
      `${log.log}${log.fitted ? " *" : ""}`,
      String(log.blank),
      cell(log.all.local),
      ...(["local", ...SHOWN] as const).map((name) => cell(log.unseenArticles[name])),
      log.calibration.error.toFixed(3),
    ]),
  );
}

function dividedLines({ kinds, repeats, disputes }: JudgeSummary): string[] {
  const differ = ({ onlyGpt, onlyLocal }: DividedKind): number => onlyGpt + onlyLocal;
  const sum = (of: (kind: DividedKind) => number): number =>
    kinds.parts.reduce((total, kind) => total + of(kind), 0);
  const all = sum(differ);
  const rows = (own: readonly DividedKind[]): string[][] =>
    own.map((kind) => [
      kind.kind,
      String(kind.n),
      kind.n > 0 ? percent(differ(kind) / kind.n) : "",
      String(kind.onlyGpt),
      String(kind.onlyLocal),
      all > 0 ? percent(differ(kind) / all) : "",
    ]);
  const header = [
    "answers with",
    "n",
    "they differ (%)",
    "right to GPT-4.1 alone",
    "right to the judge alone",
    "of all differences (%)",
  ];
  return [
    `Of the ${sum(({ n }) => n)} answers that are not blank, about articles that the judge was not fitted on, in all logs, ${all} (${percent(all / sum(({ n }) => n))}%) divide them. By how much of the gold answer stands in the answer:`,
    table(header, rows(kinds.parts)),
    "Kinds that overlap with these:",
    table(header, rows(kinds.marks)),
    disputes
      ? `Who is right? ${disputes.n} of these answers, drawn by chance, were read without knowing who had said what, and labelled as the grading prompt asks (the whole gold answer, nothing against it): the reader sides with GPT-4.1 in ${percent(disputes.withGpt)}% (${ends(disputes.withGpt95)}), with the judge in the others. ` +
        (disputes.withGpt95[0] > 0.5
          ? "So it is mostly the judge that errs where they differ, not the grader that is lenient."
          : disputes.withGpt95[1] < 0.5
            ? "So it is mostly the grader that errs where they differ."
            : "So neither is right more often where they differ.")
      : "",
    repeats
      ? `The grader against itself: of ${repeats.answers} answers that stand word for word in several places, with a verdict each time, ${repeats.divided} have both verdicts; two verdicts on one answer are equal in ${percent(repeats.agreement)}%.`
      : "",
  ];
}

function tricksLine(tricks: readonly JudgedTrick[]): string {
  const right = tricks.filter(({ right: wanted, local }) => wanted === local).length;
  return `${tricks.length} answers that were written to trick it, before it was asked: it is right about **${right}** of them. It compares words and does not read sentences. For single answers that matter, ask a model (\`--judge openai\`) or read them.`;
}

function tricksTable(tricks: readonly JudgedTrick[]): string {
  const word = (correct: boolean): string => (correct ? "right" : "wrong");
  return table(
    ["trick", "question", "gold", "answer", "is", "the judge says", ""],
    tricks.map(({ trick, question, gold, answer, right, local, probability }) => [
      ...[trick, question, gold, answer, word(right)],
      `${word(local)} (${probability.toFixed(2)})`,
      right === local ? "" : "**errs**",
    ]),
  );
}

function measuresTable(logs: readonly JudgedLog[]): string {
  return table(
    ["log", "GPT-4.1", "local judge", "exact match", "F1", "words", "longer than twenty"],
    logs.map(({ log, accuracy, measures }) => [
      log,
      percent(accuracy["GPT-4.1"]),
      percent(accuracy.local),
      percent(measures.exactMatch),
      percent(measures.f1),
      measures.answerWords.toFixed(1),
      percent(measures.longAnswers),
    ]),
  );
}

/** Pairs of arms whose difference is GPT-4.1's within 2 points, by judge, and what chance would leave. */
function differencesLine({ differences, expectedWithin }: JudgeSummary): string {
  const within = (name: JudgeName): string => {
    const away = differences.map((row) => Math.abs(row.judges[name] - row.gpt));
    return `${name} ${away.filter((gap) => gap <= 0.02).length} of ${differences.length} within 2 points, largest ${percent(Math.max(0, ...away))}`;
  };
  return (
    `Differences between pairs of arms, against GPT-4.1's: ${JUDGES.map(within).join("; ")}. ` +
    `A judge of the local one's agreement without any bias, whose verdicts differ at random, would have about ${expectedWithin.toFixed(0)} of ${differences.length} there: ` +
    "most of what is left over 2 points is the chance of 974 questions, not a bias toward an arm."
  );
}
