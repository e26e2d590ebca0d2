/** The part of the replay's README about the judges; the rest is in readme.ts. */
import type { Agreement } from "../judge/agreement";
import { JUDGES, type JudgedLog, type JudgeName } from "./judging";
import { percent, signed, table } from "./markdown";
import type { ReplaySummary } from "./summary";

const AIM = { agreement: 0.92, kappa: 0.82, bias: 0.02 };

/** How the judges compare with GPT-4.1, log by log and arm by arm. */
export function judgeSection({ judge }: ReplaySummary): string {
  const short: Readonly<Record<JudgeName, string>> = {
    local: "local judge",
    "contains gold": "contains gold",
    "three quarters of gold": "3/4 of gold",
    "exact match": "exact match",
    "F1 of at least a half": "F1 ≥ 0.5",
  };
  const cell = (log: JudgedLog, name: JudgeName): string => {
    const { agreement, kappa, bias } = log.unseenArticles[name];
    return `${agreement.toFixed(3)} / ${kappa.toFixed(2)} / ${signed(bias)}`;
  };
  const unfitted = judge.logs.filter(({ fitted }) => !fitted);
  const away = (name: JudgeName): number[] =>
    judge.differences.map((row) => Math.abs(row.judges[name] - row.gpt));
  const within = (name: JudgeName): string =>
    `${away(name).filter((gap) => gap <= 0.02).length} of ${judge.differences.length} within 2 points, largest ${percent(Math.max(0, ...away(name)))}`;
  return [
    "## The local judge against GPT-4.1",
    "Agreement / kappa / bias in points, on the adapters' answers to questions of articles that the judge was not fitted on. " +
      "The settings were chosen by cross-validation on the fitted half; this report was looked at for two judges (fitted without and with the " +
      "training logs of other prompts); cross-validation, not the report, chose the second.",
    table(
      [
        "log",
        "blank",
        ...JUDGES.map((name) => short[name]),
        "calibration error",
        "local, all articles",
      ],
      judge.logs.map((log) => [
        `${log.log}${log.fitted ? " *" : ""}`,
        String(log.blank),
        ...JUDGES.map((name) => cell(log, name)),
        log.calibration.error.toFixed(3),
        `${log.all.local.agreement.toFixed(3)} / ${log.all.local.kappa.toFixed(2)} / ${signed(log.all.local.bias)}`,
      ]),
    ),
    "\\* the judge was fitted on this log's other articles. A blank answer is wrong, as in SEAL's code, which does not ask the grader about it.",
    unfitted.length === 0 ? "" : reachedTable(unfitted),
    `Differences between pairs of arms, against GPT-4.1's: ${JUDGES.map((name) => `${short[name]} ${within(name)}`).join("; ")}. ` +
      `A judge of the local one's agreement without any bias, whose verdicts differ at random, would have about ${judge.expectedWithin.toFixed(0)} of ${judge.differences.length} there: ` +
      "what is left over 2 points is mostly the chance of 974 questions, not a bias toward an arm.",
  ]
    .filter(Boolean)
    .join("\n\n");
}

/** What was reached on the logs that the judge was not fitted on, beside the aim and the other rules. */
function reachedTable(unfitted: readonly JudgedLog[]): string {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const row = (name: JudgeName): string[] => {
    const own = unfitted.map(({ unseenArticles }) => unseenArticles[name]);
    const agreements = own.map(({ agreement }) => agreement);
    const kappas = own.map(({ kappa }) => kappa);
    return [
      name,
      `${mean(agreements).toFixed(3)} (${Math.min(...agreements).toFixed(3)} to ${Math.max(...agreements).toFixed(3)})`,
      String(agreements.filter((value) => value >= AIM.agreement).length),
      `${mean(kappas).toFixed(3)} (${Math.min(...kappas).toFixed(3)} to ${Math.max(...kappas).toFixed(3)})`,
      String(kappas.filter((value) => value >= AIM.kappa).length),
      percent(Math.max(...own.map(({ bias }) => Math.abs(bias)))),
    ];
  };
  const local = unfitted.map(({ unseenArticles }) => unseenArticles.local);
  const count = (meets: (own: Agreement) => boolean): number => local.filter(meets).length;
  const reached = {
    agreement: count(({ agreement }) => agreement >= AIM.agreement),
    kappa: count(({ kappa }) => kappa >= AIM.kappa),
    bias: count(({ bias }) => Math.abs(bias) <= AIM.bias),
  };
  const meets =
    mean(local.map(({ agreement }) => agreement)) >= AIM.agreement &&
    mean(local.map(({ kappa }) => kappa)) >= AIM.kappa;
  return [
    `On the ${unfitted.length} logs that it was not fitted on, articles that it was not fitted on either: the mean over logs, and the range. ` +
      `The aim was an agreement of ${AIM.agreement}, a kappa of ${AIM.kappa} and a bias of at most ${100 * AIM.bias} points: reached in ` +
      `${reached.agreement}, ${reached.kappa} and ${reached.bias} of them, ${meets ? "the means over logs are there too" : "**the means over logs fall short of it**"}. ` +
      "Features of words cannot tell a right paraphrase without a shared word from a wrong answer (results/LOG.md says what was tried).",
    table(
      [
        "judge",
        "agreement",
        `logs ≥ ${AIM.agreement}`,
        "kappa",
        `logs ≥ ${AIM.kappa}`,
        "largest bias",
      ],
      JUDGES.map(row),
    ),
  ].join("\n\n");
}
