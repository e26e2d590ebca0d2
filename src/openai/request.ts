/** A request, and the form in which an endpoint takes it: some models refuse `max_tokens` or any temperature, and say so once asked. */
import type { ChatMessage } from "../model/types";
import { complaintOf, messageOf } from "./answers";
import type { HttpAnswer } from "./http";

/** One call. */
export interface ChatRequest {
  /** The conversation so far. */
  readonly messages: readonly ChatMessage[];
  /** Tokens of the reply at most, a thinking model's thoughts among them. */
  readonly maxTokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
}

/** Which settings are sent, and under what name. */
export interface RequestForm {
  readonly limit: "max_tokens" | "max_completion_tokens";
  readonly temperature: boolean;
}

/** A request's body. */
export function requestBody(
  model: string,
  { messages, maxTokens, temperature }: ChatRequest,
  form: RequestForm,
): object {
  return {
    model,
    messages,
    stream: false,
    [form.limit]: maxTokens,
    ...(form.temperature ? { temperature } : {}),
  };
}

const UNSUPPORTED =
  /unsupported|not support|unrecogni[sz]ed|unknown|unexpected|not (?:allowed|permitted|available)|deprecated|only|extra/i;

/** What to change in the form, where the endpoint refuses one of its settings as such, and not a value that is out of range. */
export function adaptedForm(
  form: RequestForm,
  { temperature }: ChatRequest,
  { status, body }: HttpAnswer,
): { readonly change: Partial<RequestForm>; readonly notice: string } | undefined {
  if (status !== 400 && status !== 422) return undefined;
  const [said, complaint] = [messageOf(body), complaintOf(body)];
  const unsupported = UNSUPPORTED.test(complaint);
  if (form.limit === "max_tokens" && /max_tokens/.test(complaint) && unsupported)
    return {
      change: { limit: "max_completion_tokens" },
      notice: `the endpoint wants max_completion_tokens in place of max_tokens: ${said}`,
    };
  // 0 is in every range: who refuses it takes no temperature that means "the likeliest".
  if (form.temperature && /temperature/i.test(complaint) && (temperature === 0 || unsupported))
    return {
      change: { temperature: false },
      notice: `the endpoint takes no temperature of ${temperature}; it uses its own: ${said}`,
    };
  return undefined;
}
