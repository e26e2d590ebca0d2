/** Renders a model's chat template within limits of time and memory: templates come with downloaded files and are not trusted. */
import vm from "node:vm";
import { RenderError, renderTemplate } from "../jinja/render";
import { UserError } from "../messages/errors";
import { warn } from "../messages/warnings";
import type { ChatMessage } from "./types";

/** What the template is told beside the messages. */
export interface ChatOptions {
  /** True: the text ends where the assistant's answer begins. */
  readonly addGenerationPrompt: boolean;
  readonly bosToken?: string;
  readonly eosToken?: string;
  /** Further tokens by the template's name for them (`pad_token`). */
  readonly specialTokens?: Readonly<Record<string, string>>;
}

const maximumTemplateLength = 262_144;
const maximumMilliseconds = 900;

/**
 * The conversation as the model's text: what transformers' apply_chat_template gives without tools and documents (both None).
 * A template that asks for the date (strftime_now) is told today's, or that of SEAL_TODAY (YYYY-MM-DD), with which a run
 * can be repeated. Throws UserError where the template is broken, refuses the messages (raise_exception), does what is not
 * supported here, or goes beyond the limits.
 */
export function renderChat(
  template: string,
  messages: readonly ChatMessage[],
  options: ChatOptions,
): string {
  if (template.length > maximumTemplateLength)
    throw new UserError(
      `The chat template has ${template.length} characters; at most ${maximumTemplateLength} are read.`,
    );
  const { addGenerationPrompt, bosToken, eosToken, specialTokens } = options;
  const variables = {
    ...specialTokens,
    ...(bosToken === undefined ? {} : { bos_token: bosToken }),
    ...(eosToken === undefined ? {} : { eos_token: eosToken }),
    messages,
    tools: null,
    documents: null,
    add_generation_prompt: addGenerationPrompt,
  };
  try {
    return withTimeLimit(() => renderTemplate(template, { variables, now: today }));
  } catch (error) {
    if (isTimeout(error))
      throw new UserError(
        `Chat template: it ran longer than ${maximumMilliseconds / 1000} s and was stopped.`,
      );
    throw error instanceof RenderError ? new UserError(`Chat template: ${error.message}`) : error;
  }
}

let told = false;

/** What templates are told of the time. */
function today(): Date {
  const fixed = process.env.SEAL_TODAY ?? "";
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(fixed) ?? [];
  if (year !== undefined) return new Date(Number(year), Number(month) - 1, Number(day));
  if (fixed !== "") throw new UserError(`SEAL_TODAY is "${fixed}"; a date is written YYYY-MM-DD.`);
  if (!told)
    warn("the chat template writes today's date into prompts: SEAL_TODAY=YYYY-MM-DD fixes it");
  told = true;
  return new Date();
}

const timer = new vm.Script("task()");
const timerContext = vm.createContext({ task: undefined as unknown });

/**
 * Runs `task` and stops it after the limit: V8's watchdog reaches functions outside the context too. Its clock is the
 * wall's, so on a crowded machine a task that hardly got a processor in that time is begun again, with ten times as much.
 */
function withTimeLimit<T>(task: () => T, milliseconds = maximumMilliseconds): T {
  const before = process.cpuUsage();
  timerContext.task = task;
  try {
    return timer.runInContext(timerContext, { timeout: milliseconds }) as T;
  } catch (error) {
    const { user, system } = process.cpuUsage(before);
    const starved = (user + system) / 1000 < milliseconds / 2;
    if (!isTimeout(error) || !starved || milliseconds > maximumMilliseconds) throw error;
  } finally {
    timerContext.task = undefined;
  }
  return withTimeLimit(task, 10 * maximumMilliseconds);
}

function isTimeout(error: unknown): boolean {
  return (error as { code?: unknown }).code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}
