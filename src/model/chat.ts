/** Renders a model's chat template (Jinja) within limits of time and memory: templates come with downloaded files and are not trusted. */
import vm from "node:vm";
import { errorMessage, UserError } from "../messages/errors";
import { BoundedInterpreter, maximumRange } from "./bounded-jinja";
import { jinjaLibrary, type JinjaEnvironment } from "./hugging-face";
import type { ChatMessage } from "./types";

/** What the template is told beside the messages. */
export interface ChatOptions {
  /** True: the text ends where the assistant's answer begins. */
  readonly addGenerationPrompt: boolean;
  readonly bosToken?: string;
  readonly eosToken?: string;
}

const maximumTemplateLength = 65_536;
/** Characters of one text that a template may make, beyond eight times the messages' own. */
const spareCharacters = 1_000_000;
const maximumMilliseconds = 900;

/**
 * The conversation as the model's text. The template is given plain data only: messages, add_generation_prompt,
 * bos_token, eos_token, range, namespace and raise_exception, but no clock (strftime_now), so that a prompt can be
 * repeated. Throws UserError where the template is broken, refuses the messages (raise_exception) or goes beyond
 * the limits.
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
  try {
    return withTimeLimit(() => {
      const lexed = jinjaLibrary.tokenize(template, { lstrip_blocks: true, trim_blocks: true });
      const program = jinjaLibrary.parse(lexed);
      const contentLength = messages.reduce((total, { content }) => total + content.length, 0);
      const interpreter = new BoundedInterpreter(
        templateEnvironment(messages, options),
        spareCharacters + 8 * contentLength,
      );
      return String(interpreter.run(program).value);
    });
  } catch (error) {
    throw new UserError(`Chat template: ${reason(error)}`);
  }
}

/** The variables of a template: copies of the data and three functions on plain values. */
function templateEnvironment(
  messages: readonly ChatMessage[],
  options: ChatOptions,
): JinjaEnvironment {
  const environment = new jinjaLibrary.Environment();
  const variables = {
    true: true,
    false: false,
    none: null,
    True: true,
    False: false,
    None: null,
    messages: messages.map(({ role, content }) => ({ role, content })),
    add_generation_prompt: options.addGenerationPrompt,
    bos_token: options.bosToken ?? "",
    eos_token: options.eosToken ?? "",
    range: boundedRange,
    raise_exception: (message: unknown) => {
      throw new Error(String(message));
    },
  };
  for (const [name, value] of Object.entries(variables)) environment.set(name, value);
  return environment;
}

/** Python's range, which the library would fill to any length before a limit could be seen. */
function boundedRange(first: unknown, second?: unknown, third?: unknown): number[] {
  const [start, stop] = second === undefined ? [0, Number(first)] : [Number(first), Number(second)];
  const step = third === undefined ? 1 : Number(third);
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (step === 0 || !(length <= maximumRange))
    throw new Error(`range() may give at most ${maximumRange} numbers.`);
  return Array.from({ length }, (_, index) => start + index * step);
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

function reason(error: unknown): string {
  return isTimeout(error)
    ? `it ran longer than ${maximumMilliseconds / 1000} s and was stopped.`
    : errorMessage(error);
}
