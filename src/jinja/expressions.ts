/** Parses expressions with jinja2's precedence; statements are parser.ts's. */
import type { Arguments, Expression } from "./nodes";
import type { Token } from "./lexer";
import { TokenStream } from "./tokens";

const comparisons: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">="]);

/** What ends a list of expressions without brackets. */
export interface TupleOptions {
  /** A name that ends it, such as "recursive". */
  readonly until?: string;
  /** False: `a if b` is not read as one expression. */
  readonly conditional?: boolean;
  readonly inParentheses?: boolean;
}

/** Parses expressions from its tokens. Every method throws TemplateError, with the line, where the syntax is wrong. */
export class ExpressionParser extends TokenStream {
  /** One expression, or several with commas as a tuple. */
  tuple({ until, conditional = true, inParentheses = false }: TupleOptions = {}): Expression {
    const { line } = this;
    const items: Expression[] = [];
    let comma = false;
    while (!this.#tupleEnds(until)) {
      items.push(this.expression(conditional));
      if (!this.skip("operator", ",")) break;
      comma = true;
    }
    if (!comma && items.length === 1) return items[0];
    if (!comma && !inParentheses) this.refuse(`expected an expression, got ${this.described()}`);
    return { kind: "tuple", items, line };
  }

  #tupleEnds(until?: string): boolean {
    if (this.is("print end") || this.is("block end") || this.is("operator", ")")) return true;
    return until !== undefined && this.is("name", until);
  }

  expression(conditional = true): Expression {
    return this.nested(() => (conditional ? this.#conditional() : this.#or()));
  }

  #conditional(): Expression {
    let node = this.#or();
    while (this.skip("name", "if")) {
      const { line } = this;
      const test = this.#or();
      const no = this.skip("name", "else") ? this.nested(() => this.#conditional()) : undefined;
      node = { kind: "conditional", test, yes: node, ...(no ? { no } : {}), line };
    }
    return node;
  }

  #or(): Expression {
    return this.#chain(["or"], "name", () => this.#chain(["and"], "name", () => this.#not()));
  }

  /** Operators of one rank, from left to right. */
  #chain(operators: readonly string[], kind: Token["kind"], operand: () => Expression): Expression {
    let left = operand();
    while (operators.some((one) => this.is(kind, one))) {
      const { text: operator, line } = this.take();
      left = { kind: "binary", operator, left, right: operand(), line };
    }
    return left;
  }

  #not(): Expression {
    const { line } = this;
    if (!this.skip("name", "not")) return this.#compare();
    return { kind: "unary", operator: "not", operand: this.nested(() => this.#not()), line };
  }

  #compare(): Expression {
    const { line } = this;
    const first = this.#sum();
    const rest: [string, Expression][] = [];
    for (;;) {
      if (this.token.kind === "operator" && comparisons.has(this.token.text))
        rest.push([this.take().text, this.#sum()]);
      else if (this.skip("name", "in")) rest.push(["in", this.#sum()]);
      else if (this.is("name", "not") && this.is("name", "in", 1)) {
        this.take();
        this.take();
        rest.push(["not in", this.#sum()]);
      } else return rest.length > 0 ? { kind: "compare", first, rest, line } : first;
    }
  }

  #sum(): Expression {
    return this.#chain(["+", "-"], "operator", () => this.#concat());
  }

  #concat(): Expression {
    const { line } = this;
    const parts = [this.#product()];
    while (this.skip("operator", "~")) parts.push(this.#product());
    return parts.length > 1 ? { kind: "concat", parts, line } : parts[0];
  }

  #product(): Expression {
    return this.#chain(["*", "/", "//", "%"], "operator", () => this.#power());
  }

  #power(): Expression {
    return this.#chain(["**"], "operator", () => this.#unary());
  }

  #unary(withFilters = true): Expression {
    const { line } = this;
    let node: Expression;
    if (this.is("operator", "-") || this.is("operator", "+")) {
      const operator = this.take().text as "-" | "+";
      node = { kind: "unary", operator, operand: this.nested(() => this.#unary(false)), line };
    } else node = this.#primary();
    node = this.#postfix(node);
    return withFilters ? this.#filtersAndTests(node) : node;
  }

  #primary(): Expression {
    const { line } = this;
    const token = this.take();
    if (token.kind === "name") return this.#named(token.text, line);
    if (token.kind === "constant") {
      let { value = null } = token;
      // Texts side by side are one.
      while (typeof value === "string" && typeof this.token.value === "string")
        value += this.take().value as string;
      return { kind: "constant", value, line };
    }
    if (token.kind === "operator" && token.text === "(") {
      const node = this.nested(() => this.tuple({ inParentheses: true }));
      this.expect("operator", ")");
      return node;
    }
    if (token.kind === "operator" && token.text === "[")
      return { kind: "list", items: this.#until("]", () => this.expression()), line };
    if (token.kind === "operator" && token.text === "{") {
      const entry = (): [Expression, Expression] => {
        const key = this.expression();
        this.expect("operator", ":");
        return [key, this.expression()];
      };
      return { kind: "dict", entries: this.#until("}", entry), line };
    }
    const found = token.kind === "end" ? "the end of the template" : JSON.stringify(token.text);
    return this.refuse(`unexpected ${found}`, line);
  }

  #named(name: string, line: number): Expression {
    if (/^(true|false|none)$/i.test(name) && /^([TFN]?[a-z]+)$/.test(name))
      return {
        kind: "constant",
        value: { t: true, f: false, n: null }[name[0].toLowerCase()] ?? null,
        line,
      };
    return { kind: "name", name, line };
  }

  /** Items with commas up to a closing bracket, which is taken; one comma more may end them. */
  #until<T>(close: string, item: () => T): T[] {
    const items: T[] = [];
    while (!this.is("operator", close)) {
      if (items.length > 0) this.expect("operator", ",");
      if (this.is("operator", close)) break;
      items.push(item());
    }
    this.take();
    return items;
  }

  #postfix(node: Expression): Expression {
    let result = node;
    for (;;) {
      const { line } = this;
      if (this.skip("operator", ".")) result = this.#member(result, line);
      else if (this.skip("operator", "[")) result = this.#subscript(result, line);
      else if (this.is("operator", "("))
        result = { kind: "call", callee: result, call: this.arguments(), line };
      else return result;
    }
  }

  #member(object: Expression, line: number): Expression {
    const token = this.take();
    if (token.kind === "name") return { kind: "attribute", object, name: token.text, line };
    if (token.kind !== "constant" || typeof token.value !== "bigint")
      return this.refuse("expected a name or number after the point", line);
    return { kind: "item", object, key: { kind: "constant", value: token.value, line }, line };
  }

  #subscript(object: Expression, line: number): Expression {
    const parts: (Expression | (Expression | undefined)[])[] = this.#until("]", () =>
      this.#subscribed(),
    );
    const [only] = parts;
    if (parts.length === 1)
      return Array.isArray(only)
        ? { kind: "slice", object, bounds: only, line }
        : { kind: "item", object, key: only, line };
    const items = parts.map((part) =>
      Array.isArray(part) ? this.refuse("several slices are not supported", line) : part,
    );
    return { kind: "item", object, key: { kind: "tuple", items, line }, line };
  }

  /** An index, or the bounds of a slice. */
  #subscribed(): Expression | (Expression | undefined)[] {
    const ends = (): boolean =>
      this.is("operator", ":") || this.is("operator", "]") || this.is("operator", ",");
    const start = this.is("operator", ":") ? undefined : this.expression();
    if (!this.skip("operator", ":")) return start ?? this.refuse("expected an index");
    const stop = ends() ? undefined : this.expression();
    const step = this.skip("operator", ":") && !ends() ? this.expression() : undefined;
    return [start, stop, step];
  }

  /** `(a, b=c, *d, **e)` */
  arguments(): Arguments {
    const { line } = this.expect("operator", "(");
    const positional: Expression[] = [];
    const named: [string, Expression][] = [];
    let spread: Expression | undefined;
    let namedSpread: Expression | undefined;
    const ensure = (allowed: boolean): void => {
      if (!allowed) this.refuse("invalid arguments of a call", line);
    };
    this.#until(")", () => {
      if (this.skip("operator", "*")) {
        ensure(!spread && !namedSpread);
        spread = this.expression();
      } else if (this.skip("operator", "**")) {
        ensure(!namedSpread);
        namedSpread = this.expression();
      } else if (this.is("name") && this.is("operator", "=", 1)) {
        ensure(!namedSpread);
        const name = this.take().text;
        this.take();
        named.push([name, this.expression()]);
      } else {
        ensure(!spread && !namedSpread && named.length === 0);
        positional.push(this.expression());
      }
    });
    return { positional, named, ...(spread && { spread }), ...(namedSpread && { namedSpread }) };
  }

  #filtersAndTests(node: Expression): Expression {
    let result = node;
    for (;;) {
      const { line } = this;
      if (this.is("operator", "|")) result = this.filters(result);
      else if (this.skip("name", "is")) result = this.#test(result, line);
      else if (this.is("operator", "("))
        result = { kind: "call", callee: result, call: this.arguments(), line };
      else return result;
    }
  }

  /** `|a|b(c)` behind an expression, or behind nothing on a set block. */
  filters(input: Expression): Expression;
  filters(input?: Expression): Expression | undefined;
  filters(input?: Expression): Expression | undefined {
    let result = input;
    while (this.skip("operator", "|")) result = this.filter(result);
    return result;
  }

  /** A filter by its name. */
  filter(input?: Expression): Expression {
    const { line } = this;
    const name = this.#dotted();
    return { kind: "filter", ...(input && { input }), name, call: this.#optionalArguments(), line };
  }

  #dotted(): string {
    let name = this.expect("name").text;
    while (this.skip("operator", ".")) name += `.${this.expect("name").text}`;
    return name;
  }

  #optionalArguments(): Arguments {
    return this.is("operator", "(") ? this.arguments() : { positional: [], named: [] };
  }

  #test(input: Expression, line: number): Expression {
    const negated = this.skip("name", "not");
    const name = this.#dotted();
    const call = this.#takesOperand()
      ? { positional: [this.#postfix(this.#primary())], named: [] }
      : this.#optionalArguments();
    const node: Expression = { kind: "test", input, name, call, line };
    return negated ? { kind: "unary", operator: "not", operand: node, line } : node;
  }

  /** Whether an argument without parentheses follows a test's name. */
  #takesOperand(): boolean {
    const { kind, text } = this.token;
    if (kind === "operator") return text === "[" || text === "{";
    if (kind === "name" && text === "is")
      this.refuse("several tests with is cannot follow one another");
    return kind === "constant" || (kind === "name" && !["else", "or", "and"].includes(text));
  }
}
