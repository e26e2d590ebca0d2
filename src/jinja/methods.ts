/** The methods that templates may call on texts, lists, tuples and mappings; those that change a value are refused, as transformers does. */
import { equal } from "./comparing";
import { intArgument, method, optionalText, textArgument } from "./functions";
import { print } from "./printing";
import * as text from "./text";
import {
  Callable,
  Dict,
  DictView,
  fail,
  iterate,
  MAXIMUM_LENGTH,
  Range,
  Tuple,
  typeName,
  type Value,
} from "./values";

type Bound<T extends Value> = Readonly<Record<string, (self: T) => Callable>>;

const str = (
  signature: string,
  body: (self: string, ...bound: (Value | undefined)[]) => Value,
): ((self: string) => Callable) => method<string>("str", signature, body);

/** Start and end of a search, as in slices. */
function places(start: Value | undefined, end: Value | undefined, what: string): [number, number] {
  const place = (value: Value | undefined, missing: number): number =>
    value === null ? missing : intArgument(value, what, missing);
  return [place(start, 0), place(end, MAXIMUM_LENGTH)];
}

function finding(name: string, last: boolean, strict: boolean): (self: string) => Callable {
  return str(`${name}(sub, start?, end?)/`, (self, sub, start, end) => {
    const part = textArgument(sub, `str.${name}()`);
    const found = text.find(self, part, ...places(start, end, `str.${name}()`), last);
    if (found < 0 && strict) fail(`str.${name}(): the text has no ${JSON.stringify(part)}`);
    return BigInt(found);
  });
}

function edge(name: "startswith" | "endswith"): (self: string) => Callable {
  return str(`${name}(affix, start?, end?)/`, (self, affix, start, end) => {
    const part = text.window(self, ...places(start, end, `str.${name}()`));
    const all = affix instanceof Tuple ? affix.items : [affix];
    return all.some((one) => {
      const sought = textArgument(one, `str.${name}()`);
      return (name === "startswith" ? part?.startsWith(sought) : part?.endsWith(sought)) ?? false;
    });
  });
}

function stripping(name: string, side: text.Side): (self: string) => Callable {
  return str(`${name}(chars?)/`, (self, characters) =>
    text.strip(self, optionalText(characters, `str.${name}()`), side),
  );
}

function splitting(name: string, fromRight: boolean): (self: string) => Callable {
  return str(`${name}(sep?, maxsplit?)`, (self, separator, limit) =>
    text.split(
      self,
      optionalText(separator, `str.${name}()`),
      intArgument(limit, `str.${name}()`, -1),
      fromRight,
    ),
  );
}

function partitioning(name: string, last: boolean): (self: string) => Callable {
  return str(`${name}(sep)/`, (self, separator) => {
    const sought = textArgument(separator, `str.${name}()`);
    if (sought === "") fail(`str.${name}(): the separator is empty`);
    const at = last ? self.lastIndexOf(sought) : self.indexOf(sought);
    if (at < 0) return new Tuple(last ? ["", "", self] : [self, "", ""]);
    return new Tuple([self.slice(0, at), sought, self.slice(at + sought.length)]);
  });
}

function padding(name: string, where: "left" | "right" | "both"): (self: string) => Callable {
  return str(`${name}(width, fillchar?)/`, (self, width, fill) => {
    const filling = fill === undefined ? " " : textArgument(fill, `str.${name}()`);
    if ([...filling].length !== 1) fail(`str.${name}(): fillchar is one character`);
    return text.pad(self, intArgument(width, `str.${name}()`), filling, where);
  });
}

const kindMethods = Object.fromEntries(
  Object.entries(text.kinds).map(([name, kind]) => [
    name,
    str(`${name}()/`, (self) => kind.test(self)),
  ]),
);

/** Methods of texts; `format` is lookup.ts's. */
export const textMethods: Bound<string> = {
  ...kindMethods,
  istitle: str("istitle()/", text.isTitle),
  upper: str("upper()/", (self) => self.toUpperCase()),
  lower: str("lower()/", (self) => self.toLowerCase()),
  title: str("title()/", text.title),
  capitalize: str("capitalize()/", text.capitalize),
  swapcase: str("swapcase()/", text.swapCase),
  strip: stripping("strip", "both"),
  lstrip: stripping("lstrip", "left"),
  rstrip: stripping("rstrip", "right"),
  split: splitting("split", false),
  rsplit: splitting("rsplit", true),
  splitlines: str("splitlines(keepends?)", (self, keep) => text.splitLines(self, keep === true)),
  partition: partitioning("partition", false),
  rpartition: partitioning("rpartition", true),
  startswith: edge("startswith"),
  endswith: edge("endswith"),
  find: finding("find", false, false),
  rfind: finding("rfind", true, false),
  index: finding("index", false, true),
  rindex: finding("rindex", true, true),
  count: str("count(sub, start?, end?)/", (self, sub, start, end) =>
    BigInt(
      text.count(
        text.window(self, ...places(start, end, "str.count()")),
        textArgument(sub, "str.count()"),
      ),
    ),
  ),
  replace: str("replace(old, new, count?)", (self, old, by, limit) =>
    text.replace(
      self,
      textArgument(old, "str.replace()"),
      textArgument(by, "str.replace()"),
      intArgument(limit, "str.replace()", -1),
    ),
  ),
  removeprefix: str("removeprefix(prefix)/", (self, prefix) => {
    const sought = textArgument(prefix, "str.removeprefix()");
    return self.startsWith(sought) ? self.slice(sought.length) : self;
  }),
  removesuffix: str("removesuffix(suffix)/", (self, suffix) => {
    const sought = textArgument(suffix, "str.removesuffix()");
    return self.endsWith(sought) ? self.slice(0, self.length - sought.length) : self;
  }),
  join: str("join(iterable)/", (self, items) => joinTexts(self, items)),
  ljust: padding("ljust", "right"),
  rjust: padding("rjust", "left"),
  center: padding("center", "both"),
  zfill: str("zfill(width)/", (self, width) => {
    const [, sign = "", rest = ""] = /^([+-]?)(.*)$/s.exec(self) ?? [];
    const size = intArgument(width, "str.zfill()") - sign.length;
    return sign + text.pad(rest, size, "0", "left");
  }),
  expandtabs: str("expandtabs(tabsize?)", (self, size) =>
    text.expandTabs(self, intArgument(size, "str.expandtabs()", 8)),
  ),
};

function joinTexts(separator: string, items: Value | undefined): string {
  const parts = [...iterate(items ?? null)].map((item) => textArgument(item, "str.join()"));
  return text.joinParts(parts, separator);
}

function sequenceMethods(type: string): Bound<Value> {
  const items = (self: Value): Iterable<Value> => iterate(self);
  return {
    index: method<Value>(type, "index(value, start?, end?)/", (self, value, start, end) => {
      const all = [...items(self)];
      const [first, last] = places(start, end, `${type}.index()`);
      const from = first < 0 ? Math.max(0, first + all.length) : first;
      const to = last < 0 ? last + all.length : last;
      const at = all.findIndex((item, i) => i >= from && i < to && equal(item, value ?? null));
      return at < 0 ? fail(`${type}.index(): the value is not in it`) : BigInt(at);
    }),
    count: method<Value>(type, "count(value)/", (self, value) =>
      BigInt([...items(self)].filter((item) => equal(item, value ?? null)).length),
    ),
  };
}

const listMethods: Bound<Value> = {
  ...sequenceMethods("list"),
  copy: method<Value>("list", "copy()/", (self) => [...iterate(self)]),
};

const dictMethods: Bound<Dict> = {
  get: method<Dict>("dict", "get(key, default?)/", (self, key, missing) => {
    const found = self.get(key ?? null);
    return found === undefined ? (missing ?? null) : found;
  }),
  keys: method<Dict>("dict", "keys()/", (self) => new DictView("keys", self)),
  values: method<Dict>("dict", "values()/", (self) => new DictView("values", self)),
  items: method<Dict>("dict", "items()/", (self) => new DictView("items", self)),
  copy: method<Dict>("dict", "copy()/", (self) => new Dict(self.entries())),
};

/** What would change a value: for transformers' sandbox such an attribute is not there. */
const changing: Readonly<Record<string, ReadonlySet<string>>> = {
  list: new Set("append clear pop reverse insert sort extend remove".split(" ")),
  dict: new Set("clear pop popitem setdefault update".split(" ")),
};

/** What Python has and this does not. */
const unsupported: Readonly<Record<string, ReadonlySet<string>>> = Object.fromEntries(
  Object.entries({
    str: "encode translate maketrans isidentifier isprintable isnumeric casefold format_map",
    dict: "fromkeys",
    int: "real imag numerator denominator conjugate bit_length bit_count to_bytes from_bytes as_integer_ratio",
    float: "real imag conjugate is_integer hex fromhex as_integer_ratio",
    range: "start stop step",
    dict_keys: "mapping isdisjoint",
    dict_items: "mapping isdisjoint",
    dict_values: "mapping",
    generator: "close send throw gi_yieldfrom gi_running gi_suspended",
    Macro: "name arguments catch_kwargs catch_varargs caller explicit_caller",
  }).map(([type, names]) => [type, new Set(names.split(" "))]),
);

/** Whether the sandbox hides this method of a value since it would change it. */
export function isChanging(value: Value, name: string): boolean {
  return changing[typeName(value)]?.has(name) ?? false;
}

/** The method of that name, bound to the value; undefined where it has none. Fails for one that is not supported here. */
export function methodOf(value: Value, name: string): Callable | undefined {
  const type = typeName(value);
  if (unsupported[type === "bool" ? "int" : type]?.has(name))
    return fail(`${type}.${name} is not supported here`);
  if (typeof value === "string") return own(textMethods, name)?.(value);
  if (Array.isArray(value)) return own(listMethods, name)?.(value);
  if (value instanceof Tuple) return own(sequenceMethods("tuple"), name)?.(value);
  if (value instanceof Range) return own(sequenceMethods("range"), name)?.(value);
  return value instanceof Dict ? own(dictMethods, name)?.(value) : undefined;
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** For filters that join anything: the texts of all values. */
export function joinPrinted(items: Iterable<Value>, separator: string): string {
  return text.joinParts([...items].map(print), separator);
}
