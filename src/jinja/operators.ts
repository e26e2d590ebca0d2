/** Operators on values: + - * / // % ** and the comparisons, as Python has them. */
import { equal, order } from "./comparing";
import { percentFormat } from "./formatting";
import { arithmetic, toFloat } from "./numbers";
import { repeat } from "./text";
import {
  checkLength,
  Dict,
  fail,
  isNumber,
  iterate,
  Markup,
  Tuple,
  aTypeOf,
  Undefined,
  wholeOf,
  type Value,
} from "./values";

/** `left operator right`. */
export function binary(operator: string, left: Value, right: Value): Value {
  for (const value of [left, right]) {
    if (value instanceof Undefined && !(operator === "%" && typeof left === "string"))
      return fail(value.reason);
    if (value instanceof Markup)
      return fail(`${operator} with a text marked safe is not supported here`);
  }
  return (
    arithmetic(operator, left, right) ??
    joining(operator, left, right) ??
    (operator === "%" && typeof left === "string" ? percentFormat(left, right) : undefined) ??
    fail(`${operator} does not take ${aTypeOf(left)} and ${aTypeOf(right)}`)
  );
}

/** + and * of texts and sequences. */
function joining(operator: string, left: Value, right: Value): Value | undefined {
  if (operator === "+") {
    if (typeof left === "string" && typeof right === "string") {
      checkLength(left.length + right.length);
      return left + right;
    }
    if (Array.isArray(left) && Array.isArray(right)) return joinedItems(left, right);
    if (left instanceof Tuple && right instanceof Tuple)
      return new Tuple(joinedItems(left.items, right.items));
  }
  if (operator !== "*") return undefined;
  const times = wholeOf(left) ?? wholeOf(right);
  const sequence = wholeOf(left) === undefined ? left : right;
  if (times === undefined) return undefined;
  if (typeof sequence === "string") return repeat(sequence, Number(times));
  if (Array.isArray(sequence)) return repeatedItems(sequence, Number(times));
  return sequence instanceof Tuple
    ? new Tuple(repeatedItems(sequence.items, Number(times)))
    : undefined;
}

function joinedItems(left: Value[], right: Value[]): Value[] {
  checkLength(left.length + right.length);
  return [...left, ...right];
}

function repeatedItems(items: Value[], times: number): Value[] {
  checkLength(items.length * Math.max(0, times));
  return Array.from({ length: Math.max(0, times) }, () => items).flat();
}

/** `-value` and `+value`. */
export function sign(operator: "+" | "-", value: Value): Value {
  if (value instanceof Undefined) return fail(value.reason);
  if (!isNumber(value)) return fail(`${operator} does not take ${aTypeOf(value)}`);
  const whole = wholeOf(value);
  if (whole !== undefined) return operator === "-" ? -whole : whole;
  return operator === "-" ? -toFloat(value) : value;
}

/** One comparison: == != < <= > >= in, "not in". */
export function compare(operator: string, left: Value, right: Value): boolean {
  switch (operator) {
    case "==":
      return equal(left, right);
    case "!=":
      return !equal(left, right);
    case "<":
      return order(left, right, operator) < 0;
    case "<=":
      return order(left, right, operator) <= 0;
    case ">":
      return order(left, right, operator) > 0;
    case ">=":
      return order(left, right, operator) >= 0;
    case "in":
      return contains(right, left);
    default:
      return !contains(right, left);
  }
}

/** `item in container`. */
export function contains(container: Value, item: Value): boolean {
  const text = container instanceof Markup ? container.text : container;
  if (typeof text === "string") {
    const part = item instanceof Markup ? item.text : item;
    if (typeof part === "string") return text.includes(part);
    return fail(`"in" a text needs a text before it, not ${aTypeOf(item)}`);
  }
  if (text instanceof Dict) return text.has(item);
  for (const element of iterate(text)) if (equal(element, item)) return true;
  return false;
}
