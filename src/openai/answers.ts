/** What a server's answer means: JSON to read, a passing trouble to try again after, or a refusal that stops the run. */
import { UserError } from "../messages/errors";
import type { HttpAnswer } from "./http";
import { RetryableError, retryAfterMs } from "./retry";

const RETRYABLE = new Set([408, 409, 425, 429]);

/** Whether the same request may succeed later. */
function isRetryable(status: number): boolean {
  return RETRYABLE.has(status) || status >= 500;
}

/** What may be wrong behind a status, beside what the server says of it. */
const HINTS: Readonly<Record<number, string>> = {
  401: " (check the key)",
  403: " (check the key, and whether it may use this model)",
  404: " (check the address and the model's name)",
};

/** Codes and types of errors that asking again does not mend, whatever their status. */
const UNPAID = /insufficient_quota|billing/i;
/** The same, where the status says nothing. */
const FINAL = /invalid_request|authentication|permission|not_found/i;

/** The JSON of an answer. Throws RetryableError for what may pass, UserError, in the server's own words, for what will not. */
export function jsonOf(address: string, answer: HttpAnswer): object {
  const { status, body, contentType } = answer;
  if (status < 200 || status > 299) throw refusalOf(address, answer);
  if (/event-stream/i.test(contentType ?? "") || /^\s*(?:data|event|id):/.test(body))
    throw new UserError(
      `${address} sent a stream of events, which was not asked for: switch streaming off at the server, or at the proxy before it.`,
    );
  if (/^\s*</.test(body))
    throw new UserError(
      `${address} sent a web page ("${oneLine(titleOf(body) ?? "without a title", 80)}"), not JSON: is the base URL right (it mostly ends in /v1), or does a proxy stand in between?`,
    );
  const json = parsed(body);
  if (typeof json !== "object" || json === null)
    throw new RetryableError(`unreadable reply: ${oneLine(body, 80) || "(nothing)"}`);
  if (isError(json)) throw refusalOf(address, answer);
  return json;
}

/** An answer without what was asked for, as the error that it means. */
export function refusalOf(address: string, answer: HttpAnswer): Error {
  const { status, retryAfter, body } = answer;
  const { code, names } = errorOf(parsed(body));
  const said = messageOf(body);
  // An error may come with a status of success, and then mostly brings its own.
  const success = status < 300;
  const meant = success ? (code ?? status) : status;
  const told = `HTTP ${status}${success ? ` with an error${code ? ` (${code})` : ""}` : ""}`;
  const final = UNPAID.test(names) || (success && FINAL.test(names));
  if (final || (meant >= 300 && !isRetryable(meant)))
    return new UserError(`${address} answered ${told}: ${said}${HINTS[meant] ?? ""}`);
  const wait = retryAfterMs(retryAfter, Date.now());
  return new RetryableError(`${told} from ${address}: ${said}`, wait);
}

/** Whether a body with a status of success is an error all the same. */
function isError(json: object): boolean {
  const { error, object, choices, data } = json as Record<string, unknown>;
  return (
    Boolean(error) || object === "error" || (!choices && !data && sentenceOf(json) !== undefined)
  );
}

/** The number and the names (code, type, the setting that it is about) that an error has for itself. */
function errorOf(json: unknown): { code?: number; names: string } {
  const outer = firstOf(json);
  const inner = isObject(outer.error) ? outer.error : outer;
  const codes = [inner.code, inner.status, outer.code].map(Number);
  const code = codes.find((one) => one >= 400 && one <= 599);
  const names = [inner.code, inner.type, inner.param].filter((one) => typeof one === "string");
  return { ...(code === undefined ? {} : { code }), names: names.join(" ") };
}

/** All that an error says: its message and its names. */
export function complaintOf(body: string): string {
  return `${messageOf(body)} ${errorOf(parsed(body)).names}`;
}

/** The message of an error as servers send it, in one short line. */
export function messageOf(body: string): string {
  const page = titleOf(body) ?? body.slice(0, LONGEST_PAGE).replace(/<[^>]*>/g, " ");
  return oneLine(sentenceOf(parsed(body)) ?? page, 400) || "(no message)";
}

/** OpenAI's form, FastAPI's, Ollama's, Google's (in a list), and OpenRouter's, which has the provider's words apart. */
function sentenceOf(json: unknown): string | undefined {
  const outer = firstOf(json);
  const inner = isObject(outer.error) ? outer.error : {};
  const raw = isObject(inner.metadata) ? inner.metadata.raw : undefined;
  const [errors, detail] = [outer.errors, outer.detail].map((one) =>
    Array.isArray(one) ? (one as unknown[]).map(partOf).join("; ") : one,
  );
  const found = [inner.message, outer.error, outer.message, detail, errors].find(
    (one): one is string => typeof one === "string" && one !== "",
  );
  return found !== undefined && typeof raw === "string" ? `${found}: ${raw}` : found;
}

/** One of FastAPI's complaints ({loc, msg}), or of a list of errors. */
function partOf(part: unknown): string {
  if (!isObject(part)) return String(part);
  const place = Array.isArray(part.loc) ? `${part.loc.join(".")}: ` : "";
  const said = [part.msg, part.message].find((one) => typeof one === "string");
  return `${place}${said ?? JSON.stringify(part)}`;
}

function firstOf(json: unknown): Record<string, unknown> {
  const value: unknown = Array.isArray(json) ? json[0] : json;
  return isObject(value) ? value : {};
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

/** Characters of a page in which its words are looked for. */
const LONGEST_PAGE = 10_000;

function titleOf(page: string): string | undefined {
  return /<title[^>]*>\s*([^<]*[^<\s])/i.exec(page.slice(0, LONGEST_PAGE))?.[1];
}

function oneLine(text: string, length: number): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > length ? `${line.slice(0, length)}…` : line;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
