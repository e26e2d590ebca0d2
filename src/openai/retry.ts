/** Retries with growing waits, and at most so many calls at once. What is called is the caller's affair. */

/** A failure that may go away if one waits. */
export class RetryableError extends Error {
  override readonly name = "RetryableError";
  /** `waitMs`: how long the server asked to wait, if it did. */
  constructor(
    message: string,
    readonly waitMs?: number,
  ) {
    super(message);
  }
}

/** How often and after what waits to try again. */
export interface RetrySettings {
  readonly maxRetries: number;
  /** Wait before the first retry in milliseconds; doubles each time. */
  readonly firstWaitMs: number;
  /** Longest wait of this program's own choice; a server may ask for more, up to ten minutes. */
  readonly longestWaitMs: number;
  /** Called before each wait. */
  readonly onRetry?: (failure: RetryableError) => void;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Longest wait that a server is granted, in milliseconds. */
const LONGEST_ASKED_MS = 600_000;

/** Runs `call`, again after each RetryableError until the retries are used up; then throws the last one. */
export async function withRetries<T>(call: () => Promise<T>, settings: RetrySettings): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof RetryableError) || attempt >= settings.maxRetries) throw error;
      const asked = error.waitMs;
      if (asked !== undefined && asked > LONGEST_ASKED_MS)
        throw new Error(`${error.message} (it asks to wait ${Math.round(asked / 1000)} s)`, {
          cause: error,
        });
      settings.onRetry?.(error);
      await sleep(asked ?? Math.min(settings.firstWaitMs * 2 ** attempt, settings.longestWaitMs));
    }
  }
}

/** A gate that lets at most `limit` calls run at once; the others wait in order. */
export function createGate(limit: number): <T>(call: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (call) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await call();
    } finally {
      const next = waiting.shift();
      // The place passes straight to the next one, so that no newcomer slips in between.
      if (next) next();
      else running--;
    }
  };
}

/** Milliseconds that a Retry-After header asks for: seconds, or a date. Undefined where it says nothing usable. */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  const wait = Number.isNaN(seconds) ? Date.parse(header) - now : 1000 * seconds;
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}
