/** `value.name`, `value[key]` and `value[a:b]` as jinja2's sandbox resolves them: a name is sought as an attribute and as a key. */
import { braceFormat } from "./formatting";
import { isChanging, methodOf } from "./methods";
import { represent } from "./printing";
import {
  Callable,
  codePoints,
  Dict,
  fail,
  lengthOf,
  Markup,
  Range,
  Tuple,
  aTypeOf,
  Undefined,
  wholeOf,
  type Value,
} from "./values";

/** `object.name`: the attribute, else the key; Undefined where there is neither. */
export function attributeOf(object: Value, name: string): Value {
  if (object instanceof Undefined) return fail(object.reason);
  const attribute = ownAttribute(object, name);
  const found = attribute === undefined ? element(object, name) : attribute;
  return found === undefined ? missing(object, name) : found;
}

/** `object[key]`: the key, else the attribute; Undefined where there is neither. */
export function itemOf(object: Value, key: Value): Value {
  if (object instanceof Undefined) return fail(object.reason);
  const found = element(object, key);
  if (found !== undefined) return found;
  const name = key instanceof Markup ? key.text : key;
  const attribute = typeof name === "string" ? ownAttribute(object, name) : undefined;
  return attribute === undefined ? missing(object, key) : attribute;
}

function missing(object: Value, key: Value): Undefined {
  const what = aTypeOf(object);
  const kind = typeof key === "string" ? "attribute" : "element";
  return new Undefined(`${what} has no ${kind} ${represent(key)}`);
}

/** An attribute or method; Undefined for what the sandbox hides. */
function ownAttribute(object: Value, name: string): Value | undefined {
  if (isChanging(object, name))
    return new Undefined(`a template may not change ${aTypeOf(object)}: ${name} is not allowed`);
  if (/^__\w+__$/.test(name)) return new Undefined(`the attribute ${name} is not allowed`);
  if (typeof object === "string" && name === "format")
    return new Callable("str.format", (positional, named) =>
      braceFormat(object, positional, named, { attribute: attributeOf, item: itemOf }),
    );
  const attribute =
    object !== null && typeof object === "object" && !Array.isArray(object)
      ? object.attribute(name)
      : undefined;
  if (attribute !== undefined && name.startsWith("_"))
    return new Undefined(`the attribute ${name} is not allowed`);
  if (object instanceof Markup) return markupMethod(object, name);
  return attribute === undefined ? methodOf(object, name) : attribute;
}

/** Methods of a marked text would escape what they are given. */
function markupMethod(object: Markup, name: string): undefined {
  if (name === "format" || methodOf(object.text, name) !== undefined)
    fail(`${name}() of a text marked safe is not supported here`);
  return undefined;
}

function element(object: Value, key: Value): Value | undefined {
  if (object instanceof Dict) {
    if (Array.isArray(key) || key instanceof Dict) return undefined;
    return object.get(key);
  }
  const index = wholeOf(key);
  const length = lengthOf(object);
  if (index === undefined || length === undefined) return undefined;
  const place = Number(index) < 0 ? Number(index) + length : Number(index);
  if (place < 0 || place >= length) return undefined;
  if (typeof object === "string") return codePoints(object)[place];
  if (object instanceof Markup) return new Markup(codePoints(object.text)[place]);
  if (Array.isArray(object)) return object[place];
  if (object instanceof Tuple) return object.items[place];
  return object instanceof Range ? BigInt(object.start + place * object.step) : undefined;
}

/** `object[start:stop:step]`. Fails for what has no order. */
export function sliceOf(object: Value, start: Value, stop: Value, step: Value): Value {
  if (object instanceof Undefined) return fail(object.reason);
  const picked = <T>(items: ArrayLike<T>): T[] => {
    const [begin, end, stride] = sliceIndices(items.length, start, stop, step);
    const length = Math.max(0, Math.ceil((end - begin) / stride));
    return Array.from({ length }, (_, i) => items[begin + i * stride]);
  };
  if (typeof object === "string") return picked(codePoints(object)).join("");
  if (Array.isArray(object)) return picked(object);
  if (object instanceof Tuple) return new Tuple(picked(object.items));
  if (!(object instanceof Range)) return fail(`${aTypeOf(object)} cannot be sliced`);
  const [begin, end, stride] = sliceIndices(object.length, start, stop, step);
  const at = (place: number): number => object.start + place * object.step;
  return new Range(at(begin), at(end), object.step * stride);
}

/** Python's slice.indices. */
function sliceIndices(length: number, ...given: [Value, Value, Value]): [number, number, number] {
  const [start, stop, step] = given.map(sliceBound);
  const stride = step ?? 1;
  if (stride === 0) return fail("a slice's step cannot be zero");
  const [least, most] = stride > 0 ? [0, length] : [-1, length - 1];
  const place = (bound: number | undefined, missing: number): number =>
    bound === undefined
      ? missing
      : Math.min(most, Math.max(least, bound < 0 ? bound + length : bound));
  return stride > 0
    ? [place(start, least), place(stop, most), stride]
    : [place(start, most), place(stop, least), stride];
}

function sliceBound(value: Value): number | undefined {
  if (value === null) return undefined;
  const whole = wholeOf(value);
  return whole === undefined ? fail(`a slice needs ints, not ${aTypeOf(value)}`) : Number(whole);
}
