/** What the calls for people share in checking what they are given: whatever is wrong with it is told before any work. */
import { z } from "zod";
import { UserError } from "../messages/errors";
import type { Adapter } from "./adapter";

/** Something that is a function. */
export function functionOf<F>(): z.ZodType<F> {
  return z.custom<F>((value) => typeof value === "function", "must be a function");
}

/** A seed: a number or a text. */
export const seedSchema = z.union([z.number(), z.string()], "must be a number or a text");

/** An option that holds an adapter. Where its key is given the adapter must be there: what a failed training leaves is not the same as none. */
export const adapterOption = z
  .custom<Adapter>((value) => problemOf(value) === undefined, {
    error: ({ input }) => problemOf(input),
  })
  .exactOptional();

/** Throws UserError where there is no adapter. `where` begins the message. */
export function requireAdapter(adapter: Adapter | undefined, where: string): void {
  const problem = problemOf(adapter);
  if (problem !== undefined) throw new UserError(`${where}: the adapter ${problem}`);
}

function problemOf(value: unknown): string | undefined {
  if (value === undefined || value === null)
    return 'is missing: a training that ended without one says why in its "status" and "reason"; leave the adapter out to use the model as it is.';
  const sound = typeof value === "object" && "tensors" in value && "rank" in value;
  return sound ? undefined : "must be one that trainAdapters or loadAdapter gave.";
}

/** Throws UserError where `items` is not a list or is empty. `what` names one of them. */
export function requireSome(items: unknown, what: string, where: string): void {
  if (!Array.isArray(items)) throw new UserError(`${where}: the ${what}s must be a list.`);
  if (items.length === 0) throw new UserError(`${where}: there are no ${what}s.`);
}

/** Throws UserError for a token id that the model does not have. */
export function requireIds(ids: readonly number[], vocabularySize: number, where: string): void {
  const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabularySize);
  if (wrong !== undefined)
    throw new UserError(
      `${where} has the token id ${String(wrong)}; the model has 0 to ${vocabularySize - 1}.`,
    );
}
