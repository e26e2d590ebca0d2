/** The verb `judge`: verdicts on the answers of a file, by the local judge or by a model behind an endpoint. */
import path from "node:path";
import type { Command } from "commander";
import { cacheDirectory } from "../files/cache";
import { UserError } from "../messages/errors";
import { writeFileAtomic } from "../files/files";
import { agreementOf, type Agreement } from "../judge/agreement";
import { readAnswers, type GivenAnswer } from "../tasks/answers";
import { judgeAnswer } from "../judge/lexical";
import { createModelJudge, REPLY_TOKENS, type ModelJudgement } from "../judge/model";
import { accuracy, type AccuracySummary, type Verdict } from "../judge/verdict";
import { createProgress } from "../messages/progress";
import { createOpenAiClient, type CostEstimate, type Spending } from "../openai/client";
import { decimal, wholeNumber } from "./input";
import { note, print, printJson, textTable } from "./output";

interface JudgeFlags {
  judge: string;
  questions?: string;
  baseUrl: string;
  model?: string;
  keyVariable: string;
  concurrency: number;
  timeout: number;
  replyTokens: number;
  spendingLimit?: number;
  inputPrice?: number;
  outputPrice?: number;
  cache: string;
  estimate?: boolean;
  output?: string;
  json?: boolean;
}

/** Adds the verb. */
export function addJudgeCommand(program: Command): void {
  program
    .command("judge")
    .description("judge answers: JSON lines, a run's rollouts.jsonl, or a log of SEAL's (.json)")
    .argument(
      "<answers>",
      'lines {"question", "gold", "answer", "arm"?, "verdict"?}, or those files',
    )
    .option(
      "--judge <which>",
      "local (no network) or openai (any OpenAI-compatible endpoint)",
      "local",
    )
    .option(
      "--questions <file>",
      "a run's passages with gold answers; the embedded ones unless told",
    )
    .option(
      "--base-url <url>",
      "the endpoint, up to and including /v1",
      "https://api.openai.com/v1",
    )
    .option("--model <name>", "the model that judges")
    .option("--key-variable <name>", "environment variable that holds the key", "OPENAI_API_KEY")
    .option("--concurrency <number>", "calls at once", wholeNumber("concurrency"), 8)
    .option("--timeout <seconds>", "for one attempt", decimal("timeout"), 60)
    .option(
      "--reply-tokens <number>",
      "most tokens of a reply; thinking models need some thousand, and a longer --timeout",
      wholeNumber("reply-tokens"),
      REPLY_TOKENS,
    )
    .option(
      "--spending-limit <dollars>",
      "ask nothing that may cost more",
      decimal("spending-limit"),
    )
    .option(
      "--input-price <dollars>",
      "per million tokens, else the list's",
      decimal("input-price"),
    )
    .option(
      "--output-price <dollars>",
      "per million tokens, else the list's",
      decimal("output-price"),
    )
    .option("--cache <dir>", "where verdicts are kept", path.join(cacheDirectory(), "verdicts"))
    .option("--estimate", "say what it may cost, and ask nothing")
    .option("--output <file>", "write the answers with their verdicts, as JSON lines")
    .option("--json", "print the summary as JSON")
    .action(judgeFile);
}

async function judgeFile(file: string, flags: JudgeFlags): Promise<void> {
  const answers = await readAnswers(file, flags.questions);
  const verdicts = await verdictsOn(answers, flags);
  if (!verdicts) return;
  if (flags.output !== undefined) {
    const lines = answers.map((answer, i) => JSON.stringify({ ...answer, verdict: verdicts[i] }));
    await writeFileAtomic(flags.output, `${lines.join("\n")}\n`);
  }
  const rows = summarise(answers, verdicts);
  if (flags.json) printJson(rows);
  else print(table(rows));
}

/** Undefined where only an estimate was asked for. */
async function verdictsOn(
  answers: readonly GivenAnswer[],
  flags: JudgeFlags,
): Promise<readonly Verdict[] | undefined> {
  if (flags.judge === "local") return answers.map(judgeAnswer);
  if (flags.judge !== "openai")
    throw new UserError(`--judge is local or openai, not "${flags.judge}".`);
  if (flags.model === undefined) throw new UserError("--judge openai needs --model.");
  if ((flags.inputPrice === undefined) !== (flags.outputPrice === undefined))
    throw new UserError("--input-price and --output-price go together.");
  if (flags.replyTokens < 1) throw new UserError("--reply-tokens must be at least 1.");
  if (flags.concurrency < 1) throw new UserError("--concurrency must be at least 1.");
  const apiKey = process.env[flags.keyVariable];
  const client = createOpenAiClient({
    baseUrl: flags.baseUrl,
    model: flags.model,
    concurrency: flags.concurrency,
    timeout: flags.timeout,
    onRetry: noteFirst("no verdict yet, trying again"),
    onNotice: note,
    ...(apiKey ? { apiKey } : {}),
    ...(flags.spendingLimit === undefined ? {} : { spendingLimit: flags.spendingLimit }),
    ...(flags.inputPrice !== undefined &&
      flags.outputPrice !== undefined && {
        price: { input: flags.inputPrice, output: flags.outputPrice },
      }),
  });
  const judge = createModelJudge(client, {
    cacheDirectory: flags.cache,
    replyTokens: flags.replyTokens,
  });
  const cost = await judge.estimate(answers);
  if (flags.estimate) {
    if (flags.json) printJson(cost);
    else print(formatCost(cost));
    return undefined;
  }
  note(formatCost(cost));
  const progress = createProgress(`asking ${flags.model}`, cost.calls, {
    quiet: flags.json ?? false,
  });
  const judgement = await judge
    .judge(answers, () => progress.advance())
    .finally(() => progress.stop());
  requireGraded(judgement);
  const { verdicts, asked, cached, ungraded, reasons } = judgement;
  note(
    `${asked} asked, ${cached} found in ${flags.cache}, ${ungraded} ungraded` +
      (ungraded > 0 ? " (another time those only are asked):" : "."),
  );
  for (const { reason, count } of reasons.slice(0, REASONS_TOLD)) note(`  ${count}: ${reason}`);
  if (asked > 0) note(formatSpending(client.spent()));
  return verdicts;
}

const REASONS_TOLD = 5;

/** Throws where the model graded nothing of what it was asked, so that there is no result to show. */
function requireGraded({ asked, cached, reasons }: ModelJudgement): void {
  const failed = reasons.reduce((sum, { count }) => sum + count, 0);
  if (asked === 0 || cached > 0 || failed < asked) return;
  const told = reasons.slice(0, REASONS_TOLD).map(({ reason, count }) => `${reason} (${count})`);
  const tokens = reasons.some(({ reason }) => /tokens|thought|thinking/.test(reason));
  throw new UserError(
    `Nothing was graded, ${asked} asked: ${told.join("; ")}.` +
      (tokens ? "\nA thinking model needs more --reply-tokens, 4096 say." : ""),
  );
}

function formatSpending({ dollars, uncounted }: Spending): string {
  if (dollars === undefined) return "What it cost is not known: no price is.";
  const unknown =
    uncounted > 0
      ? `; replies without a whole count: ${uncounted}, and what those cost is not known`
      : "";
  return `$${dollars.toFixed(4)} by the endpoint's count of tokens${unknown}.`;
}

/** Notes the first reason that it is given; hundreds of calls may meet the same. */
function noteFirst(what: string): (reason: string) => void {
  let told = false;
  return (reason) => {
    if (!told) note(`${what}: ${reason}`);
    told = true;
  };
}

function formatCost({ calls, inputTokens, outputTokens, dollars }: CostEstimate): string {
  const price = dollars === undefined ? "no price is known" : `at most $${dollars.toFixed(4)}`;
  return `${calls} calls, ${inputTokens} tokens in and at most ${outputTokens} out: ${price}.`;
}

interface ArmRow extends AccuracySummary {
  readonly arm: string;
  /** With the verdicts that the file has already, over answers that both grade. */
  readonly given?: Agreement;
}

function summarise(answers: readonly GivenAnswer[], verdicts: readonly Verdict[]): ArmRow[] {
  return [...new Set(answers.map(({ arm }) => arm))].map((arm) => {
    const own = answers.flatMap((answer, i) =>
      answer.arm === arm ? [{ given: answer.verdict, verdict: verdicts[i] }] : [],
    );
    const both = own.filter(
      ({ given, verdict }) => given !== undefined && given !== "ungraded" && verdict !== "ungraded",
    );
    const given = agreementOf(
      both.map(({ verdict }) => verdict === "correct"),
      both.map((one) => one.given === "correct"),
    );
    return {
      arm,
      ...accuracy(own.map(({ verdict }) => verdict)),
      ...(both.length > 0 && { given }),
    };
  });
}

function table(rows: readonly ArmRow[]): string {
  const share = (value: number): string => (Number.isNaN(value) ? "" : value.toFixed(3));
  return textTable(
    ["arm", "correct", "wrong", "ungraded", "accuracy", "agreement", "kappa", "bias"],
    rows.map(({ arm, correct, wrong, ungraded, accuracy: own, given }) => [
      arm,
      ...[correct, wrong, ungraded].map(String),
      share(own),
      ...(given ? [given.agreement, given.kappa, given.bias].map(share) : ["", "", ""]),
    ]),
  );
}
