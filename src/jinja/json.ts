/** The filter `tojson` as transformers sets it: Python's json.dumps, with nothing escaped for HTML. */
import { order } from "./comparing";
import { floatText } from "./numbers";
import { checkLength, Dict, fail, isTrue, Markup, Tuple, aTypeOf, type Value } from "./values";

/** json.dumps's options, as far as the filter takes them. */
export interface JsonOptions {
  readonly ensureAscii: boolean;
  /** The text for one level; undefined for all on one line. */
  readonly indent: string | undefined;
  /** Between items, and between key and value. */
  readonly separators: readonly [string, string];
  readonly sortKeys: boolean;
}

/** The options from the filter's arguments. */
export function jsonOptions(
  ensureAscii: Value,
  indent: Value,
  separators: Value,
  sortKeys: Value,
): JsonOptions {
  return {
    ensureAscii: isTrue(ensureAscii),
    indent: indentText(indent),
    separators: separators === null ? [indent === null ? ", " : ",", ": "] : pairOf(separators),
    sortKeys: isTrue(sortKeys),
  };
}

function indentText(indent: Value): string | undefined {
  if (indent === null || typeof indent === "string") return indent ?? undefined;
  if (typeof indent !== "bigint" && typeof indent !== "boolean")
    return fail(`tojson: indent is ${aTypeOf(indent)}`);
  checkLength(Number(indent));
  return " ".repeat(Math.max(0, Number(indent)));
}

function pairOf(separators: Value): [string, string] {
  const items = separators instanceof Tuple ? separators.items : separators;
  if (!Array.isArray(items) || items.length !== 2) return fail("tojson: separators are two texts");
  const [item, key] = items;
  if (typeof item !== "string" || typeof key !== "string")
    return fail("tojson: separators are two texts");
  return [item, key];
}

/** The value as JSON. Fails for what JSON cannot say. */
export function toJson(value: Value, options: JsonOptions, depth = 0): string {
  if (value === null) return "null";
  if (typeof value === "string") return quoted(value, options.ensureAscii);
  if (value instanceof Markup) return quoted(value.text, options.ensureAscii);
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "number") return numberText(value);
  const inside = (item: Value): string => toJson(item, options, depth + 1);
  if (Array.isArray(value)) return wrapped("[", value.map(bounded(inside)), "]", options, depth);
  if (value instanceof Tuple) return toJson(value.items, options, depth);
  if (!(value instanceof Dict)) return fail(`tojson: ${aTypeOf(value)} has no JSON form`);
  const entries = value.entries();
  if (options.sortKeys) entries.sort(([a], [b]) => order(a, b));
  const entry = ([key, item]: [Value, Value]): string =>
    quoted(keyText(key), options.ensureAscii) + options.separators[1] + inside(item);
  return wrapped("{", entries.map(bounded(entry)), "}", options, depth);
}

/** Stops where the parts get too long together. */
function bounded<T>(text: (item: T) => string): (item: T) => string {
  let length = 0;
  return (item) => {
    const part = text(item);
    checkLength((length += part.length));
    return part;
  };
}

function wrapped(
  open: string,
  parts: readonly string[],
  close: string,
  { indent, separators }: JsonOptions,
  depth: number,
): string {
  if (parts.length === 0) return open + close;
  if (indent === undefined) return open + parts.join(separators[0]) + close;
  checkLength(parts.length * indent.length * (depth + 1));
  const line = `\n${indent.repeat(depth + 1)}`;
  return `${open}${line}${parts.join(separators[0] + line)}\n${indent.repeat(depth)}${close}`;
}

function keyText(key: Value): string {
  if (typeof key === "string") return key;
  if (key instanceof Markup) return key.text;
  if (key === null || ["boolean", "bigint", "number"].includes(typeof key))
    return toJson(key, plain);
  return fail(`tojson: a key may not be ${aTypeOf(key)}`);
}

const plain: JsonOptions = {
  ensureAscii: false,
  indent: undefined,
  separators: [", ", ": "],
  sortKeys: false,
};

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value < 0 ? "-Infinity" : "Infinity";
  return floatText(value);
}

const named: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\f": "\\f",
  "\b": "\\b",
};

function quoted(text: string, ensureAscii: boolean): string {
  const special = ensureAscii ? /["\\]|[^ -~]/g : /["\\\0-\x1f]/g;
  const escaped = text.replace(
    special,
    (c) => named[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `"${escaped}"`;
}
