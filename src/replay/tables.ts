/** The replay's tables: which arms stand in each, and which side of which released log an arm is. Nothing is computed here. */
import paper from "./paper.json";
import { SHUFFLE_SEED } from "./pretraining-logs";

/** The tables of accuracies, in the order of the README. */
export type TableName =
  | "single passage"
  | "prompts"
  | "GPT-4.1"
  | "3B"
  | "other methods"
  | "continued pretraining"
  | "full fine-tuning, 200 passages"
  | "full fine-tuning, 2067 passages"
  | "untouched";

/** One arm of a table: which side of which log. */
export interface Arm {
  readonly table: TableName;
  /** Unique among the tables of single passages, and within each other table. */
  readonly arm: string;
  readonly log: string;
  readonly side: "baseline" | "adapter";
  /** The paper's number (version 1, for full fine-tuning version 2; see paper.json). */
  readonly paper?: number;
}

/** Rounds as the logs name them, and as the tables do. */
export const ROUNDS = ["base", "iter1", "iter2"] as const;
export const ROUND_NAMES = ["untrained self-edits", "round 1", "round 2"] as const;

/** Prompts for self-edits other than SEAL's own, the list of implications. */
export const PROMPTS = ["long", "very-long", "rewrite", "self-qa", "none"] as const;

const single = (
  arm: keyof typeof paper.singlePassage,
  log: string,
  side: Arm["side"] = "adapter",
): Arm => ({
  table: "single passage",
  arm,
  log: `eval/${log}`,
  side,
  paper: paper.singlePassage[arm],
});

const other = (table: TableName, arm: string, log: string, side: Arm["side"] = "adapter"): Arm => ({
  table,
  arm,
  log,
  side,
});

const printedPrompts: Readonly<Record<string, readonly number[]>> = paper.prompts;

/** Who wrote the texts of continued pretraining -> the files' name for it. */
const AUTHORS = {
  "passage only": "naive",
  "untrained self-edits": "base",
  "GPT-4.1 data": "gpt4_1",
  "round 2": "iter2",
  "EntiGraph pairs": "enti-pair",
  "EntiGraph pairs and triples": "enti-pair+triple",
} as const;

const LORA_NAMES: Readonly<Record<string, string>> = {
  "enti-pair": "entigraph-pairs",
  "enti-pair+triple": "entigraph-pairs+triples",
};

function pretraining(
  table: TableName,
  logOf: (name: string) => string,
  printed: Readonly<Record<string, number>> = {},
): Arm[] {
  return Object.entries(AUTHORS).map(([arm, name]) => ({
    ...other(table, arm, logOf(name)),
    ...(arm in printed && { paper: printed[arm] }),
  }));
}

/** All arms that the released logs hold, in the order of the tables. */
export const ARMS: readonly Arm[] = [
  single("untouched", "base", "baseline"),
  single("passage only", "naive"),
  single("untrained self-edits", "base"),
  single("GPT-4.1 data", "gpt4_1"),
  single("round 1", "iter1"),
  single("round 2", "iter2"),
  ...PROMPTS.flatMap((prompt) =>
    ROUNDS.map((round, i): Arm => ({
      ...other("prompts", `${prompt}, ${ROUND_NAMES[i]}`, `eval-prompts/${round}_prompt-${prompt}`),
      ...(prompt in printedPrompts && { paper: printedPrompts[prompt][i] }),
    })),
  ),
  other("prompts", `chain of thought, ${ROUND_NAMES[0]}`, "eval-prompts/base_prompt-cot"),
  ...PROMPTS.map((prompt) =>
    other("GPT-4.1", `${prompt}, GPT-4.1`, `eval-prompts/openai_prompt-${prompt}`),
  ),
  other("3B", "3B, untouched", "eval-3B/base", "baseline"),
  ...ROUNDS.map((round, i) => other("3B", `3B, ${ROUND_NAMES[i]}`, `eval-3B/${round}`)),
  other(
    "other methods",
    "Generative Adapter's model, untouched",
    "eval-prompts/generative-adapter",
    "baseline",
  ),
  other("other methods", "Generative Adapter", "eval-prompts/generative-adapter"),
  other(
    "other methods",
    "untouched, answers by chain of thought",
    "eval-prompts/cot-eval",
    "baseline",
  ),
  other(
    "other methods",
    "untrained self-edits, answers by chain of thought",
    "eval-prompts/cot-eval",
  ),
  ...pretraining(
    "continued pretraining",
    (name) => `cpt/cpt_${LORA_NAMES[name] ?? name}`,
    paper.continuedPretraining,
  ),
  ...pretraining(
    "full fine-tuning, 200 passages",
    (name) => `cpt-200/${name}_200`,
    paper.continuedPretrainingVersion2,
  ),
  other(
    "full fine-tuning, 200 passages",
    "Generative Adapter's model, untouched",
    "cpt/generative-adapter",
    "baseline",
  ),
  other("full fine-tuning, 200 passages", "Generative Adapter", "cpt/generative-adapter"),
  ...pretraining("full fine-tuning, 2067 passages", (name) => `cpt-2067/${name}_2067`),
];

/** Tables whose accuracy is the share of all questions, as CPT.py computes it; the others average by passage first. */
export const isPooled = (table: TableName): boolean =>
  table === "continued pretraining" || table.startsWith("full");

/** Whether the log's passages are the 2067 of squad_val.json, not the 200 of the evaluation. */
export const isWhole = (log: string): boolean => log.startsWith("cpt-2067/");

/** Logs with answers to a shuffled choice of questions -> the seed of the shuffle; undefined for any other log. */
export function samplingSeed(log: string): number | undefined {
  if (log.startsWith("cpt-")) return SHUFFLE_SEED;
  return log === "cpt/generative-adapter" ? 43 : undefined;
}

/** Logs of another model than Qwen2.5-7B, or whose answers were asked for in another way: their untouched accuracy is another. */
export const isOtherModel = (log: string): boolean =>
  log.startsWith("eval-3B/") || log.endsWith("generative-adapter") || log.endsWith("cot-eval");

/** Logs of training rounds: of SEAL's own prompt, of the others, and of the 3B model. */
export const TRAINING_LOGS: readonly string[] = [
  ...[0, 1].map((round) => `train/rank_iter${round}`),
  ...PROMPTS.flatMap((prompt) =>
    [0, 1].map((round) => `train-prompts/rank_iter${round}_prompt-${prompt}`),
  ),
  ...[0, 1].map((round) => `train-3B/rank_iter${round}`),
];

/** Logs of a rubric's marks in place of rewards, by round. */
export const RUBRIC_LOGS: readonly string[] = [0, 1].map(
  (round) => `train-prompts/rank_iter${round}_proxy`,
);
