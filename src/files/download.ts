/** Downloads a file so that it is complete and checked, or absent; which file, and where it is kept, is the caller's affair. */
import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage, UserError } from "../messages/errors";

/** Called as bytes arrive; `total` where the server or the caller says it. */
export type Progress = (received: number, total?: number) => void;

/** What a download must match, and how patient it is. */
export interface DownloadOptions {
  /** Expected SHA-256, in hexadecimal. */
  readonly sha256?: string;
  /** Expected size in bytes. */
  readonly size?: number;
  /** Bytes after which the download is given up; 64 GB if absent. */
  readonly maximumSize?: number;
  readonly progress?: Progress;
  /** Tries in all; 4 if absent. */
  readonly attempts?: number;
  /** Milliseconds without a byte after which a try is given up; 60 000 if absent. */
  readonly timeout?: number;
  /** Milliseconds before the second try, doubled for each further one; 1000 if absent. */
  readonly backOff?: number;
  /** A secret for one server: its value of the Authorization header, sent to no other, redirects included. */
  readonly authorization?: Authorization;
  /** The caller's own words for a refusal; undefined for the usual ones. */
  readonly explain?: (refusal: Refusal) => string | undefined;
}

/** A header for one origin (scheme, host and port). */
export interface Authorization {
  readonly origin: string;
  readonly value: string;
}

/** A status that another try would not change (4xx), with the answer's headers. */
export interface Refusal {
  /** Of the server that refused, after all redirects. */
  readonly origin: string;
  readonly status: number;
  readonly header: (name: string) => string | undefined;
}

/** Size in bytes and SHA-256 in hexadecimal. */
export interface FileDigest {
  readonly size: number;
  readonly sha256: string;
}

/** An answer that another try would not change; `told`: the message is the caller's and is whole. */
class FinalError extends Error {
  constructor(
    message: string,
    readonly told = false,
  ) {
    super(message);
  }
}

const maximumRedirects = 10;

/**
 * Downloads `url` to `destination` (its folder is made): into a file beside it, renamed when size and hash are
 * right. Cut connections, silence and server errors are tried again with growing pauses; other refusals and a
 * wrong hash are not. Throws UserError with one line.
 */
export async function downloadFile(
  url: string,
  destination: string,
  options: DownloadOptions = {},
): Promise<FileDigest> {
  await mkdir(path.dirname(destination), { recursive: true });
  const partial = `${destination}.${randomUUID()}.partial`;
  try {
    const digest = await withRetries(url, options, () => receiveFile(url, partial, options));
    await rename(partial, destination);
    return digest;
  } finally {
    await rm(partial, { force: true });
  }
}

/** Fetches a small text (an index page) with the same retries; `accept` is the header's value. Throws UserError. */
export async function downloadText(
  url: string,
  accept: string,
  options: DownloadOptions = {},
): Promise<{ text: string; contentType: string; url: string }> {
  const limited = { maximumSize: 64_000_000, ...options };
  return withRetries(url, limited, async () => {
    const chunks: Buffer[] = [];
    const { response, body, signal } = await open(url, limited, accept);
    await pipeline(body, collector(chunks), { signal });
    return {
      text: Buffer.concat(chunks).toString("utf8"),
      contentType: response.headers.get("content-type") ?? "",
      url: response.url,
    };
  });
}

async function withRetries<T>(
  url: string,
  options: DownloadOptions,
  attempt: () => Promise<T>,
): Promise<T> {
  const attempts = options.attempts ?? 4;
  for (let tried = 1; ; tried += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof FinalError && error.told) throw new UserError(error.message);
      if (error instanceof FinalError || tried >= attempts)
        throw new UserError(`Download of ${withoutSecrets(url)} failed: ${reason(error)}`);
      await sleep((options.backOff ?? 1000) * 2 ** (tried - 1));
    }
  }
}

async function receiveFile(
  url: string,
  partial: string,
  options: DownloadOptions,
): Promise<FileDigest> {
  const { body, signal } = await open(url, options);
  const hash = createHash("sha256");
  let size = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      size += chunk.length;
      done(null, chunk);
    },
  });
  await pipeline(body, meter, createWriteStream(partial), { signal });
  const sha256 = hash.digest("hex");
  if (options.size !== undefined && size !== options.size)
    throw new Error(`${size} bytes came, ${options.size} were expected`);
  if (options.sha256 !== undefined && sha256 !== options.sha256.toLowerCase())
    throw new FinalError(`its SHA-256 is ${sha256}, expected ${options.sha256}`);
  return { size, sha256 };
}

/** A response whose body counts itself: too long, too short or too silent is an error. */
async function open(
  url: string,
  options: DownloadOptions,
  accept = "*/*",
): Promise<{ response: Response; body: Readable; signal: AbortSignal }> {
  const controller = new AbortController();
  const timeout = options.timeout ?? 60_000;
  const silence = setTimeout(() => {
    controller.abort(new Error(`nothing came for ${timeout / 1000} s`));
  }, timeout);
  try {
    const response = await follow(url, accept, options, controller.signal);
    await refuseStatus(response, options);
    const meter = lengthMeter(response, options, () => silence.refresh());
    const source = response.body
      ? Readable.fromWeb(response.body as ReadableStream<Uint8Array>)
      : Readable.from([]);
    meter.once("close", () => {
      clearTimeout(silence);
      source.destroy();
    });
    source.once("error", (error) => meter.destroy(error));
    return { response, body: source.pipe(meter), signal: controller.signal };
  } catch (error) {
    clearTimeout(silence);
    throw error;
  }
}

/** The answer at the end of all redirects, which are followed here so that a secret goes to its own server only. */
async function follow(
  url: string,
  accept: string,
  { authorization }: DownloadOptions,
  signal: AbortSignal,
): Promise<Response> {
  let at = new URL(url);
  for (let followed = 0; followed <= maximumRedirects; followed++) {
    // Without "identity" the length would be that of the compressed body.
    const headers = new Headers({ accept, "accept-encoding": "identity" });
    if (authorization?.origin === at.origin) headers.set("authorization", authorization.value);
    const response = await fetch(at, { headers, signal, redirect: "manual" });
    const location = response.headers.get("location");
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response;
    await response.body?.cancel();
    at = new URL(location, at);
    if (!/^https?:$/.test(at.protocol)) throw new FinalError(`it is redirected to ${at.protocol}`);
  }
  throw new FinalError(`it is redirected more than ${maximumRedirects} times`);
}

async function refuseStatus(response: Response, { explain }: DownloadOptions): Promise<void> {
  if (response.ok) return;
  await response.body?.cancel();
  const { status, headers } = response;
  const message = `the server answered ${status} ${response.statusText}`.trim();
  if (status >= 500 || status === 408 || status === 429) throw new Error(message);
  const { origin } = new URL(response.url);
  const told = explain?.({ origin, status, header: (name) => headers.get(name) ?? undefined });
  throw told === undefined ? new FinalError(message) : new FinalError(told, true);
}

function lengthMeter(response: Response, options: DownloadOptions, alive: () => void): Transform {
  const declared = response.headers.get("content-length");
  const encoded = response.headers.get("content-encoding") ?? "identity";
  const length = declared !== null && encoded === "identity" ? Number(declared) : undefined;
  const maximum = options.maximumSize ?? 64e9;
  let received = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      alive();
      received += chunk.length;
      options.progress?.(received, length ?? options.size);
      if (received > maximum) done(new FinalError(`it is longer than ${maximum} bytes`));
      else done(null, chunk);
    },
    flush(done) {
      if (length === undefined || received === length) done();
      else done(new Error(`${received} of ${length} bytes came`));
    },
  });
}

function collector(chunks: Buffer[]): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
}

function withoutSecrets(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return url;
  }
}

/** fetch hides what went wrong in `cause`. */
function reason(error: unknown): string {
  if (error instanceof Error && error.cause instanceof Error)
    return `${error.message} (${errorMessage(error.cause)})`;
  return errorMessage(error);
}
