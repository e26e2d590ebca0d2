/** SEAL's own wording of its prompts, read from the release where it is at run time: nothing of it is in this project. */
import { UserError } from "../messages/errors";
import type { PromptTemplate } from "../selfedit/prompts";
import { sealFiles, type LogFiles } from "./seal-files";
import { parseReleased, queryLogSchema } from "./seal-logs";

/** The released prompts, and logs whose self-edits were asked for with them: any one will do. */
const LOGS = {
  implications: ["eval/base.json", "train/rank_iter0.json"],
  "implications-long": [
    "eval-prompts/base_prompt-long.json",
    "eval-prompts/openai_prompt-long.json",
  ],
  "implications-very-long": ["eval-prompts/base_prompt-very-long.json"],
  rewrite: ["eval-prompts/base_prompt-rewrite.json", "eval-prompts/openai_prompt-rewrite.json"],
  "self-qa": ["eval-prompts/base_prompt-self-qa.json"],
  "chain-of-thought": ["eval-prompts/base_prompt-cot.json"],
  none: ["eval-prompts/base_prompt-none.json", "eval-prompts/openai_prompt-none.json"],
} as const;
/** Name of a released prompt. */
export type ReleasedPrompt = keyof typeof LOGS;
/** All of them. */
export const releasedPrompts = Object.keys(LOGS) as [ReleasedPrompt, ...ReleasedPrompt[]];

/**
 * The prompt with which the release's self-edits of this kind were asked for, as a raw template with {title} and
 * {passage}. Throws UserError where no log of it is to be had, or where its prompts are not all of one wording.
 */
export async function releasedPrompt(
  kind: ReleasedPrompt,
  files: LogFiles = sealFiles(),
): Promise<PromptTemplate> {
  for (const name of LOGS[kind]) {
    const text = await files.read(name);
    if (text !== undefined) return templateOf(text, name, files.source);
  }
  throw new UserError(
    `The released prompt "${kind}" needs ${LOGS[kind].join(" or ")}; ${files.source} has no such file.\nName a checkout of SEAL's release in SEAL_DATA.`,
  );
}

function templateOf(text: string, name: string, source: string): PromptTemplate {
  const { articles } = parseReleased(queryLogSchema, text, name);
  const wordings = articles.map(({ title, context, prompt = "" }) => {
    const article = `${title}\n${context}`;
    const at = prompt.indexOf(article);
    return at < 0
      ? prompt
      : `${prompt.slice(0, at)}{title}\n{passage}${prompt.slice(at + article.length)}`;
  });
  const [wording] = wordings;
  if (!wording.includes("{passage}") || wordings.some((own) => own !== wording))
    throw new UserError(`${source}, ${name}: its prompts are not one wording around the passages.`);
  return { text: wording, source: name, raw: true };
}
