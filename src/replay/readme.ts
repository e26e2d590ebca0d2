/** The replay's README: the numbers of a summary as Markdown. Nothing is computed here that a table does not hold. */
import { interval, percent, signed, table } from "./markdown";
import { bestPlan, SEAL_RUNS } from "./noise";
import paper from "./paper.json";
import { judgeSection } from "./readme-judge";
import type { NoiseRecord, ReplaySummary } from "./summary";
import type { AccuracyRecord } from "./tables";

/** The whole README. */
export function replayReadme(summary: ReplaySummary): string {
  return `${[
    "# SEAL's numbers, recomputed from its released logs",
    "These are **the authors' runs** (Qwen2.5-7B, graded by GPT-4.1), rescored here from the verdicts they released at " +
      "github.com/Continual-Intelligence/SEAL. No model was run. Written by `seal replay`; do not edit.",
    accuracySection(summary),
    differenceSection(summary),
    questionSection(summary),
    continualSection(summary),
    noiseSection(summary.noise),
    judgeSection(summary),
    "## Discrepancies within the released material",
    summary.discrepancies.map((line) => `- ${line}`).join("\n"),
    sourcesSection(summary),
  ]
    .filter(Boolean)
    .join("\n\n")}\n`;
}

function accuracySection({ arms }: ReplaySummary): string {
  const rows = (name: AccuracyRecord["table"]): string[][] =>
    arms
      .filter((arm) => arm.table === name)
      .map(
        ({
          arm,
          accuracy,
          byArticle,
          overQuestions,
          released,
          matchesReleased,
          paper: printed,
        }) => [
          arm,
          percent(accuracy.value),
          interval(accuracy),
          interval(byArticle),
          percent(overQuestions),
          `${released}${matchesReleased ? "" : " (differs)"}`,
          printed === undefined ? "" : percent(printed),
          printed === undefined ? "" : signed(Number(accuracy.value.toFixed(3)) - printed),
        ],
      );
  const header = [
    "arm",
    "from the log",
    "95%, passages",
    "95%, articles",
    "over questions",
    "released",
    "paper",
    "difference",
  ];
  const section = (title: string, name: AccuracyRecord["table"], note = ""): string =>
    rows(name).length === 0
      ? ""
      : [`## ${title}`, table(header, rows(name)), note].filter(Boolean).join("\n\n");
  return [
    section(
      "One passage at a time (200 passages, 974 questions)",
      "single passage",
      "Intervals: bootstrap over the 200 passages, and over the articles they come from (47 titles; passages of one article may be " +
        "alike). Both count the sampling of passages only: one training run of each arm was released.",
    ),
    section("Other self-edit prompts", "prompts", paper.read),
    section(
      "Continued pretraining on 200 passages",
      "continued pretraining",
      "Averaged over questions, as CPT.py does.",
    ),
  ]
    .filter(Boolean)
    .join("\n\n");
}

function differenceSection({ differences }: ReplaySummary): string {
  const rows = differences.map((row) => [
    `${row.arm} − ${row.minus}`,
    signed(row.difference.value),
    interval(row.difference, signed),
    interval(row.byArticle, signed),
    row.clear ? "yes" : "no",
  ]);
  return [
    "## Paired differences (points)",
    table(["difference", "value", "95%, passages", "95%, articles", "both leave out zero"], rows),
  ].join("\n\n");
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

function noiseSection(noise: readonly NoiseRecord[]): string {
  if (noise.length === 0) return "";
  const last = noise[noise.length - 1];
  const best = bestPlan(last);
  const useless = last.plans
    .filter(
      ({ runs, versusBest }) => runs >= SEAL_RUNS - 1 && runs <= SEAL_RUNS && versusBest.value < 0,
    )
    .map(({ plan }) => plan);
  return [
    "## The noise of the reward, and better selection",
    table(
      [
        "round",
        "passages",
        "true spread of candidates",
        "noise of one repeat",
        ...noise[0].heldOut.map(({ plan }) => plan),
      ],
      noise.map((record) => [
        record.name,
        String(record.passages),
        percent(record.deviationBetween),
        percent(record.deviationWithin),
        ...record.heldOut.map(({ gain }) => `${signed(gain.value)} (${interval(gain, signed)})`),
      ]),
    ),
    "Standard deviations and gains in points of accuracy; gains are over the mean candidate of the same passage. Candidates that tie count as drawn at random among them.",
    `What other ways to spend inner-loop runs would gain, by a normal model with the spread and noise of ${last.name} (simulation error about 0.05 points; the intervals count the sampling of passages):`,
    table(
      ["plan", "runs a passage", "expected gain", "against best of 5 by 3", "picks the truly best"],
      last.plans.map(({ plan, runs, gain, versusBest, picksBest }) => [
        plan,
        String(runs),
        `${signed(gain.value)} (${interval(gain, signed)})`,
        `${signed(versusBest.value)} (${interval(versusBest, signed)})`,
        percent(picksBest),
      ]),
    ),
    `**Best at no more than SEAL's ${SEAL_RUNS} runs: ${best.plan}**, expected gain ${signed(best.gain.value)} points ` +
      `(95% ${interval(best.gain, signed)}), ${signed(best.versusBest.value)} (${interval(best.versusBest, signed)}) more than best of 5 by 3. ` +
      'As a selection rule (src/restem/select.ts): `{kind: "shrunk", count, variances}`, after each stage with the count of those to run again, ' +
      `at the end with 1; \`variances\` here: between ${(last.deviationBetween ** 2).toFixed(4)}, within ${(last.deviationWithin ** 2).toFixed(4)}. ` +
      "The gain is that of a fitted normal model. What was measured without one stands in the first table; for " +
      `${last.name}: ${last.heldOut
        .slice(1)
        .map(({ plan, runs, gain }) => `${plan} ${signed(gain.value)} with ${runs} runs`)
        .join("; ")}.`,
    "Where it does not help: shrinkage toward the passage's mean changes nothing when every candidate has equally many repeats " +
      "(the order within a passage stays the same); it matters only after halving, or to leave out passages whose candidates do not differ. " +
      (useless.length > 0
        ? `Worse than best of 5 by 3 at equal cost: ${useless.join(", ")}. `
        : "") +
      "Plans with more than 5 candidates need more self-edits to be sampled, which the released logs cannot check; the model takes them to be alike.",
  ].join("\n\n");
}

function sourcesSection({ inputs, missing }: ReplaySummary): string {
  return [
    "## Files",
    "`accuracy.json` (arms, differences, before adaptation, inputs with sha256, discrepancies), `articles.json` (accuracy by article and log; how many logs have each question right), `continual.json`, `noise.json`, `judge.json`, " +
      "`rewards.json` (released mean reward by passage and candidate), `verdicts.json` (GPT-4.1's verdicts by passage and question number, 1 or 0; no text), `figures/`.",
    `${inputs.length} released files were read.${missing.length > 0 ? ` Not there: ${missing.join(", ")}.` : ""}`,
  ].join("\n\n");
}
