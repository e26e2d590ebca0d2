/**
 * The values of a running template, as Python has them. JavaScript's own stand for most: null is None, a bigint an int,
 * a number a float, a string a str, an array a list; the rest are classes. Printing and operators are elsewhere.
 */

/** Any value. */
export type Value = null | boolean | bigint | number | string | Value[] | PythonObject;

/** Why a template cannot be rendered; `line` is added where it is known. Caught by render.ts. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
  line: number | undefined;
}

/** Ends the rendering with a reason, as an exception in Python would. */
export function fail(reason: string): never {
  throw new TemplateError(reason);
}

/** Most characters of one text, and most elements of one list: far more than a conversation has. */
export const MAXIMUM_LENGTH = 2_000_000;

/** Refuses a text or list before it is made; templates come with downloaded files. */
export function checkLength(length: number): void {
  if (!(length <= MAXIMUM_LENGTH)) fail("it makes too much text or too long a list");
}

/** What JavaScript has no value for. */
export abstract class PythonObject {
  /** Python's name of the type, e.g. `dict`. */
  abstract readonly type: string;
  /** An attribute that is a value; methods are methods.ts's. */
  attribute(name: string): Value | undefined;
  attribute(): Value | undefined {
    return undefined;
  }
  /** What `repr` gives; undefined where that would be a memory address. */
  represent(): string | undefined {
    return undefined;
  }
}

/** A name, attribute or element that is not there: prints as nothing, is false and empty, and fails in everything else. */
export class Undefined extends PythonObject {
  readonly type = "Undefined";
  constructor(readonly reason: string) {
    super();
  }
  override represent(): string {
    return "Undefined";
  }
}

/** A text that `safe` or `escape` has marked; it prints like any other. */
export class Markup extends PythonObject {
  readonly type = "Markup";
  constructor(readonly text: string) {
    super();
  }
}

/** A tuple. */
export class Tuple extends PythonObject {
  readonly type = "tuple";
  constructor(readonly items: Value[]) {
    super();
  }
}

/** A dict: in the order of insertion, with keys that are equal as Python's are (1, 1.0 and True are one). */
export class Dict extends PythonObject {
  readonly type = "dict";
  readonly #entries = new Map<string, [Value, Value]>();

  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    super();
    for (const [key, value] of entries) this.set(key, value);
  }
  get size(): number {
    return this.#entries.size;
  }
  get(key: Value): Value | undefined {
    return this.#entries.get(hashKey(key))?.[1];
  }
  has(key: Value): boolean {
    return this.#entries.has(hashKey(key));
  }
  set(key: Value, value: Value): void {
    const hash = hashKey(key);
    this.#entries.set(hash, [this.#entries.get(hash)?.[0] ?? key, value]);
  }
  entries(): [Value, Value][] {
    return [...this.#entries.values()];
  }
  keys(): Value[] {
    return this.entries().map(([key]) => key);
  }
}

/** `dict.keys()`, `.values()` or `.items()`. */
export class DictView extends PythonObject {
  readonly type: string;
  constructor(
    private readonly kind: "keys" | "values" | "items",
    private readonly dict: Dict,
  ) {
    super();
    this.type = `dict_${kind}`;
  }
  get items(): Value[] {
    if (this.kind === "keys") return this.dict.keys();
    const entries = this.dict.entries();
    return entries.map(([key, value]) =>
      this.kind === "values" ? value : new Tuple([key, value]),
    );
  }
}

/** `range(…)`; its numbers are made when they are asked for. */
export class Range extends PythonObject {
  readonly type = "range";
  readonly length: number;
  constructor(
    readonly start: number,
    readonly stop: number,
    readonly step: number,
  ) {
    super();
    this.length = Math.max(0, Math.ceil((stop - start) / step));
  }
  get items(): Value[] {
    return Array.from({ length: this.length }, (_, i) => BigInt(this.start + i * this.step));
  }
  override represent(): string {
    const step = this.step === 1 ? "" : `, ${this.step}`;
    return `range(${this.start}, ${this.stop}${step})`;
  }
}

/** A generator or another iterator: read once. */
export class Iteration extends PythonObject {
  constructor(
    private readonly values: Iterator<Value>,
    readonly type = "generator",
  ) {
    super();
  }
  /** Not closed by a loop that stops early, as JavaScript's own would be. */
  [Symbol.iterator](): Iterator<Value> {
    return { next: () => this.values.next() };
  }
}

/** `namespace(…)`: the one value whose attributes a template may set. */
export class Namespace extends PythonObject {
  readonly type = "Namespace";
  readonly attributes = new Map<string, Value>();
  override attribute(name: string): Value | undefined {
    return this.attributes.get(name);
  }
}

/** What can be called: a method, a macro, a global function. */
export class Callable extends PythonObject {
  constructor(
    readonly name: string,
    readonly call: (positional: readonly Value[], named: ReadonlyMap<string, Value>) => Value,
    readonly type = "function",
  ) {
    super();
  }
  override represent(): string | undefined {
    if (this.type !== "Macro") return undefined;
    return this.name === "" ? "<Macro anonymous>" : `<Macro '${this.name}'>`;
  }
}

/** The value, or where there is none an undefined one with the reason. */
export function orUndefined(value: Value | undefined, reason: string): Value {
  return value === undefined ? new Undefined(reason) : value;
}

/** Python's name of a value's type. */
export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  if (Array.isArray(value)) return "list";
  if (value instanceof PythonObject) return value.type;
  const names = { boolean: "bool", bigint: "int", number: "float", string: "str" } as const;
  return names[typeof value as keyof typeof names];
}

/** The type for a message: `an int`, `None`. */
export function aTypeOf(value: Value): string {
  if (value === null) return "None";
  if (value instanceof Undefined) return "an undefined value";
  const name = typeName(value);
  return `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`;
}

/** Whether `if` takes the value for true. */
export function isTrue(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (!(value instanceof PythonObject)) return Boolean(value);
  return value instanceof Undefined ? false : lengthOf(value) !== 0;
}

/** `len(value)`; undefined where it has none. */
export function lengthOf(value: Value): number | undefined {
  if (typeof value === "string") return codePoints(value).length;
  if (Array.isArray(value)) return value.length;
  if (value instanceof Markup) return lengthOf(value.text);
  if (value instanceof Dict) return value.size;
  if (value instanceof Range) return value.length;
  if (value instanceof Tuple || value instanceof DictView) return value.items.length;
  return value instanceof Undefined ? 0 : undefined;
}

/** Half of a pair, in JavaScript's texts: such a text has fewer code points than units. */
export const SURROGATE = /[\ud800-\udfff]/;

/** Python's characters of a text: code points. */
export function codePoints(text: string): string[] | string {
  return SURROGATE.test(text) ? [...text] : text;
}

/** The elements of what can be iterated; undefined for anything else. */
export function elements(value: Value): Iterable<Value> | undefined {
  if (typeof value === "string" || Array.isArray(value)) return value;
  if (value instanceof Markup) return value.text;
  if (value instanceof Dict) return value.keys();
  if (value instanceof Tuple || value instanceof DictView || value instanceof Range)
    return value.items;
  if (value instanceof Iteration) return value;
  return value instanceof Undefined ? [] : undefined;
}

/** The elements, or the error that Python gives for what has none. */
export function iterate(value: Value): Iterable<Value> {
  return elements(value) ?? fail(`${aTypeOf(value)} cannot be iterated over`);
}

/** All elements in a new list, at most MAXIMUM_LENGTH. */
export function listOf(value: Value): Value[] {
  const list: Value[] = [];
  for (const element of iterate(value)) {
    list.push(element);
    checkLength(list.length);
  }
  return list;
}

/** Bools are numbers too. */
export function isNumber(value: Value): value is boolean | bigint | number {
  return typeof value === "bigint" || typeof value === "number" || typeof value === "boolean";
}

/** An int or bool as an int. */
export function wholeOf(value: Value): bigint | undefined {
  if (typeof value === "bigint") return value;
  return typeof value === "boolean" ? BigInt(value) : undefined;
}

const identities = new WeakMap<object, number>();
let nextIdentity = 0;

/** A text that is the same for values that are one key in a dict or set. Fails for what has no hash. */
function hashKey(value: Value): string {
  if (typeof value === "string") return `s${value}`;
  if (value === null) return "None";
  if (isNumber(value)) {
    const number = wholeOf(value) ?? (value as number);
    return `n${Number.isInteger(number) ? BigInt(number) : number}`;
  }
  if (value instanceof Markup) return `s${value.text}`;
  if (value instanceof Tuple) return `t${JSON.stringify(value.items.map(hashKey))}`;
  if (Array.isArray(value) || value instanceof Dict || value instanceof DictView)
    return fail(`${aTypeOf(value)} cannot be a key: it has no hash`);
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Range) return `r${value.items.map(hashKey).join()}`;
  const identity = identities.get(value) ?? nextIdentity++;
  identities.set(value, identity);
  return `o${identity}`;
}

/** Plain data (as from JSON) as values: whole numbers are ints. */
export function valueOf(data: unknown): Value {
  if (data === null || typeof data === "string" || typeof data === "boolean") return data;
  if (typeof data === "number") return Number.isSafeInteger(data) ? BigInt(data) : data;
  if (Array.isArray(data)) return data.map(valueOf);
  if (typeof data === "object")
    return new Dict(Object.entries(data).map(([key, value]) => [key, valueOf(value)] as const));
  throw new TypeError(`a ${typeof data} is no plain data`);
}
