/** The replay's README: the numbers of a summary as Markdown. Nothing is computed here that a table does not hold. */
import { percent, signed, table } from "./markdown";
import { accuracySection, differenceSection } from "./readme-accuracy";
import { judgeSection } from "./readme-judge";
import { noiseSection } from "./readme-noise";
import { predictorSection, writtenSection } from "./readme-selfedits";
import type { ReplaySummary } from "./summary";
import { isWhole } from "./tables";

/** The whole README. */
export function replayReadme(summary: ReplaySummary): string {
  return `${[
    "# SEAL's numbers, recomputed from its released logs",
    "These are **the authors' runs** (Qwen2.5-7B unless another model is named, graded by GPT-4.1), rescored here from the verdicts they released at " +
      "github.com/Continual-Intelligence/SEAL. No model was run. Written by `seal replay`; do not edit.",
    accuracySection(summary),
    differenceSection(summary),
    questionSection(summary),
    continualSection(summary),
    noiseSection(summary.noise),
    predictorSection(summary),
    writtenSection(summary),
    judgeSection(summary),
    "## Discrepancies within the released material",
    summary.discrepancies.map((line) => `- ${line}`).join("\n"),
    sourcesSection(summary),
  ]
    .filter(Boolean)
    .join("\n\n")}\n`;
}

/** How far articles and questions lie apart: the spread behind the intervals. */
function questionSection({ articles, right, judge }: ReplaySummary): string {
  const logs = judge.logs.length;
  const counts = right.flat();
  const share = (wanted: (count: number) => boolean): string =>
    `${counts.filter(wanted).length} (${percent(counts.filter(wanted).length / counts.length)}%)`;
  const log = articles.some(({ accuracy }) => "eval/iter2" in accuracy)
    ? "eval/iter2"
    : "eval/base";
  const values = articles.map(({ accuracy }) => accuracy[log]).sort((a, b) => a - b);
  return [
    "## By article and by question",
    `Of ${counts.length} questions, ${share((n) => n === 0)} are answered rightly after training in none of the ${logs} logs and ${share((n) => n === logs)} in all. ` +
      `In ${log} the ${values.length} articles have from ${percent(values[0])}% to ${percent(values[values.length - 1])}% of their questions right ` +
      `(quarters at ${[0.25, 0.5, 0.75].map((q) => percent(values[Math.floor(q * (values.length - 1))])).join(", ")}). ` +
      "Every article and question, by number: `articles.json`; every verdict: `verdicts.json`.",
  ].join("\n\n");
}

function continualSection({ continual }: ReplaySummary): string {
  if (!continual) return "";
  const { accuracy, forgotten, learned, keptOverUntouched, sequences, runsDiffer, errorsDiffer } =
    continual;
  const cell = (value: number | null): string => (value === null ? "" : percent(value));
  return [
    `## Continual self-edits (${sequences} sequences)`,
    "Accuracy on each passage after each update.",
    table(
      ["", ...accuracy[0].map((_, d) => `passage ${d + 1}`)],
      [
        ...accuracy.map((row, u) => [
          u === 0 ? "untouched" : `after update ${u}`,
          ...row.map(cell),
        ]),
        ["learned at its update", ...learned.map(signed)],
        ["forgotten since", ...forgotten.map((value) => signed(-value))],
        ["left over untouched", ...keptOverUntouched.map(signed)],
      ],
    ),
    runsDiffer === undefined
      ? ""
      : `Largest difference between the released mean and that of the single runs: ${runsDiffer.toExponential(1)}.`,
    errorsDiffer === undefined
      ? ""
      : `Largest difference of the standard errors (\`continual.json\`) to the paper's table 5, which has four digits: ${errorsDiffer.toExponential(1)}.`,
  ]
    .filter(Boolean)
    .join("\n\n");
}

function sourcesSection({ inputs, missing }: ReplaySummary): string {
  return [
    "## Files",
    "`accuracy.json` (arms, differences, before adaptation, inputs with sha256, discrepancies), `articles.json` (accuracy by article and log; how many logs have each question right), `continual.json`, `noise.json`, `judge.json`, " +
      "`predictors.json` (rubric and length against the reward), `written.json` (length and variety of the texts), " +
      "`rewards.json` (released mean reward by passage and candidate), `verdicts.json` (GPT-4.1's verdicts by passage and question number, 1 or 0; no text), `figures/`.",
    `${inputs.length} released files were read.${missing.length > 0 ? ` Not there, and so missing above: ${missing.join(", ")}.` : ""}`,
    missing.includes("squad_val.json") && inputs.some(({ name }) => isWhole(name))
      ? "Without squad_val.json nobody knows which questions the logs of cpt-2067 answer; they are left out."
      : "",
  ]
    .filter(Boolean)
    .join("\n\n");
}
