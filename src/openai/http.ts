/** One JSON exchange with an OpenAI-compatible server under a time limit; what its answers mean is in answers.ts. */
import { errorMessage, UserError } from "../messages/errors";
import { RetryableError } from "./retry";

/** What a server answered. */
export interface HttpAnswer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly contentType: string | null;
  readonly body: string;
}

/** The whole exchange under one time limit in seconds: a server may also hang after its headers. A GET where no body is given. */
export async function exchange(
  address: string,
  { body, apiKey, timeout }: { body?: unknown; apiKey?: string; timeout: number },
): Promise<HttpAnswer> {
  const headers = {
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${checkedKey(apiKey)}` }),
  };
  try {
    const response = await fetch(address, {
      method: body === undefined ? "GET" : "POST",
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(1000 * timeout),
    });
    const text = await response.text();
    const [retryAfter, contentType] = ["retry-after", "content-type"].map((name) =>
      response.headers.get(name),
    );
    return { status: response.status, retryAfter, contentType, body: text };
  } catch (error) {
    const cause = error instanceof Error && error.cause ? `: ${errorMessage(error.cause)}` : "";
    throw new RetryableError(`${address}: ${errorMessage(error)}${cause}`);
  }
}

/** A key as a header can hold it: one read from a file often has its line's end. Throws UserError, without the key, for others. */
function checkedKey(key: string): string {
  const trimmed = key.trim();
  if (/^[\x21-\x7e]+$/.test(trimmed)) return trimmed;
  throw new UserError("The key for the endpoint holds characters that no key has; set it anew.");
}

/** The base of an endpoint's addresses, without a slash at the end. Throws UserError for what is no http address. */
export function baseAddress(url: string): string {
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new UserError(
      `The base URL "${url}" is not an http address; give one such as http://localhost:8000/v1.`,
    );
  return url.replace(/\/+$/, "");
}
