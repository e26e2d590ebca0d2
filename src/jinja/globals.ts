/** The functions that every template has: jinja2's own as transformers sets them, and transformers' two. */
import { define, intArgument, textArgument } from "./functions";
import { print } from "./printing";
import { strftime } from "./strftime";
import { Callable, Dict, fail, iterate, Namespace, Range, type Value } from "./values";

/** More numbers than this a sandbox's range does not give. */
const MAXIMUM_RANGE = 100_000;

/** The message of a template's raise_exception. */
export class RaisedByTemplate extends Error {}

function range(
  first: Value | undefined,
  second: Value | undefined,
  third: Value | undefined,
): Value {
  const start = second === undefined ? 0 : intArgument(first, "range()");
  const stop = intArgument(second === undefined ? first : second, "range()");
  const step = intArgument(third, "range()", 1);
  if (step === 0) return fail("range(): the step cannot be zero");
  const made = new Range(start, stop, step);
  return made.length <= MAXIMUM_RANGE
    ? made
    : fail(`range() may give at most ${MAXIMUM_RANGE} numbers`);
}

/** `dict(mapping or pairs, **named)`. */
function dictOf(positional: readonly Value[], named: ReadonlyMap<string, Value>): Dict {
  if (positional.length > 1) return fail("dict() and namespace() take at most one mapping");
  const dict = new Dict();
  const [source] = positional;
  if (source instanceof Dict) source.entries().forEach(([key, value]) => dict.set(key, value));
  else if (source !== undefined)
    for (const pair of iterate(source)) {
      const [key, value, ...more] = iterate(pair);
      if (key === undefined || value === undefined || more.length > 0)
        return fail("dict() needs pairs of a key and a value");
      dict.set(key, value);
    }
  named.forEach((value, name) => dict.set(name, value));
  return dict;
}

function namespace(positional: readonly Value[], named: ReadonlyMap<string, Value>): Namespace {
  const made = new Namespace();
  for (const [name, value] of dictOf(positional, named).entries()) {
    if (typeof name !== "string") return fail("a namespace's names are texts");
    if (name.startsWith("_")) return fail(`a namespace may not have the attribute ${name}`);
    made.attributes.set(name, value);
  }
  return made;
}

const unsupported = (name: string): [string, Value] => [
  name,
  new Callable(name, () => fail(`the function ${name} is not supported here`)),
];

/** The functions by name; `now` is what strftime_now tells. */
export function globals(now: () => Date): Map<string, Value> {
  return new Map<string, Value>([
    ["range", define("range(start, stop?, step?)/", range)],
    ["dict", new Callable("dict", dictOf)],
    ["namespace", new Callable("namespace", namespace)],
    [
      "raise_exception",
      define("raise_exception(message)", (message) => {
        throw new RaisedByTemplate(print(message ?? null));
      }),
    ],
    [
      "strftime_now",
      define("strftime_now(format)", (format) =>
        strftime(textArgument(format, "strftime_now()"), now()),
      ),
    ],
    unsupported("cycler"),
    unsupported("joiner"),
    unsupported("lipsum"),
    unsupported("self"),
  ]);
}
