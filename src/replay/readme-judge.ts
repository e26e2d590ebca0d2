/** The part of the replay's README about the judges; the rest is in readme.ts. */
import type { Agreement } from "../judge/agreement";
import { JUDGES, type JudgedLog, type JudgeName } from "./judging";
import { percent, signed, table } from "./markdown";
import type { ReplaySummary } from "./summary";

const AIM = { agreement: 0.92, kappa: 0.82, bias: 0.02 };

/** The judges that the local one is compared with. */
const RULES = JUDGES.filter((name) => !name.startsWith("local"));

/** On which answers of a log. */
type Part = "all" | "unseenArticles";

/** How the judges compare with GPT-4.1, log by log and arm by arm. */
export function judgeSection({ judge }: ReplaySummary): string {
  const unfitted = judge.logs.filter(({ fitted }) => !fitted);
  return [
    "## The local judge against GPT-4.1",
    "Each log is judged with what the logs of other families say about its questions (a family: the logs of one self-edit prompt, those of continued pretraining, else one log), and nothing from its own: " +
      "the judge compares the answer with the gold answer, and weighs the words that GPT-4.1 took or refused in other answers to the same question. " +
      "How much each counts was chosen on the training passages. The judge as installed knows the questions of all released logs, so its verdicts on answers in these very logs are no test of it. " +
      "Agreement / kappa / bias in points, on the adapters' answers to all questions:",
    logTable(judge.logs, "all", ["local", ...RULES]),
    "\\* the comparison with the gold answer was fitted on answers to half of the articles, from this log among others. A blank answer is wrong, as in SEAL's code, which does not ask the grader about it.",
    unfitted.length === 0 ? "" : reachedTable(unfitted, "local", "all"),
    "### Questions that no log has",
    "For any other question, a user's own for instance, only the comparison is left. On articles that it was not fitted on; its settings were chosen by cross-validation on the fitted half (this report was looked at for two judges, " +
      "fitted without and with the training logs of other prompts; cross-validation chose the second):",
    logTable(judge.logs, "unseenArticles", ["local, new question", ...RULES]),
    unfitted.length === 0 ? "" : reachedTable(unfitted, "local, new question", "unseenArticles"),
    "Features of words cannot tell a right paraphrase without a shared word from a wrong answer (results/LOG.md says what was tried).",
    "### Differences between arms",
    differencesLine(judge),
  ]
    .filter(Boolean)
    .join("\n\n");
}

function logTable(logs: readonly JudgedLog[], part: Part, names: readonly JudgeName[]): string {
  const cell = (log: JudgedLog, name: JudgeName): string => {
    const { agreement, kappa, bias } = log[part][name];
    return `${agreement.toFixed(3)} / ${kappa.toFixed(2)} / ${signed(bias)}`;
  };
  const calibrated = part === "all";
  return table(
    ["log", "blank", ...names, ...(calibrated ? ["calibration error"] : [])],
    logs.map((log) => [
      `${log.log}${log.fitted ? " *" : ""}`,
      String(log.blank),
      ...names.map((name) => cell(log, name)),
      ...(calibrated ? [log.calibration.error.toFixed(3)] : []),
    ]),
  );
}

/** Pairs of arms whose difference is GPT-4.1's within 2 points, by judge, and what chance would leave. */
function differencesLine({ differences, expectedWithin }: ReplaySummary["judge"]): string {
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

/** What was reached on the logs that the comparison was not fitted on, beside the aim and the other rules. */
function reachedTable(logs: readonly JudgedLog[], judge: JudgeName, part: Part): string {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const row = (name: JudgeName): string[] => {
    const own = logs.map((log) => log[part][name]);
    const agreements = own.map(({ agreement }) => agreement);
    const kappas = own.map(({ kappa }) => kappa);
    return [
      name,
      `${mean(agreements).toFixed(3)} (${Math.min(...agreements).toFixed(3)} to ${Math.max(...agreements).toFixed(3)})`,
      String(agreements.filter((value) => value >= AIM.agreement).length),
      `${mean(kappas).toFixed(3)} (${Math.min(...kappas).toFixed(3)} to ${Math.max(...kappas).toFixed(3)})`,
      String(kappas.filter((value) => value >= AIM.kappa).length),
      signed(mean(own.map(({ bias }) => bias))),
      percent(Math.max(...own.map(({ bias }) => Math.abs(bias)))),
    ];
  };
  const own = logs.map((log) => log[part][judge]);
  const count = (meets: (one: Agreement) => boolean): number => own.filter(meets).length;
  const reached = {
    agreement: count(({ agreement }) => agreement >= AIM.agreement),
    kappa: count(({ kappa }) => kappa >= AIM.kappa),
    bias: count(({ bias }) => Math.abs(bias) <= AIM.bias),
  };
  const meets =
    mean(own.map(({ agreement }) => agreement)) >= AIM.agreement &&
    mean(own.map(({ kappa }) => kappa)) >= AIM.kappa;
  return [
    `On the ${logs.length} logs that it was not fitted on, the mean over logs, and the range. ` +
      `The aim was an agreement of ${AIM.agreement}, a kappa of ${AIM.kappa} and a bias of at most ${100 * AIM.bias} points: reached in ` +
      `${reached.agreement}, ${reached.kappa} and ${reached.bias} of them; ${meets ? "the means over logs reach it" : "**the means over logs fall short of it**"}.`,
    table(
      [
        "judge",
        "agreement",
        `logs ≥ ${AIM.agreement}`,
        "kappa",
        `logs ≥ ${AIM.kappa}`,
        "mean bias",
        "largest bias",
      ],
      [judge, ...RULES].map(row),
    ),
  ].join("\n\n");
}
