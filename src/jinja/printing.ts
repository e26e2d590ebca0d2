/** `str(value)` and `repr(value)`: how Python writes values. */
import { floatText } from "./numbers";
import {
  checkLength,
  Dict,
  DictView,
  fail,
  Iteration,
  Markup,
  Namespace,
  PythonObject,
  Tuple,
  aTypeOf,
  Undefined,
  type Value,
} from "./values";

/** What `{{ value }}` prints. */
export function print(value: Value): string {
  if (typeof value === "string") return value;
  if (value instanceof Undefined) return "";
  return value instanceof Markup ? value.text : represent(value);
}

/** As inside a printed list. Fails for what Python would print with its memory address. */
export function represent(value: Value): string {
  if (typeof value === "string") return quoted(value);
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return floatText(value);
  if (Array.isArray(value)) return `[${listed(value)}]`;
  if (value instanceof Tuple)
    return `(${listed(value.items)}${value.items.length === 1 ? "," : ""})`;
  if (value instanceof Dict) return dictText(value);
  if (value instanceof DictView) return `${value.type}([${listed(value.items)}])`;
  if (value instanceof Markup) return `Markup(${quoted(value.text)})`;
  if (value instanceof Namespace)
    return `<Namespace ${dictText(new Dict(value.attributes.entries()))}>`;
  return value.represent() ?? addressed(value);
}

function addressed(value: PythonObject): never {
  const hint = value instanceof Iteration ? ": put it through the filter list or join first" : "";
  return fail(`it prints ${aTypeOf(value)}, whose text in Python is a memory address${hint}`);
}

function dictText(dict: Dict): string {
  const entries = dict.entries();
  return `{${bounded(entries, ([key, value]) => `${represent(key)}: ${represent(value)}`)}}`;
}

function listed(items: readonly Value[]): string {
  return bounded(items, represent);
}

/** Joined with commas, and given up when it gets too long: one list may stand in another many times. */
function bounded<T>(items: readonly T[], text: (item: T) => string): string {
  let length = 0;
  return items
    .map((item) => {
      const part = text(item);
      checkLength((length += part.length + 2));
      return part;
    })
    .join(", ");
}

const escapes: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** In single quotes, or in double ones where only single ones are inside; what cannot be seen is escaped. */
function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inside = text.replace(/[\\'"]|(?! )[\p{C}\p{Z}]/gu, (character) => {
    if (character === "\\" || character === quote) return `\\${character}`;
    if (character === "'" || character === '"') return character;
    return escapes[character] ?? escaped(character.codePointAt(0) ?? 0);
  });
  return quote + inside + quote;
}

/** `\x1f`, `\u200b` or `\U000e0001`. */
function escaped(code: number): string {
  const [mark, digits] = code < 256 ? ["x", 2] : code < 65536 ? ["u", 4] : ["U", 8];
  return `\\${mark}${code.toString(16).padStart(Number(digits), "0")}`;
}
