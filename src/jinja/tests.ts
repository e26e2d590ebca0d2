/** jinja2's tests: `value is name`. */
import { equal } from "./comparing";
import { binary, compare } from "./operators";
import { print } from "./printing";
import { kinds } from "./text";
import {
  Callable,
  Dict,
  DictView,
  elements,
  fail,
  isNumber,
  lengthOf,
  Markup,
  PythonObject,
  Undefined,
  type Value,
} from "./values";
import { define, type Body } from "./functions";

const comparing =
  (operator: string): Body =>
  (a, b) =>
    compare(operator, a ?? null, b ?? null);
const remainder = (value: Value | undefined, by: Value): Value => binary("%", value ?? null, by);

function isText(value: Value | undefined): boolean {
  return typeof value === "string" || value instanceof Markup;
}

function isSequence(value: Value | undefined): boolean {
  if (value === undefined || value instanceof DictView) return false;
  return lengthOf(value) !== undefined;
}

/** By name; `filter` and `test` are interpreter.ts's, which knows the names. */
const signatures: Readonly<Record<string, readonly [parameters: string, body: Body]>> = {
  odd: ["value", (value) => equal(remainder(value, 2n), 1n)],
  even: ["value", (value) => equal(remainder(value, 2n), 0n)],
  divisibleby: ["value, num", (value, by) => equal(remainder(value, by ?? null), 0n)],
  defined: ["value", (value) => !(value instanceof Undefined)],
  undefined: ["value", (value) => value instanceof Undefined],
  none: ["value", (value) => value === null],
  boolean: ["value", (value) => typeof value === "boolean"],
  true: ["value", (value) => value === true],
  false: ["value", (value) => value === false],
  integer: ["value", (value) => typeof value === "bigint"],
  float: ["value", (value) => typeof value === "number"],
  lower: ["value", (value) => kinds.islower.test(print(value ?? null))],
  upper: ["value", (value) => kinds.isupper.test(print(value ?? null))],
  string: ["value", isText],
  mapping: ["value", (value) => value instanceof Dict],
  number: ["value", (value) => isNumber(value ?? null)],
  sequence: ["value", isSequence],
  iterable: ["value", (value) => elements(value ?? null) !== undefined],
  callable: ["value", (value) => value instanceof Callable || value instanceof Undefined],
  escaped: ["value", (value) => value instanceof Markup],
  sameas: ["value, other", (value, other) => same(value ?? null, other ?? null)],
  in: ["value, seq", comparing("in")],
  eq: ["value, other", comparing("==")],
  ne: ["value, other", comparing("!=")],
  lt: ["value, other", comparing("<")],
  le: ["value, other", comparing("<=")],
  gt: ["value, other", comparing(">")],
  ge: ["value, other", comparing(">=")],
};

const otherNames: Readonly<Record<string, string>> = {
  equalto: "eq",
  "==": "eq",
  "!=": "ne",
  "<": "lt",
  lessthan: "lt",
  "<=": "le",
  ">": "gt",
  greaterthan: "gt",
  ">=": "ge",
};

/** All tests by name. */
export const tests: ReadonlyMap<string, Callable> = new Map(
  [
    ...Object.entries(signatures),
    ...Object.entries(otherNames).map(([name, own]) => [name, signatures[own]] as const),
  ].map(([name, [parameters, body]]) => [
    name,
    define(`test_${name.replace(/\W/g, "_")}(${parameters})`, body),
  ]),
);

/** Python's `is`: sure for None, booleans and lists or mappings, but not for numbers and texts, which it may keep once or twice. */
function same(a: Value, b: Value): boolean {
  if (
    a === b &&
    (a === null || typeof a === "boolean" || a instanceof PythonObject || Array.isArray(a))
  )
    return true;
  if (typeof a === typeof b && ["bigint", "number", "string"].includes(typeof a))
    return fail("is sameas for numbers and texts is not supported here: use ==");
  if (a instanceof Undefined && b instanceof Undefined) return false;
  return a === b;
}
