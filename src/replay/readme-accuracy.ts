/** The part of the replay's README about accuracies: its tables, prompts by rounds by author, and paired differences. */
import type { DifferenceGroup } from "./comparisons";
import { interval, percent, signed, table } from "./markdown";
import paper from "./paper.json";
import { aheadUntrained, promptMatrix, WRITERS } from "./prompts";
import type { AccuracyRecord } from "./records";
import type { ReplaySummary } from "./summary";
import type { TableName } from "./tables";

/** Heading and remark of each table. */
const SECTIONS: readonly (readonly [TableName, title: string, note: string])[] = [
  [
    "single passage",
    "One passage at a time (200 passages, 974 questions)",
    "Intervals: bootstrap over the 200 passages, and over the articles they come from (47 titles; passages of one article may be " +
      "alike). Both count the sampling of passages only: one training run of each arm was released.",
  ],
  ["prompts", "Other self-edit prompts", paper.read],
  ["GPT-4.1", "Other self-edit prompts, written by GPT-4.1", ""],
  ["3B", "Qwen2.5-3B", ""],
  [
    "other methods",
    "Other methods, one passage at a time",
    "Generative Adapter (Mistral-7B-Instruct) makes an adapter from the passage in one pass; its untouched model is another than Qwen2.5-7B. " +
      "Answers by chain of thought count only what follows a final-answer mark within 64 tokens.",
  ],
  [
    "continued pretraining",
    "Continued pretraining on 200 passages, with adapters (LoRA)",
    "Averaged over questions, as CPT.py does.",
  ],
  [
    "full fine-tuning, 200 passages",
    "Continued pretraining on 200 passages, full fine-tuning",
    "500 questions. The logs do not say which; they are found again as CPT_fullFT.py and CPT_GA.py chose them (Python's shuffle with its seed), " +
      "and the answers fit. Paper: version 2.",
  ],
  [
    "full fine-tuning, 2067 passages",
    "Continued pretraining on 2067 passages, full fine-tuning",
    "500 of their 10,570 questions, found in the same way.",
  ],
];

const HEADER = [
  "arm",
  "from the log",
  "95%, passages",
  "95%, articles",
  "over questions",
  "released",
  "paper",
  "difference",
];

/** All tables of accuracies that have rows, and the matrix of prompts. */
export function accuracySection(summary: ReplaySummary): string {
  return SECTIONS.map(([name, title, note]) => {
    const rows = summary.arms.filter((arm) => arm.table === name).map(cellsOf);
    if (rows.length === 0) return "";
    return [`## ${title}`, name === "prompts" ? matrix(summary) : "", table(HEADER, rows), note]
      .filter(Boolean)
      .join("\n\n");
  })
    .filter(Boolean)
    .join("\n\n");
}

function cellsOf(row: AccuracyRecord): string[] {
  const { accuracy, released, matchesReleased, paper: printed } = row;
  return [
    row.arm,
    percent(accuracy.value),
    interval(accuracy),
    interval(row.byArticle),
    percent(row.overQuestions),
    `${released}${matchesReleased ? "" : " (differs)"}`,
    printed === undefined ? "" : percent(printed),
    printed === undefined ? "" : signed(Number(accuracy.value.toFixed(3)) - printed),
  ];
}

/** Prompts by rounds by author, and what the numbers show of the untrained ones. */
function matrix({ arms, differences }: ReplaySummary): string {
  const rows = promptMatrix(arms);
  const ours = arms.find(({ table: name, arm }) => name === "single passage" && arm === "round 2");
  const ahead = aheadUntrained(differences);
  const valueOf = (name: string): string =>
    percent(arms.find(({ arm }) => arm === name)?.accuracy.value ?? NaN);
  return [
    "Who wrote the self-edits, by prompt (SEAL's own first):",
    table(
      ["prompt", ...WRITERS],
      rows.map(({ prompt, cells }) => [
        prompt,
        ...cells.map((cell) => (cell ? percent(cell.accuracy.value) : "")),
      ]),
    ),
    ours && ahead.length > 0
      ? `**Untrained self-edits by other prompts have more than SEAL's own prompt after two rounds of training** (${percent(ours.accuracy.value)}): ` +
        `${ahead
          .map(
            ({ arm, difference, clear }) =>
              `${arm.split(",")[0]} ${valueOf(arm)}, ${signed(difference.value)} (95% ${interval(difference, signed)}${clear ? "" : ", may be chance"})`,
          )
          .join("; ")}.`
      : "",
  ]
    .filter(Boolean)
    .join("\n\n");
}

const GROUPS: readonly (readonly [DifferenceGroup, title: string, note: string])[] = [
  ["single passage", "Paired differences (points)", ""],
  ["prompts", "Paired differences: prompts and authors", '"round 2" alone is SEAL\'s own prompt.'],
  ["models", "Paired differences: models and methods", ""],
  [
    "continued pretraining",
    "Paired differences: continued pretraining",
    "Paired by question (of full fine-tuning and adapters: the questions that both were asked).",
  ],
];

/** The tables of paired differences that have rows. */
export function differenceSection({ differences }: ReplaySummary): string {
  return GROUPS.map(([group, title, note]) => {
    const rows = differences
      .filter((row) => row.group === group)
      .map((row) => [
        `${row.arm} − ${row.minus}`,
        String(row.pairs),
        signed(row.difference.value),
        interval(row.difference, signed),
        interval(row.byArticle, signed),
        row.clear ? "yes" : "no",
      ]);
    if (rows.length === 0) return "";
    const header = ["difference", "pairs", "value", "95%, passages", "95%, articles"];
    return [`## ${title}`, table([...header, "both leave out zero"], rows), note]
      .filter(Boolean)
      .join("\n\n");
  })
    .filter(Boolean)
    .join("\n\n");
}
