/** Checks plain data against a zod schema and says in one line what is wrong, with the nearest known key. */
import { z } from "zod";
import { UserError } from "../messages/errors";

/** The data as the schema has it, defaults filled in. Throws UserError naming the place and, for a misspelt key, the nearest known one. */
export function checkData<T extends z.ZodType>(
  schema: T,
  data: unknown,
  where: string,
): z.output<T> {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  // A misspelt key also leaves its right name missing: the misspelling is what to say.
  const { issues } = result.error;
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

/** The known word with the fewest edits from `word`, if that is less than half of its length. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, edits: editDistance(word, candidate) }))
    .sort((a, b) => a.edits - b.edits);
  const [best] = ranked;
  return best && best.edits <= Math.max(2, word.length / 2) ? best.candidate : undefined;
}

/** Keys of the object schema at `path`. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let current: z.ZodType | undefined = schema;
  for (const key of path) {
    current = unwrapped(current);
    if (current instanceof z.ZodObject)
      current = (current.shape as Record<string, z.ZodType>)[String(key)];
    else if (current instanceof z.ZodArray) current = current.element as z.ZodType;
    else return [];
  }
  const last = unwrapped(current);
  const objects = last instanceof z.ZodDiscriminatedUnion ? last.options : [last];
  return objects.flatMap((object) =>
    object instanceof z.ZodObject ? Object.keys(object.shape as object) : [],
  );
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
