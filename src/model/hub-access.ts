/** Asking the Hugging Face hub (or HF_ENDPOINT) for files: where it is, the user's token, and what a refusal means. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import type { DownloadOptions, Refusal } from "../files/download";
import { UserError } from "../messages/errors";

/** Whose files are asked for, for words on a refusal. */
export interface HubPlace {
  /** E.g. `hub:owner/name`. */
  readonly what: string;
  /** Its page, from the hub's address on. */
  readonly page: string;
  readonly revision: string;
}

/** A token, and where the user has put it. */
interface Token {
  readonly value: string;
  readonly from: string;
}

/** The hub's address, without a slash at its end. Throws UserError where HF_ENDPOINT is none. */
export function hubEndpoint(): string {
  const endpoint = (process.env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint))
    throw new UserError(`HF_ENDPOINT is "${endpoint}"; it must be an address with https://.`);
  return endpoint;
}

/** What a download from the hub is told: the user's token, for the hub alone, and words for refusals. */
export function hubDownloads(place: HubPlace): Pick<DownloadOptions, "authorization" | "explain"> {
  const token = userToken();
  const { origin } = new URL(hubEndpoint());
  return {
    ...(token && { authorization: { origin, value: `Bearer ${token.value}` } }),
    explain: (refusal) => explained(refusal, place, token?.from),
  };
}

/** As the hub's own libraries look for it: HF_TOKEN, HUGGING_FACE_HUB_TOKEN, the file that `hf auth login` writes. */
function userToken(): Token | undefined {
  const { env } = process;
  if (/^(1|true|yes|on)$/i.test(env.HF_HUB_DISABLE_IMPLICIT_TOKEN ?? "")) return undefined;
  for (const name of ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]) {
    const value = cleaned(env[name] ?? "", name);
    if (value !== "") return { value, from: name };
  }
  const cache = env.XDG_CACHE_HOME || path.join(homedir(), ".cache");
  const home = env.HF_HOME || path.join(cache, "huggingface");
  const file = env.HF_TOKEN_PATH || path.join(home, "token");
  const value = cleaned(textOf(file), file);
  return value === "" ? undefined : { value, from: file };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function cleaned(text: string, where: string): string {
  const token = text.replace(/[\r\n]/g, "").trim();
  if (/^[!-~]*$/.test(token)) return token;
  throw new UserError(
    `${where} holds no token of the hub: it has spaces or letters that none has.`,
  );
}

/** The hub says which case it is in x-error-code, and more in x-error-message. */
function explained(
  { origin, status, header }: Refusal,
  { what, page, revision }: HubPlace,
  tokenFrom: string | undefined,
): string | undefined {
  const endpoint = hubEndpoint();
  // A refusal of the servers that it redirects to has nothing to do with tokens.
  if (origin !== new URL(endpoint).origin) return undefined;
  const licence = `${endpoint}/${page}`;
  const code = header("x-error-code") ?? "";
  const message = (header("x-error-message") ?? "").replace(/\s+/g, " ").slice(0, 300);
  const told = (words: string): string => words + (message && `\nThe hub says: ${message}`);
  if (code === "RevisionNotFound") return told(`${what} has no revision "${revision}".`);
  if (message.includes("disabled")) return told(`${what} cannot be had.`);
  if (tokenFrom === undefined) {
    const token = `set HF_TOKEN (a token is made at ${endpoint}/settings/tokens)`;
    if (code === "RepoNotFound")
      return told(`There is no public ${what} at ${endpoint}. If it is private, ${token}.`);
    if (status === 401 || status === 403)
      return told(`${what} is gated: accept the licence at ${licence} and ${token}.`);
  } else {
    if (code === "GatedRepo" || (status === 403 && code === ""))
      return told(
        `${what} is gated, and the token in ${tokenFrom} does not open it: accept the licence at ${licence} with its account, wait until access is granted, and let the token read gated repositories.`,
      );
    if (status === 401 && code === "")
      return told(
        `The hub refuses the token in ${tokenFrom}: make a new one at ${endpoint}/settings/tokens, or take it away for public models.`,
      );
    if (code === "RepoNotFound" || status === 401)
      return told(`There is no ${what} at ${endpoint} that the token in ${tokenFrom} may see.`);
  }
  if (status !== 404 || code === "EntryNotFound") return undefined;
  return told(`There is no ${what} at ${endpoint} (404).`);
}
