/** Reading tokenizer.json: what is checked in a file, and what is made of a step, which has a type and settings. */
import { z } from "zod";
import { UserError } from "../../messages/errors";

/** Any step. */
export const stepSchema = z.looseObject({ type: z.string() });

/** A step of tokenizer.json whose settings are not checked yet. */
export type Step = z.infer<typeof stepSchema>;

/** By a step's type, what is made of it. */
export type Makers<T> = Readonly<Record<string, (step: Step) => T>>;

/** Makes what a step stands for. Throws UserError for a type that is not among the makers. */
export function make<T>(step: unknown, what: string, makers: Makers<T>): T {
  const typed = settings(step, what, stepSchema);
  if (!Object.hasOwn(makers, typed.type))
    throw new UserError(`the ${what} ${JSON.stringify(typed.type)} is not supported`);
  return makers[typed.type](typed);
}

/** A step's settings, checked. */
export function settings<T>(step: unknown, what: string, schema: z.ZodType<T>): T {
  return parsed(schema, step, (place, problem) => `the ${what}, ${place}: ${problem}`);
}

/** A whole file's contents, checked; `where` names the file in errors. */
export function checked<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  return parsed(
    schema,
    value,
    (place, problem) => `${where}: broken tokenizer${place && ` at ${place}`}: ${problem}`,
  );
}

function parsed<T>(
  schema: z.ZodType<T>,
  value: unknown,
  message: (place: string, problem: string) => string,
): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new UserError(message(issue.path.map(String).join("."), issue.message));
}

/** One character. */
export const oneCharacter = z
  .string()
  .refine((text) => [...text].length === 1, "expected one character");
