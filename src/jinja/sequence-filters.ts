/** jinja2's filters of sequences and mappings. Those that Python has as generators are read once and only as far as needed. */
import { equal, order } from "./comparing";
import { define, intArgument, softText, textArgument, type Body } from "./functions";
import { itemOf } from "./lookup";
import { binary } from "./operators";
import { joinParts } from "./text";
import { print } from "./printing";
import { tests } from "./tests";
import {
  Callable,
  Dict,
  DictView,
  fail,
  isTrue,
  iterate,
  Iteration,
  lengthOf,
  listOf,
  orUndefined,
  Tuple,
  aTypeOf,
  Undefined,
  type Value,
} from "./values";

type Getter = (item: Value) => Value;

/** What `attribute="a.b.0"` takes out of an item. */
function getter(attribute: Value, missing: Value = null): Getter {
  const parts: Value[] =
    attribute === null
      ? []
      : typeof attribute !== "string"
        ? [attribute]
        : attribute.split(".").map((part) => (/^\d+$/.test(part) ? BigInt(part) : part));
  return (item) =>
    parts.reduce((object: Value, part) => {
      const found = itemOf(object, part);
      return found instanceof Undefined && missing !== null ? missing : found;
    }, item);
}

/** The key to sort or compare by: texts in lower case unless told. */
function keyed(attribute: Value, caseSensitive: Value, missing: Value = null): Getter {
  const get = getter(attribute, missing);
  return (item) => {
    const key = get(item);
    return typeof key === "string" && !isTrue(caseSensitive) ? key.toLowerCase() : key;
  };
}

/** Python's sorted: stable, also in reverse. */
function sorted(items: readonly Value[], key: Getter, reverse: Value): Value[] {
  const pairs = items.map((item) => [key(item), item] as const);
  const direction = isTrue(reverse) ? -1 : 1;
  return pairs.sort(([a], [b]) => direction * order(a, b) || 0).map(([, item]) => item);
}

function sort(value: Value, reverse: Value, caseSensitive: Value, attribute: Value): Value {
  const attributes = typeof attribute === "string" ? attribute.split(",") : [attribute];
  const keys = attributes.map((one) => keyed(one, caseSensitive));
  return sorted(listOf(value), (item) => keys.map((key) => key(item)), reverse);
}

function dictSort(value: Value, caseSensitive: Value, by: Value, reverse: Value): Value {
  if (!(value instanceof Dict)) return fail(`dictsort needs a mapping, not ${aTypeOf(value)}`);
  if (by !== "key" && by !== "value") return fail('dictsort sorts by "key" or "value"');
  const key = keyed(by === "key" ? 0n : 1n, caseSensitive);
  return sorted(
    value.entries().map((entry) => new Tuple(entry)),
    key,
    reverse,
  );
}

function extreme(direction: 1 | -1): Body {
  return (value = null, caseSensitive = false, attribute = null) => {
    const key = keyed(attribute, caseSensitive);
    let best: { item: Value; key: Value } | undefined;
    for (const item of iterate(value)) {
      const own = key(item);
      if (!best || direction * order(own, best.key) > 0) best = { item, key: own };
    }
    return best ? best.item : new Undefined("the sequence is empty");
  };
}

class GroupTuple extends Tuple {
  override attribute(name: string): Value | undefined {
    return name === "grouper" ? this.items[0] : name === "list" ? this.items[1] : undefined;
  }
}

function groupBy(value: Value, attribute: Value, missing: Value, caseSensitive: Value): Value {
  const key = keyed(attribute, caseSensitive, missing);
  const get = getter(attribute, missing);
  const groups: { key: Value; items: Value[] }[] = [];
  for (const item of sorted(listOf(value), key, false)) {
    const own = key(item);
    const last = groups.at(-1);
    if (last && equal(last.key, own)) last.items.push(item);
    else groups.push({ key: own, items: [item] });
  }
  return groups.map(({ items }) => new GroupTuple([get(items[0]), items]));
}

function* unique(value: Value, caseSensitive: Value, attribute: Value): Generator<Value> {
  const key = keyed(attribute, caseSensitive);
  const seen = new Dict();
  for (const item of iterate(value)) {
    const own = key(item);
    if (seen.has(own)) continue;
    seen.set(own, null);
    yield item;
  }
}

function* batch(value: Value, size: Value, fill: Value): Generator<Value> {
  let row: Value[] = [];
  const length = intArgument(size, "batch");
  for (const item of iterate(value)) {
    if (row.length === length) {
      yield row;
      row = [];
    }
    row.push(item);
  }
  if (row.length === 0) return;
  yield fill === null
    ? row
    : [...row, ...Array.from({ length: Math.max(0, length - row.length) }, () => fill)];
}

function* slices(value: Value, count: Value, fill: Value): Generator<Value> {
  const items = listOf(value);
  const parts = intArgument(count, "slice");
  if (parts === 0) fail("slice: division by zero");
  const [least, longer] = [Math.floor(items.length / parts), items.length % parts];
  for (let part = 0, start = 0; part < parts; part++) {
    const end = start + least + (part < longer ? 1 : 0);
    const own = items.slice(start, end);
    yield fill !== null && part >= longer ? [...own, fill] : own;
    start = end;
  }
}

function reversed(value: Value): Value {
  if (typeof value === "string") return [...value].reverse().join("");
  return new Iteration(listOf(value).reverse().values(), "reversed");
}

function last(value: Value): Value {
  if (value instanceof Iteration)
    return fail("last needs a sequence: put the filter list before it");
  return orUndefined(listOf(value).at(-1), "the sequence is empty");
}

function first(value: Value): Value {
  for (const item of iterate(value)) return item;
  return new Undefined("the sequence is empty");
}

function sum(value: Value, attribute: Value, start: Value): Value {
  if (typeof start === "string") return fail("sum does not join texts: use join");
  const get = getter(attribute);
  let total: Value = start;
  for (const item of iterate(value)) total = binary("+", total, get(item));
  return total;
}

function join(value: Value, separator: Value, attribute: Value): Value {
  return joinParts([...iterate(value)].map(getter(attribute)).map(print), softText(separator));
}

function lengthFilter(value: Value): Value {
  const length = lengthOf(value);
  if (length !== undefined) return BigInt(length);
  const hint = value instanceof Iteration ? ": put the filter list before it" : "";
  return fail(`${aTypeOf(value)} has no length${hint}`);
}

function* itemsOf(value: Value): Generator<Value> {
  if (value instanceof Undefined) return;
  if (!(value instanceof Dict)) fail(`items needs a mapping, not ${aTypeOf(value)}`);
  else yield* new DictView("items", value).items;
}

const bodies: Readonly<Record<string, readonly [parameters: string, body: Body]>> = {
  length: ["obj", (value = null) => lengthFilter(value)],
  count: ["obj", (value = null) => lengthFilter(value)],
  first: ["seq", (value = null) => first(value)],
  last: ["seq", (value = null) => last(value)],
  list: ["value", (value = null) => listOf(value)],
  items: ["value", (value = null) => new Iteration(itemsOf(value))],
  reverse: ["value", (value = null) => reversed(value)],
  join: [
    "value, d?, attribute?",
    (value = null, separator = "", by = null) => join(value, separator, by),
  ],
  sort: [
    "value, reverse?, case_sensitive?, attribute?",
    (value = null, reverse = false, sensitive = false, by = null) =>
      sort(value, reverse, sensitive, by),
  ],
  dictsort: [
    "value, case_sensitive?, by?, reverse?",
    (value = null, sensitive = false, by = "key", reverse = false) =>
      dictSort(value, sensitive, by, reverse),
  ],
  min: ["value, case_sensitive?, attribute?", extreme(-1)],
  max: ["value, case_sensitive?, attribute?", extreme(1)],
  sum: [
    "iterable, attribute?, start?",
    (value = null, by = null, start = 0n) => sum(value, by, start),
  ],
  unique: [
    "value, case_sensitive?, attribute?",
    (value = null, sensitive = false, by = null) => new Iteration(unique(value, sensitive, by)),
  ],
  groupby: [
    "value, attribute, default?, case_sensitive?",
    (value = null, by = null, missing = null, sensitive = false) =>
      groupBy(value, by, missing, sensitive),
  ],
  batch: [
    "value, linecount, fill_with?",
    (value = null, size = null, fill = null) => new Iteration(batch(value, size, fill)),
  ],
  slice: [
    "value, slices, fill_with?",
    (value = null, count = null, fill = null) => new Iteration(slices(value, count, fill)),
  ],
};

/** A filter whose further arguments are those of the test or filter that it is given by name. */
function lazy(
  name: string,
  work: (value: Value, rest: Value[], named: Map<string, Value>) => Generator<Value>,
): Callable {
  return new Callable(
    name,
    ([value = null, ...rest], named) => new Iteration(work(value, rest, new Map(named))),
  );
}

function selecting(name: string, keep: boolean, byAttribute: boolean): Callable {
  return lazy(name, function* (value, [...rest], named) {
    if (!isTrue(value)) return;
    if (byAttribute && rest.length === 0) fail(`${name} needs an attribute`);
    const get = getter(byAttribute ? (rest.shift() ?? null) : null);
    const test = rest.length > 0 ? namedTest(rest.shift() ?? null) : undefined;
    for (const item of iterate(value)) {
      const own = get(item);
      if (isTrue(test ? test.call([own, ...rest], named) : own) === keep) yield item;
    }
  });
}

function namedTest(name: Value): Callable {
  const known = tests.get(textArgument(name, "a test's name"));
  return known ?? fail(`there is no test named ${print(name)}`);
}

function mapping(filterNamed: (name: string) => Callable | undefined): Callable {
  return lazy("map", function* (value, [name, ...rest], named) {
    if (!isTrue(value)) return;
    let change: Getter;
    const attribute = named.get("attribute");
    if (name === undefined && attribute !== undefined) {
      for (const key of named.keys())
        if (key !== "attribute" && key !== "default") fail(`map takes no argument named "${key}"`);
      change = getter(attribute, named.get("default") ?? null);
    } else {
      const sought = textArgument(name ?? fail("map needs a filter or attribute"), "map");
      const filter = filterNamed(sought) ?? fail(`there is no filter named ${sought}`);
      change = (item) => filter.call([item, ...rest], named);
    }
    for (const item of iterate(value)) yield change(item);
  });
}

/** The filters by name; `filterNamed` finds those that `map` is given. */
export function sequenceFilters(
  filterNamed: (name: string) => Callable | undefined,
): [string, Callable][] {
  return [
    ...Object.entries(bodies).map(([name, [parameters, body]]): [string, Callable] => [
      name,
      define(`${name}(${parameters})`, body),
    ]),
    ["select", selecting("select", true, false)],
    ["reject", selecting("reject", false, false)],
    ["selectattr", selecting("selectattr", true, true)],
    ["rejectattr", selecting("rejectattr", false, true)],
    ["map", mapping(filterNamed)],
  ];
}
