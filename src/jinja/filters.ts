/** jinja2's filters of texts and numbers, `value | name`; those of sequences are sequence-filters.ts's. */
import { define, intArgument, optionalText, softText, textArgument, type Body } from "./functions";
import { percentFormat } from "./formatting";
import { jsonOptions, toJson } from "./json";
import { attributeOf } from "./lookup";
import { methodOf } from "./methods";
import { divideToEven, fixed, isNegative, readFloat, readInt, scaledInt, toFloat } from "./numbers";
import { binary, sign } from "./operators";
import { print } from "./printing";
import { sequenceFilters } from "./sequence-filters";
import * as text from "./text";
import {
  Callable,
  checkLength,
  codePoints,
  Dict,
  fail,
  isNumber,
  isTrue,
  Markup,
  Tuple,
  aTypeOf,
  Undefined,
  wholeOf,
  type Value,
} from "./values";

/** A text that is marked stays so under what looks at nothing else. */
const onText =
  (change: (text: string) => string): Body =>
  (value) =>
    value instanceof Markup ? new Markup(change(value.text)) : change(softText(value));

function escape(value: Value | undefined): Markup {
  if (value instanceof Markup) return value;
  return forceEscape(value);
}

function forceEscape(value: Value | undefined): Markup {
  const entities: Record<string, string> = {
    "&": "amp",
    "<": "lt",
    ">": "gt",
    "'": "#39",
    '"': "#34",
  };
  return new Markup(softText(value).replace(/[&<>'"]/g, (c) => `&${entities[c]};`));
}

/** Words start after whitespace, dashes and opening brackets. */
function titleWords(value: string): string {
  const parts = value.split(/([-\s({[<\x1c-\x1f\x85]+)/);
  return parts
    .map((part) => {
      const [first = "", ...rest] = part;
      return first.toUpperCase() + rest.join("").toLowerCase();
    })
    .join("");
}

function indent(value: Value | undefined, width: Value, first: boolean, blank: boolean): string {
  const source = textArgument(value, "indent");
  if (value instanceof Markup) fail("indent of a text marked safe is not supported here");
  const margin = typeof width === "string" ? width : text.repeat(" ", intArgument(width, "indent"));
  const lines = text.splitLines(`${source}\n`);
  checkLength(source.length + lines.length * margin.length);
  const indented = lines.map((line, i) => (i > 0 && (line !== "" || blank) ? margin + line : line));
  return (first ? margin : "") + indented.join("\n");
}

function truncate(
  value: Value | undefined,
  length: number,
  cut: boolean,
  end: string,
  leeway: number,
): string {
  const source = textArgument(value, "truncate");
  const points = codePoints(source);
  const room = length - codePoints(end).length;
  if (room < 0 || leeway < 0) fail("truncate: the length is less than that of its end");
  if (points.length <= length + leeway) return source;
  const start = text.window(source, 0, room) ?? "";
  return (cut ? start : text.split(start, " ", 1, true)[0]) + end;
}

function toInt(value: Value | undefined, missing: Value, base: number): Value {
  if (value instanceof Undefined) return fail(value.reason);
  const source = value instanceof Markup ? value.text : value;
  if (typeof source === "string") {
    const float = readFloat(source);
    return (
      readInt(source, base) ?? (Number.isFinite(float) ? BigInt(Math.trunc(float ?? 0)) : missing)
    );
  }
  if (!isNumber(source ?? null)) return missing;
  const number = wholeOf(source ?? null) ?? (source as number);
  if (typeof number === "bigint") return number;
  if (Number.isNaN(number)) return missing;
  return Number.isFinite(number) ? BigInt(Math.trunc(number)) : fail("int: the float is infinite");
}

function toFloatOr(value: Value | undefined, missing: Value): Value {
  if (value instanceof Undefined) return fail(value.reason);
  if (isNumber(value ?? null)) return toFloat(value as number);
  const source = value instanceof Markup ? value.text : value;
  return typeof source === "string" ? (readFloat(source) ?? missing) : missing;
}

function round(value: Value | undefined, digits: number, how: string): Value {
  if (!["common", "ceil", "floor"].includes(how))
    fail("round: the method is common, ceil or floor");
  if (!isNumber(value ?? null)) return fail(`round needs a number, not ${aTypeOf(value ?? null)}`);
  const number = wholeOf(value ?? null) ?? (value as number);
  if (how !== "common") {
    const scale = binary("**", 10n, BigInt(digits));
    const scaled = binary("*", number, scale) as bigint | number;
    if (typeof scaled === "bigint") return binary("/", scaled, scale);
    return binary("/", BigInt(how === "ceil" ? Math.ceil(scaled) : Math.floor(scaled)), scale);
  }
  if (typeof number === "bigint") {
    const unit = 10n ** BigInt(Math.max(0, -digits));
    return divideToEven(number, unit) * unit;
  }
  if (!Number.isFinite(number) || digits > 300) return number;
  if (digits >= 0) return Number(fixed(number, digits));
  const size = Number(`${scaledInt(Math.abs(number), digits)}e${-digits}`);
  return isNegative(number) ? -size : size;
}

function attribute(value: Value | undefined, name: Value | undefined): Value {
  const sought = textArgument(name, "attr");
  const object = value ?? null;
  const known =
    methodOf(object, sought) ??
    (object !== null && typeof object === "object" && !Array.isArray(object)
      ? object.attribute(sought)
      : undefined);
  if (known !== undefined || object instanceof Undefined) return attributeOf(object, sought);
  return new Undefined(`${aTypeOf(object)} has no attribute ${sought}`);
}

const bodies: Readonly<Record<string, readonly [parameters: string, body: Body]>> = {
  upper: ["s", onText((s) => s.toUpperCase())],
  lower: ["s", onText((s) => s.toLowerCase())],
  capitalize: ["s", onText(text.capitalize)],
  title: ["s", (s) => titleWords(softText(s))],
  trim: [
    "value, chars?",
    (value, characters) => {
      const kept = optionalText(characters, "trim");
      return onText((s) => text.strip(s, kept, "both"))(value);
    },
  ],
  center: [
    "value, width?",
    (value, width) => text.pad(softText(value), intArgument(width, "center", 80), " ", "both"),
  ],
  replace: [
    "s, old, new, count?",
    (s, old, by, limit) =>
      text.replace(
        softText(s),
        softText(old),
        softText(by),
        limit === null ? -1 : intArgument(limit, "replace", -1),
      ),
  ],
  indent: [
    "s, width?, first?, blank?",
    (s, width = 4n, first = false, blank = false) => indent(s, width, isTrue(first), isTrue(blank)),
  ],
  truncate: [
    "s, length?, killwords?, end?, leeway?",
    (s, length, cut = false, end = "...", leeway = null) =>
      truncate(
        s,
        intArgument(length, "truncate", 255),
        isTrue(cut),
        textArgument(end, "truncate"),
        leeway === null ? 5 : intArgument(leeway, "truncate"),
      ),
  ],
  wordcount: ["s", (s) => BigInt(softText(s).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0)],
  string: ["s", (s) => (s instanceof Markup ? s : softText(s))],
  safe: ["value", (value) => new Markup(softText(value))],
  escape: ["s", escape],
  e: ["s", escape],
  forceescape: ["value", forceEscape],
  tojson: [
    "x, ensure_ascii?, indent?, separators?, sort_keys?",
    (value = null, ascii = false, margin = null, separators = null, sorted = false) =>
      toJson(value, jsonOptions(ascii, margin, separators, sorted)),
  ],
  default: [
    "value, default_value?, boolean?",
    (value = null, other = "", boolean = false) =>
      value instanceof Undefined || (isTrue(boolean) && !isTrue(value)) ? other : value,
  ],
  abs: ["x", (x = null) => sign(isNumber(x) && isNegative(toFloat(x)) ? "-" : "+", x)],
  int: [
    "value, default?, base?",
    (value, missing = 0n, base) => toInt(value, missing, intArgument(base, "int", 10)),
  ],
  float: ["value, default?", (value, missing = 0) => toFloatOr(value, missing)],
  round: [
    "value, precision?, method?",
    (value, digits, how = "common") => round(value, intArgument(digits, "round", 0), print(how)),
  ],
  attr: ["obj, name", attribute],
};

/** `"%s" | format(…)`: values in order, or by name. */
const format = new Callable("format", ([value = null, ...values], named) => {
  if (values.length > 0 && named.size > 0)
    fail("format takes values in order or by name, not both");
  return percentFormat(
    softText(value),
    named.size > 0 ? new Dict(named.entries()) : new Tuple(values),
  );
});

/** What jinja2 has and this does not. */
const unsupported = "filesizeformat pprint random striptags urlencode urlize wordwrap xmlattr";

/** All filters by name. */
export const filters: ReadonlyMap<string, Callable> = new Map<string, Callable>([
  ...unsupported
    .split(" ")
    .map((name): [string, Callable] => [
      name,
      new Callable(name, () => fail(`the filter ${name} is not supported here`)),
    ]),
  ...Object.entries(bodies).map(([name, [parameters, body]]): [string, Callable] => [
    name,
    define(`${name}(${parameters})`, body),
  ]),
  ["d", define(`default(${bodies.default[0]})`, bodies.default[1])],
  ["format", format],
  ...sequenceFilters((name) => filters.get(name)),
]);
