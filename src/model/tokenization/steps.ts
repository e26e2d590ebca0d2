/** Reading a step of tokenizer.json: a type, its settings, and what is made of them. */
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
  const checked = settings(step, what, stepSchema);
  if (!Object.hasOwn(makers, checked.type))
    throw new UserError(`the ${what} ${JSON.stringify(checked.type)} is not supported`);
  return makers[checked.type](checked);
}

/** A step's settings, checked. */
export function settings<T>(step: unknown, what: string, schema: z.ZodType<T>): T {
  const result = schema.safeParse(step);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new UserError(`the ${what}, ${issue.path.map(String).join(".")}: ${issue.message}`);
}

/** One character. */
export const oneCharacter = z
  .string()
  .refine((text) => [...text].length === 1, "expected one character");
