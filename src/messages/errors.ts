/** The one error type for a user's mistake; what prints it (the command line) is elsewhere. */

/**
 * Something the user can put right: bad input, a missing file, a wrong key.
 * The message is one or two lines: what is wrong, where, what to do. The command
 * line prints it without a stack trace and exits with 2.
 */
export class UserError extends Error {
  /** Always "UserError". */
  override readonly name = "UserError";

  /** How Node's console, and so a notebook, writes it: without a stack trace. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `${this.name}: ${this.message}`;
  }
}

/** The message of anything thrown, for a status line or a log. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
