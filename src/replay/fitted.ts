/** Which of SEAL's released answers the local judge is fitted on; all others are for the report. */

const PROMPTS = ["long", "very-long", "rewrite", "self-qa"];

/** The logs that the judge is fitted on. Of those over evaluation passages only half of the articles are used. */
export const FITTED_LOGS: readonly string[] = [
  "train/rank_iter0",
  "eval/base",
  "eval/naive",
  "eval/iter1",
  ...[0, 1].flatMap((round) =>
    PROMPTS.map((prompt) => `train-prompts/rank_iter${round}_prompt-${prompt}`),
  ),
];

/** Whether the judge is fitted on this article of this log: all training passages, half of the evaluation articles by title. */
export function fittedArticle(log: string, title: string): boolean {
  if (!FITTED_LOGS.includes(log)) return false;
  return log.startsWith("train") || inFittedHalf(title);
}

/** Whether the article with this title is in the half of evaluation articles that the judge has seen. */
export function inFittedHalf(title: string): boolean {
  let hash = 0;
  for (const letter of title) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0;
  return hash % 2 === 0;
}
