/** `"%s" % value` and `"{}".format(value)`, with Python's format specifications for texts and numbers. */
import { exponentText, fixed, floatText, isNegative, scientific, toFloat } from "./numbers";
import { print, represent } from "./printing";
import {
  checkLength,
  codePoints,
  Dict,
  fail,
  isNumber,
  Range,
  Undefined,
  Tuple,
  aTypeOf,
  wholeOf,
  type Value,
} from "./values";

/** How one value is to be written. */
interface Form {
  /** `<`, `>`, `^` or `=` (fill between sign and digits). */
  readonly align: string;
  readonly fill: string;
  /** `+`, space or nothing. */
  readonly sign: string;
  readonly alternate: boolean;
  readonly width: number;
  /** `,`, `_` or nothing. */
  readonly grouping: string;
  readonly precision: number | undefined;
  readonly type: string;
}

const PERCENT = /%(?:\(([^)]*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d*))?[hlL]?(.?)/gsu;

/** `text % values`: values in a tuple, or one value, or a mapping for `%(name)s`. */
export function percentFormat(text: string, values: Value): string {
  const list = values instanceof Tuple ? values.items : [values];
  let next = 0;
  const take = (): Value =>
    next < list.length ? list[next++] : fail("%: not enough values for the text");
  const result = text.replace(
    PERCENT,
    (
      _,
      key: string | undefined,
      flags: string,
      width = "0",
      precision: string | undefined,
      type: string,
    ) => {
      if (type === "%") return "%";
      if (type === "") return fail("%: the text ends within a format");
      const size = width === "*" ? star(take()) : Number(width);
      const digits =
        precision === "*" ? star(take()) : precision === undefined ? undefined : Number(precision);
      const value = key === undefined ? take() : ofMapping(values, key);
      return percentValue(value, type, flags, size, digits);
    },
  );
  // Python minds values that are left over only where they come in a tuple or cannot be subscripted.
  const subscripted = [Dict, Range, Undefined].some((type) => values instanceof type);
  if (next < list.length && !subscripted && !Array.isArray(values))
    return fail("%: more values than the text has formats for");
  return result;
}

function star(value: Value): number {
  return typeof value === "bigint" ? Number(value) : fail("%: * needs an int");
}

function ofMapping(values: Value, key: string): Value {
  if (!(values instanceof Dict)) return fail("%: a format with a name needs a mapping");
  const value = values.get(key);
  return value === undefined ? fail(`%: the mapping has no ${represent(key)}`) : value;
}

function percentValue(
  value: Value,
  type: string,
  flags: string,
  width: number,
  precision?: number,
): string {
  const left = flags.includes("-");
  const base = {
    align: left ? "<" : flags.includes("0") && !"sr".includes(type) ? "=" : ">",
    fill: !left && flags.includes("0") && !"sr".includes(type) ? "0" : " ",
    sign: flags.includes("+") ? "+" : flags.includes(" ") ? " " : "",
    alternate: flags.includes("#"),
    width,
    grouping: "",
    precision,
  };
  if (type === "s" || type === "r")
    return textForm(type === "s" ? print(value) : represent(value), { ...base, type: "s" });
  if (type === "c" && typeof value === "string" && codePoints(value).length === 1)
    return textForm(value, { ...base, type: "s" });
  if (!isNumber(value)) return fail(`%${type} needs a number, not ${aTypeOf(value)}`);
  if ("diu".includes(type)) {
    const whole = wholeOf(value) ?? BigInt(Math.trunc(finite(value as number)));
    return intForm(whole, { ...base, type: "d" });
  }
  if ("oxX".includes(type))
    return intForm(wholeOf(value) ?? fail(`%${type} needs an int, not a float`), { ...base, type });
  if ("eEfFgG".includes(type)) return floatForm(toFloat(value), { ...base, type });
  return fail(`%${type} is not supported`);
}

const FIELD = /\{\{|\}\}|\{([^{}!:]*)(?:!([rsa]))?(?::((?:[^{}]|\{[^{}]*\})*))?\}|[{}]/g;

/** How `{a.b}` and `{a[b]}` are looked up. */
export interface Lookups {
  attribute(object: Value, name: string): Value;
  item(object: Value, key: Value): Value;
}

/** `text.format(…)`. */
export function braceFormat(
  text: string,
  positional: readonly Value[],
  named: ReadonlyMap<string, Value>,
  lookups: Lookups,
): string {
  let next = 0;
  const field = (name: string): Value => {
    const [, first = "", rest = ""] = /^([^.[]*)(.*)$/s.exec(name) ?? [];
    const key = first === "" ? String(next++) : first;
    const value = /^\d+$/.test(key) ? positional[Number(key)] : named.get(key);
    if (value === undefined) return fail(`format(): no value for {${key}}`);
    return [...rest.matchAll(/\.([^.[]+)|\[([^\]]*)\]/g)].reduce(
      (object: Value, [, attribute, item]) =>
        attribute !== undefined
          ? lookups.attribute(object, attribute)
          : lookups.item(object, /^\d+$/.test(item) ? BigInt(item) : item),
      value,
    );
  };
  return text.replace(FIELD, (all: string, name?: string, conversion?: string, spec?: string) => {
    if (all === "{{" || all === "}}") return all[0];
    if (name === undefined) return fail("format(): single { or } in the text");
    const value = field(name);
    if (conversion === "a") return fail("format(): !a is not supported");
    const converted =
      conversion === "r" ? represent(value) : conversion === "s" ? print(value) : value;
    return formatValue(
      converted,
      (spec ?? "").replace(/\{([^{}]*)\}/g, (_: string, inner: string) => print(field(inner))),
    );
  });
}

const SPEC = /^(?:(.)?([<>=^]))?([-+ ])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/su;

/** `format(value, spec)`. */
function formatValue(value: Value, spec: string): string {
  if (spec === "") return print(value);
  const found = SPEC.exec(spec);
  if (!found) return fail(`format(): the specification ${represent(spec)} is not supported`);
  const [, fill, align, sign, alternate, zero, width, grouping, precision, type = ""] = found;
  const form: Form = {
    align: align ?? (zero && isNumber(value) ? "=" : isNumber(value) ? ">" : "<"),
    fill: fill ?? (zero ? "0" : " "),
    sign: sign === "-" ? "" : (sign ?? ""),
    alternate: alternate !== undefined,
    width: Number(width ?? 0),
    grouping: grouping ?? "",
    precision: precision === undefined ? undefined : Number(precision),
    type,
  };
  if (typeof value === "string") {
    if ((type !== "" && type !== "s") || form.align === "=" || sign || alternate || grouping)
      return fail(`format(): the specification ${represent(spec)} does not fit a text`);
    return textForm(value, form);
  }
  if (!isNumber(value)) return fail(`format(): ${aTypeOf(value)} takes no specification`);
  const whole = wholeOf(value);
  if (whole !== undefined && "bdoxXn".includes(type || "d") && precision === undefined)
    return intForm(whole, { ...form, type: type || "d" });
  if (type === "" || "eEfFgG%".includes(type)) return floatForm(toFloat(value), form);
  return fail(`format(): the specification ${represent(spec)} does not fit ${aTypeOf(value)}`);
}

function textForm(text: string, form: Form): string {
  const points = codePoints(text);
  const cut = form.precision === undefined ? text : [...points].slice(0, form.precision).join("");
  return aligned("", cut, form);
}

function intForm(value: bigint, form: Form): string {
  const { type } = form;
  const base = { b: 2, o: 8, x: 16, X: 16 }[type] ?? 10;
  checkLength(form.precision ?? 0);
  if (form.grouping === "," && type !== "d") fail(`format(): a comma does not go with ${type}`);
  const digits = (value < 0n ? -value : value).toString(base).padStart(form.precision ?? 1, "0");
  const prefix = form.alternate && base !== 10 ? `0${type}` : "";
  const grouped = group(
    type === "X" ? digits.toUpperCase() : digits,
    form.grouping,
    base === 10 ? 3 : 4,
  );
  return aligned(signOf(value < 0n, form) + prefix, grouped, form);
}

function floatForm(value: number, form: Form): string {
  const size = Math.abs(value);
  const sign = signOf(isNegative(value), form);
  if (!Number.isFinite(value)) {
    const word = Number.isNaN(value) ? "nan" : "inf";
    return aligned(sign, /[EFG]/.test(form.type) ? word.toUpperCase() : word, form);
  }
  const { precision, alternate } = form;
  if (alternate || (precision ?? 0) > 300)
    return fail("this way of formatting a float is not supported");
  const text = floatDigits(size, form.type, precision);
  const [, whole = "", rest = ""] = /^(\d+)(.*)$/s.exec(text) ?? [];
  return aligned(sign, group(whole, form.grouping, 3) + rest, form);
}

function floatDigits(size: number, type: string, precision: number | undefined): string {
  switch (type.toLowerCase()) {
    case "f":
      return fixed(size, precision ?? 6);
    case "%":
      return `${fixed(size * 100, precision ?? 6)}%`;
    case "e": {
      const { digits, exponent } = scientific(size, precision ?? 6);
      return `${digits}${type}${exponentText(exponent)}`;
    }
    case "g":
      return general(size, Math.max(1, precision ?? 6), type === "G" ? "E" : "e");
    default:
      if (precision === undefined) return floatText(size);
      return fail("a precision without a type is not supported");
  }
}

/** The shorter of the two ways, without zeros at the end. */
function general(size: number, precision: number, mark: string): string {
  const { digits, exponent } = scientific(size, precision - 1);
  const bare = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (exponent < -4 || exponent >= precision)
    return `${bare(digits)}${mark}${exponentText(exponent)}`;
  return bare(fixed(size, precision - 1 - exponent));
}

function signOf(negative: boolean, form: Form): string {
  return negative ? "-" : form.sign;
}

function group(digits: string, mark: string, every: number): string {
  if (mark === "") return digits;
  return digits.replace(new RegExp(`\\B(?=(?:[0-9a-fA-F]{${every}})+$)`, "g"), mark);
}

function aligned(sign: string, body: string, form: Form): string {
  const length = sign.length + codePoints(body).length;
  const missing = Math.max(0, form.width - length);
  checkLength(length + missing);
  if (form.align === "=") {
    if (form.grouping !== "" && form.fill === "0" && missing > 0)
      return fail("zeros before grouped digits are not supported");
    return sign + form.fill.repeat(missing) + body;
  }
  const left = form.align === "<" ? 0 : form.align === "^" ? missing >> 1 : missing;
  return form.fill.repeat(left) + sign + body + form.fill.repeat(missing - left);
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : fail("an infinite float is no int");
}
