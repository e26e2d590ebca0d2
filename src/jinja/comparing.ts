/** Python's == and < on values. */
import {
  aTypeOf,
  Dict,
  DictView,
  fail,
  isNumber,
  Markup,
  PythonObject,
  Range,
  SURROGATE,
  Tuple,
  Undefined,
  wholeOf,
  type Value,
} from "./values";

/** `a == b`. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (isNumber(a) && isNumber(b)) return order(a, b) === 0;
  if (Array.isArray(a) && Array.isArray(b)) return sameItems(a, b);
  if (!(a instanceof PythonObject || b instanceof PythonObject)) return false;
  const [x, y] = [a, b].map((value) => (value instanceof Markup ? value.text : value));
  if (x instanceof Tuple && y instanceof Tuple) return sameItems(x.items, y.items);
  if (x instanceof Range && y instanceof Range) return sameItems(x.items, y.items);
  if (x instanceof Dict && y instanceof Dict)
    return (
      x.size === y.size &&
      x.entries().every(([key, value]) => {
        const other = y.get(key);
        return other !== undefined && equal(value, other);
      })
    );
  if (x instanceof DictView && y instanceof DictView)
    return fail("comparing the keys or items of two mappings is not supported here");
  return x === y || (x instanceof Undefined && y instanceof Undefined);
}

function sameItems(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((item, i) => equal(item, b[i]));
}

/** Negative, zero or positive as a is less than, equal to or greater than b; NaN where a float is. `sign` is for the error. */
export function order(a: Value, b: Value, sign = "<"): number {
  if (isNumber(a) && isNumber(b)) {
    const [x, y] = [wholeOf(a) ?? a, wholeOf(b) ?? b];
    if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
    return x < y ? -1 : x > y ? 1 : 0;
  }
  if (typeof a === "string" && typeof b === "string") return orderOfTexts(a, b);
  if (Array.isArray(a) && Array.isArray(b)) return orderOfItems(a, b, sign);
  if (a instanceof Tuple && b instanceof Tuple) return orderOfItems(a.items, b.items, sign);
  if (a instanceof Markup) return order(a.text, b, sign);
  if (b instanceof Markup) return order(a, b.text, sign);
  for (const value of [a, b]) if (value instanceof Undefined) fail(value.reason);
  return fail(`${sign} cannot compare ${aTypeOf(a)} with ${aTypeOf(b)}`);
}

function orderOfItems(a: readonly Value[], b: readonly Value[], sign: string): number {
  const different = a.findIndex((item, i) => i >= b.length || !equal(item, b[i]));
  if (different < 0 || different >= b.length) return a.length - b.length;
  return order(a[different], b[different], sign);
}

/** By code points, where JavaScript's < would go by halves of surrogate pairs. */
function orderOfTexts(a: string, b: string): number {
  if (!SURROGATE.test(a) || !SURROGATE.test(b)) {
    if (!SURROGATE.test(a + b)) return a < b ? -1 : a > b ? 1 : 0;
  }
  const [x, y] = [[...a], [...b]];
  const different = x.findIndex((character, i) => character !== y[i]);
  if (different < 0 || different >= y.length) return x.length - y.length;
  return (x[different].codePointAt(0) ?? 0) - (y[different].codePointAt(0) ?? 0);
}
