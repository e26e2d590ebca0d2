/** Runs a parsed template. */
import { checkNames, Evaluator, Scope } from "./evaluator";
import { Loop } from "./loop";
import { sourceOf, type Block, type Signature, type Statement, type Target } from "./nodes";
import { print } from "./printing";
import { framesOf, specialParameters, usesOf, type Frames } from "./scopes";
import {
  Callable,
  Dict,
  elements,
  fail,
  isTrue,
  iterate,
  lengthOf,
  Namespace,
  TemplateError,
  Tuple,
  aTypeOf,
  Undefined,
  type Value,
} from "./values";
import { Work } from "./work";

/** Whether a loop goes on after a statement. */
type Flow = "on" | "break" | "continue";

type For = Statement & { kind: "for" };

/** One rendering of a template with its variables. */
export class Interpreter {
  readonly #frames: Frames;
  readonly #work = new Work();
  readonly #expressions = new Evaluator(this.#work);

  /** Throws TemplateError for what jinja2 refuses before it runs anything. */
  constructor(
    private readonly template: Block,
    private readonly variables: ReadonlyMap<string, Value>,
  ) {
    this.#frames = framesOf(template);
    checkNames(template);
  }

  /** The text. Throws TemplateError, with the line. */
  render(): string {
    try {
      return this.#captured(this.template, this.#scope(this.template));
    } catch (error) {
      if (error instanceof TemplateError) error.line ??= this.#work.line;
      throw error;
    }
  }

  /** A scope with the names of a frame as they begin. */
  #scope(frame: object, outer?: Scope, own = new Scope(outer)): Scope {
    this.#frames.get(frame)?.forEach((start, name) => {
      if (start === "variable") own.set(name, this.variables.get(name));
      else if (start === "outer") own.set(name, outer?.get(name));
      else if (start === "missing") own.set(name, undefined);
    });
    return own;
  }

  /** What the statements print, as one text. */
  #captured(body: Block, scope: Scope): string {
    const out: string[] = [];
    this.#run(body, scope, out);
    return this.#work.joined(out);
  }

  #run(body: Block, scope: Scope, out: string[]): Flow {
    for (const statement of body) {
      const flow = this.#work.step(statement.line, () => this.#statement(statement, scope, out));
      if (flow !== "on") return flow;
    }
    return "on";
  }

  #statement(statement: Statement, scope: Scope, out: string[]): Flow {
    switch (statement.kind) {
      case "text":
        out.push(statement.text);
        return "on";
      case "print":
        for (const node of statement.values)
          out.push(this.#work.made(print(this.#expressions.evaluate(node, scope))));
        return "on";
      case "if": {
        const { branches, otherwise } = statement;
        const taken = branches.find(({ test }) => isTrue(this.#expressions.evaluate(test, scope)));
        return this.#run(taken ? taken.body : otherwise, scope, out);
      }
      case "for":
        return this.#for(statement, scope, out);
      case "set":
        this.#assign(statement.target, this.#expressions.evaluate(statement.value, scope), scope);
        return "on";
      case "set block":
      case "filter block":
        return this.#block(statement, scope, out);
      case "macro":
        scope.set(statement.name, this.#macro(statement.name, statement, scope));
        return "on";
      case "call block": {
        const caller = this.#macro("", statement, scope);
        out.push(print(this.#expressions.call(statement.call, scope, caller)));
        return "on";
      }
      case "with":
        return this.#with(statement, scope, out);
      case "generation":
        out.push(print(this.#macro("", statement, scope).call([], new Map())));
        return "on";
      default:
        return statement.kind;
    }
  }

  #assign(target: Target, value: Value, scope: Scope): void {
    if (target.kind === "name") return scope.set(target.name, value);
    if (target.kind === "tuple") {
      const items = [...iterate(value)];
      if (items.length !== target.items.length)
        fail(`${items.length} values cannot be assigned to ${target.items.length} names`);
      return target.items.forEach((item, i) => this.#assign(item, items[i], scope));
    }
    const { namespace, name } = target;
    const object = scope.get(namespace);
    if (!(object instanceof Namespace))
      return fail(`${namespace}.${name} cannot be set: ${namespace} is no namespace`);
    if (name.startsWith("_")) fail(`a namespace may not have the attribute ${name}`);
    object.attributes.set(name, value);
  }

  /** A set or filter block: what is in it as one text. */
  #block(
    statement: Statement & { kind: "set block" | "filter block" },
    scope: Scope,
    out: string[],
  ): Flow {
    const inside: string[] = [];
    const own = this.#scope(statement.body, scope);
    const flow = this.#run(statement.body, own, inside);
    if (flow !== "on") return flow;
    const text = this.#work.joined(inside);
    const value = statement.filter ? this.#expressions.filtered(statement.filter, text, own) : text;
    if (statement.kind === "filter block") out.push(print(value));
    else this.#assign(statement.target, value, scope);
    return "on";
  }

  #with(statement: Statement & { kind: "with" }, scope: Scope, out: string[]): Flow {
    const own = this.#scope(statement.body, scope);
    statement.targets.forEach((target, i) =>
      this.#assign(target, this.#expressions.evaluate(statement.values[i], scope), own),
    );
    return this.#run(statement.body, own, out);
  }

  #for(statement: For, scope: Scope, out: string[]): Flow {
    const iterable = this.#expressions.evaluate(statement.iterable, scope);
    if (!statement.recursive) return this.#turns(statement, iterable, scope, out, 0);
    const nested = (value: Value, depth: number): string => {
      const inside: string[] = [];
      this.#turns(statement, value, scope, inside, depth, nested);
      return this.#work.joined(inside);
    };
    out.push(nested(iterable, 0));
    return "on";
  }

  #turns(
    statement: For,
    iterable: Value,
    scope: Scope,
    out: string[],
    depth: number,
    nested?: (value: Value, depth: number) => string,
  ): Flow {
    const items =
      elements(iterable) ??
      fail(`${sourceOf(statement.iterable)} is ${aTypeOf(iterable)}: nothing to iterate over`);
    const length = statement.test ? undefined : lengthOf(iterable);
    const loop = new Loop(this.#selected(statement, items, scope), length, depth, nested);
    let completed = false;
    while (loop.advance()) {
      const own = new Scope(scope);
      own.set("loop", loop);
      this.#assign(statement.target, loop.current, own);
      const body = this.#scope(statement.body, scope, own);
      const flow = this.#work.step(statement.line, () => this.#run(statement.body, body, out));
      if (flow === "break") break;
      // As in jinja2, a loop whose every turn was cut short counts as one without turns.
      if (flow === "on") completed = true;
    }
    if (completed) return "on";
    return this.#run(statement.otherwise, this.#scope(statement.otherwise, scope), out);
  }

  /** Those items that the loop's own condition lets through. */
  *#selected({ test, target }: For, items: Iterable<Value>, scope: Scope): Generator<Value> {
    const own = test ? this.#scope(test, scope) : scope;
    for (const item of items) {
      if (test) this.#assign(target, item, own);
      if (!test || isTrue(this.#expressions.evaluate(test, own))) yield item;
    }
  }

  #macro(
    name: string,
    { signature, body }: { readonly signature: Signature; readonly body: Block },
    scope: Scope,
  ): Callable {
    const special = usesOf(body, specialParameters);
    signature.names.forEach((parameter) => special.delete(parameter));
    return new Callable(
      name,
      (positional, named) => {
        const own = this.#scope(body, scope);
        const rest = new Map(named);
        this.#bind(signature, positional, rest, own);
        bindSpecial(name, special, positional.slice(signature.names.length), rest, own);
        this.#setDefaults(name, signature, own);
        return this.#captured(body, own);
      },
      "Macro",
    );
  }

  /** Sets the parameters that are given, and takes them out of `rest`. */
  #bind(
    { names }: Signature,
    positional: readonly Value[],
    rest: Map<string, Value>,
    own: Scope,
  ): void {
    names.forEach((parameter, i) => {
      own.set(parameter, i < positional.length ? positional[i] : rest.get(parameter));
      if (i >= positional.length) rest.delete(parameter);
    });
  }

  #setDefaults(name: string, { names, defaults }: Signature, own: Scope): void {
    names.forEach((parameter, i) => {
      if (own.get(parameter) !== undefined) return;
      const place = i - (names.length - defaults.length);
      const reason = `${parameter} is undefined: the macro ${name} was not given it`;
      own.set(
        parameter,
        place < 0 ? new Undefined(reason) : this.#expressions.evaluate(defaults[place], own),
      );
    });
  }
}

/** The parameters that a macro has where it uses them, and refusals of what it does not take. */
function bindSpecial(
  name: string,
  special: ReadonlySet<string>,
  furtherPositional: Value[],
  rest: Map<string, Value>,
  own: Scope,
): void {
  if (special.has("caller")) {
    const caller = rest.get("caller");
    own.set(
      "caller",
      caller ?? new Undefined("caller is undefined: no {% call %} block was given"),
    );
    rest.delete("caller");
  }
  if (special.has("kwargs")) own.set("kwargs", new Dict(rest.entries()));
  else for (const key of rest.keys()) fail(`the macro ${name} takes no argument named "${key}"`);
  if (special.has("varargs")) own.set("varargs", new Tuple(furtherPositional));
  else if (furtherPositional.length > 0) fail(`the macro ${name} was given too many arguments`);
}
