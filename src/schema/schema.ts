/** Checks plain data against a zod schema and says in one line what is wrong, with the nearest known key. */
import { z } from "zod";
import { UserError } from "../messages/errors";

/**
 * `z.strictObject` with a type that keeps its keys' docstrings in declaration files, from which hovers in notebooks take
 * them; zod's own type makes copies of the keys, which lose them.
 */
export const strictObject: <T extends z.core.$ZodShape>(
  shape: T,
) => z.ZodObject<T, z.core.$strict> = z.strictObject;

/** The data as the schema has it, defaults filled in. Throws UserError naming the place and, for a misspelt key, the nearest known one. */
export function checkData<T extends z.ZodType>(
  schema: T,
  data: unknown,
  where: string,
): z.output<T> {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  // A misspelt key also leaves its right name missing: the misspelling is what to say.
  const issues = result.error.issues.flatMap(unfolded);
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
  const place = issue.path.map(String).join(".");
  if (issue.code !== "unrecognized_keys")
    throw new UserError(`${where}${place ? `: ${place}` : ""}: ${issue.message}`);
  const [key] = issue.keys;
  const known = knownKeys(schema, issue.path);
  const near = nearest(key, known);
  const full = [...issue.path.map(String), key].join(".");
  throw new UserError(
    `${where}: there is no setting "${full}"${near ? `; did you mean "${near}"?` : ""}`,
  );
}

/** A variant's name, which its results' folder is called by. */
export const variantName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9.-]*$/,
    'a name may be of small letters, digits, "." and "-", beginning with a letter or digit, such as "my-run-2"',
  );

/** The known word with the fewest edits from `word`, if that is less than half of its length. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, edits: editDistance(word, candidate) }))
    .sort((a, b) => a.edits - b.edits);
  const [best] = ranked;
  return best && best.edits <= Math.max(2, word.length / 2) ? best.candidate : undefined;
}

/** What is wrong, also where data may have several forms: then by the form that fits it best, an object's or a list's. */
function unfolded(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== "invalid_union") return [issue];
  const isAnother = (one: z.core.$ZodIssue): boolean =>
    one.code === "invalid_type" && one.path.length === 0;
  const form = issue.errors.find((own) => own.length > 0 && !own.some(isAnother));
  if (!form) return [issue];
  return form.flatMap(unfolded).map((one) => ({ ...one, path: [...issue.path, ...one.path] }));
}

/** Keys of the object schema at `path`. */
function knownKeys(schema: z.ZodType | undefined, path: readonly PropertyKey[]): string[] {
  const current = unwrapped(schema);
  const [key, ...rest] = path;
  if (current instanceof z.ZodUnion)
    return (current.options as z.ZodType[]).flatMap((form) => knownKeys(form, path));
  if (current instanceof z.ZodArray)
    return path.length > 0 ? knownKeys(current.element as z.ZodType, rest) : [];
  if (!(current instanceof z.ZodObject)) return [];
  const shape = current.shape as Record<string, z.ZodType>;
  return path.length > 0 ? knownKeys(shape[String(key)], rest) : Object.keys(shape);
}

function unwrapped(schema: z.ZodType | undefined): z.ZodType | undefined {
  let current = schema;
  while (
    current instanceof z.ZodDefault ||
    current instanceof z.ZodOptional ||
    current instanceof z.ZodPrefault ||
    current instanceof z.ZodReadonly ||
    current instanceof z.ZodPipe
  )
    current = (current instanceof z.ZodPipe ? current.in : current.unwrap()) as z.ZodType;
  return current;
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}
