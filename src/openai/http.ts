/** One JSON exchange with an OpenAI-compatible server under a time limit; what may be tried again is a RetryableError. */
import { errorMessage, UserError } from "../messages/errors";
import { RetryableError, retryAfterMs } from "./retry";

/** What a server answered. */
export interface HttpAnswer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: string;
}

const RETRYABLE = new Set([408, 409, 425, 429]);

/** Whether the same request may succeed later. */
export function isRetryable(status: number): boolean {
  return RETRYABLE.has(status) || status >= 500;
}

/** The whole exchange under one time limit in seconds: a server may also hang after its headers. A GET where no body is given. */
export async function exchange(
  address: string,
  { body, apiKey, timeout }: { body?: unknown; apiKey?: string; timeout: number },
): Promise<HttpAnswer> {
  const headers = {
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  };
  try {
    const response = await fetch(address, {
      method: body === undefined ? "GET" : "POST",
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(1000 * timeout),
    });
    const text = await response.text();
    return { status: response.status, retryAfter: response.headers.get("retry-after"), body: text };
  } catch (error) {
    const cause = error instanceof Error && error.cause ? `: ${errorMessage(error.cause)}` : "";
    throw new RetryableError(`${address}: ${errorMessage(error)}${cause}`);
  }
}

/** An answer with a status other than 200 as the error that it means. */
export function refusalOf(address: string, { status, retryAfter, body }: HttpAnswer): Error {
  if (isRetryable(status))
    return new RetryableError(
      `HTTP ${status} from ${address}: ${messageOf(body)}`,
      retryAfterMs(retryAfter, Date.now()),
    );
  const text = `${address} answered HTTP ${status}: ${messageOf(body)}`;
  return [401, 403].includes(status) ? new UserError(text) : new Error(text);
}

/** The message of an error as OpenAI-compatible servers send it, in one short line. */
export function messageOf(body: string): string {
  let text = body;
  try {
    const json = JSON.parse(body) as { message?: unknown; error?: { message?: unknown } } | null;
    const message = json?.error?.message ?? json?.message;
    if (typeof message === "string") text = message;
  } catch {
    // Not JSON: the text itself.
  }
  return text.replace(/\s+/g, " ").slice(0, 200) || "(no message)";
}

/** The base of an endpoint's addresses, without a slash at the end. Throws UserError for what is no http address. */
export function baseAddress(url: string): string {
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new UserError(
      `The base URL "${url}" is not an http address; give one such as http://localhost:8000/v1.`,
    );
  return url.replace(/\/+$/, "");
}
