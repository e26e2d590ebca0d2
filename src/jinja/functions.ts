/** Functions that templates can call: arguments bound to names as Python binds them, and checked. */
import { aTypeOf, Callable, fail, Markup, wholeOf, type Value } from "./values";
import { print } from "./printing";

/** The work of a function: bound arguments in the signature's order, undefined where left out. */
export type Body = (...bound: (Value | undefined)[]) => Value;

interface Parameters {
  readonly name: string;
  readonly names: readonly string[];
  readonly required: number;
  /** Whether further positional arguments follow the named ones. */
  readonly rest: boolean;
  readonly byName: boolean;
}

/**
 * A function by its signature: `replace(old, new, count?)`. A question mark: may be left out; `*rest` at the end: any number
 * more; a `/` behind the parenthesis: no argument may be given by its name.
 */
export function define(signature: string, body: Body): Callable {
  const parameters = parametersOf(signature);
  return new Callable(parameters.name, (positional, named) =>
    body(...bind(parameters, positional, named)),
  );
}

/** A method by its signature, to be bound to the value that it is called on. */
export function method<T extends Value>(
  type: string,
  signature: string,
  body: (self: T, ...bound: (Value | undefined)[]) => Value,
): (self: T) => Callable {
  const parameters = parametersOf(`${type}.${signature}`);
  return (self) =>
    new Callable(
      parameters.name,
      (positional, named) => body(self, ...bind(parameters, positional, named)),
      "builtin_function_or_method",
    );
}

function parametersOf(signature: string): Parameters {
  const [, name = "", list = "", slash] = /^([\w.]+)\((.*)\)(\/?)$/.exec(signature) ?? [];
  const all = list.split(", ").filter(Boolean);
  const names = all.filter((one) => !one.startsWith("*"));
  return {
    name,
    names: names.map((one) => one.replace("?", "")),
    required: names.filter((one) => !one.endsWith("?")).length,
    rest: names.length < all.length,
    byName: slash !== "/",
  };
}

function bind(
  { name, names, required, rest, byName }: Parameters,
  positional: readonly Value[],
  named: ReadonlyMap<string, Value>,
): (Value | undefined)[] {
  if (positional.length > names.length && !rest)
    fail(`${name}() takes at most ${names.length} arguments, not ${positional.length}`);
  const bound: (Value | undefined)[] = names.map((_, i) => positional[i]);
  for (const [key, value] of named) {
    const place = byName ? names.indexOf(key) : -1;
    if (place < 0) fail(`${name}() takes no argument named "${key}"`);
    if (bound[place] !== undefined) fail(`${name}() got "${key}" twice`);
    bound[place] = value;
  }
  const missing = names.findIndex((_, i) => i < required && bound[i] === undefined);
  if (missing >= 0) fail(`${name}() lacks its argument "${names[missing]}"`);
  return [...bound, ...positional.slice(names.length)];
}

/** The text that an argument must be. */
export function textArgument(value: Value | undefined, what: string): string {
  if (typeof value === "string") return value;
  if (value instanceof Markup) return value.text;
  return fail(`${what} needs a text, not ${aTypeOf(value ?? null)}`);
}

/** The text that an argument may be; undefined for None or nothing. */
export function optionalText(value: Value | undefined, what: string): string | undefined {
  return value === undefined || value === null ? undefined : textArgument(value, what);
}

/** The whole number that an argument must be. */
export function intArgument(value: Value | undefined, what: string, missing?: number): number {
  if (value === undefined && missing !== undefined) return missing;
  const whole = wholeOf(value ?? null);
  return whole === undefined
    ? fail(`${what} needs an int, not ${aTypeOf(value ?? null)}`)
    : Number(whole);
}

/** What most text filters do first: anything as its text. */
export function softText(value: Value | undefined): string {
  return print(value ?? null);
}
