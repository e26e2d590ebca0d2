/** A record's numbers as text: the rows beside the paper's, and what was written. */
import { paperValue } from "../plot/figure";
import type { RecordRow, RunRecord } from "../run/record";
import { textTable } from "./output";

/** What needs no judge, where a run has it. */
const MEASURES: readonly [title: string, cell: (row: RecordRow) => string | undefined][] = [
  ["exact match", ({ exactMatch }) => percentOf(exactMatch)],
  ["F1", ({ f1 }) => percentOf(f1)],
  ["words", ({ answerWords }) => answerWords?.toFixed(1)],
  ["over 20 words", ({ longAnswers }) => percentOf(longAnswers)],
];

function percentOf(share: number | undefined): string | undefined {
  return share === undefined ? undefined : `${(100 * share).toFixed(1)}%`;
}

/** The rows, with the paper's value beside the arm and round that it is of. */
export function recordTable({ rows, paper }: RunRecord): string {
  const percent = (value: number): string => `${(100 * value).toFixed(1)}%`;
  const size = /\b\d+B\b/.exec(paper.at(0)?.source ?? "")?.[0];
  const beside = `paper${size === undefined ? "" : ` (${size})`}`;
  const measures = MEASURES.filter(([, cell]) => rows.some((row) => cell(row) !== undefined));
  return textTable(
    [
      ...["arm", "round", "n", "accuracy", "95% interval"],
      ...measures.map(([title]) => title),
      ...["unparsable", "diverged", beside],
    ],
    rows.map((row) => {
      const theirs = paperValue(paper, row.arm, row.round);
      return [
        row.arm,
        String(row.round),
        String(row.n),
        percent(row.accuracy),
        row.ci95.map(percent).join(" - "),
        ...measures.map(([, cell]) => cell(row) ?? ""),
        String(row.unparsable),
        String(row.diverged),
        theirs ? percent(theirs.accuracy) : "",
      ];
    }),
  );
}

/** What was written for the evaluated tasks, by arm and round. */
export function writingTable(rows: NonNullable<RunRecord["writing"]>): string {
  const share = (value: number | null): string => value?.toFixed(2) ?? "";
  return textTable(
    ["self-edits", "round", "n", "characters", "distinct 3-grams", "deflated to"],
    rows.map(({ arm, round, n, meanLength, distinctTrigrams, compression }) => [
      arm,
      ...[round, n].map(String),
      meanLength?.toFixed(0) ?? "",
      ...[distinctTrigrams, compression].map(share),
    ]),
  );
}
