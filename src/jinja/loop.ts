/** `loop` in a for: where the loop is, looked up only as far as it is asked. */
import { equal } from "./comparing";
import { Callable, fail, typeName, orUndefined, Tuple, type Value } from "./values";

/** The state of one loop. `advance` goes on to the next item, which is then `current`. */
export class Loop extends Callable {
  /** The present item. */
  current: Value = null;
  #index = -1;
  #before: Value | undefined;
  readonly #ahead: Value[] = [];
  #changed: Value | undefined;

  /** `nested` renders the loop's body for a value inside it: recursive loops only. */
  constructor(
    private readonly items: Iterator<Value>,
    private length: number | undefined,
    private readonly depth: number,
    nested?: (value: Value, depth: number) => string,
  ) {
    super(
      "loop",
      ([value = null]) =>
        nested ? nested(value, depth + 1) : fail("loop(…) needs {% for … recursive %}"),
      "LoopContext",
    );
  }

  /** False at the end. */
  advance(): boolean {
    const next = this.#peek();
    if (next === undefined) return false;
    this.#ahead.shift();
    this.#before = this.#index < 0 ? undefined : this.current;
    this.current = next;
    this.#index++;
    return true;
  }

  #peek(): Value | undefined {
    if (this.#ahead.length === 0) {
      const next = this.items.next();
      if (!next.done) this.#ahead.push(next.value);
    }
    return this.#ahead[0];
  }

  /** Of a generator it is only known when all of it is read. */
  #length(): number {
    if (this.length === undefined) {
      for (let next = this.items.next(); !next.done; next = this.items.next())
        this.#ahead.push(next.value);
      this.length = this.#index + 1 + this.#ahead.length;
    }
    return this.length;
  }

  override attribute(name: string): Value | undefined {
    switch (name) {
      case "index":
        return BigInt(this.#index + 1);
      case "index0":
        return BigInt(this.#index);
      case "revindex":
        return BigInt(this.#length() - this.#index);
      case "revindex0":
        return BigInt(this.#length() - this.#index - 1);
      case "length":
        return BigInt(this.#length());
      case "first":
        return this.#index === 0;
      case "last":
        return this.#peek() === undefined;
      case "previtem":
        return orUndefined(this.#before, "there is no previous item");
      case "nextitem":
        return orUndefined(this.#peek(), "there is no next item");
      case "depth":
        return BigInt(this.depth + 1);
      case "depth0":
        return BigInt(this.depth);
      case "cycle":
        return new Callable("loop.cycle", (values) =>
          values.length > 0
            ? values[this.#index % values.length]
            : fail("loop.cycle() needs values"),
        );
      case "changed":
        return new Callable("loop.changed", (values) => this.#isChanged(new Tuple([...values])));
      default:
        return undefined;
    }
  }

  #isChanged(values: Tuple): boolean {
    if (this.#changed !== undefined && equal(this.#changed, values)) return false;
    this.#changed = values;
    return true;
  }

  override represent(): string {
    return `<${typeName(this)} ${this.#index + 1}/${this.#length()}>`;
  }
}
