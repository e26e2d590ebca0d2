/** Evaluates expressions in a scope. */
import { filters } from "./filters";
import { define } from "./functions";
import { attributeOf, itemOf, sliceOf } from "./lookup";
import { childrenOf, sourceOf, type Arguments, type Block, type Expression } from "./nodes";
import { binary, compare, sign } from "./operators";
import { print } from "./printing";
import { blocksOf, expressionsOf } from "./scopes";
import { tests as valueTests } from "./tests";
import {
  Callable,
  Dict,
  fail,
  isTrue,
  iterate,
  orUndefined,
  TemplateError,
  Tuple,
  Undefined,
  type Value,
  aTypeOf,
} from "./values";
import type { Work } from "./work";

/** The variables of a frame and those around it. A name may be known but not set. */
export class Scope {
  readonly #values = new Map<string, Value | undefined>();
  constructor(private readonly outer?: Scope) {}

  get(name: string): Value | undefined {
    return this.#values.has(name) ? this.#values.get(name) : this.outer?.get(name);
  }

  set(name: string, value: Value | undefined): void {
    this.#values.set(name, value);
  }
}

const tests: ReadonlyMap<string, Callable> = new Map([
  ...valueTests,
  ["filter", define("test_filter(value)", (name) => typeof name === "string" && filters.has(name))],
  ["test", define("test_test(value)", (name) => typeof name === "string" && tests.has(name))],
]);

/** Evaluates the expressions of one rendering. */
export class Evaluator {
  constructor(private readonly work: Work) {}

  /** The expression's value. Throws TemplateError. */
  evaluate(node: Expression, scope: Scope): Value {
    return this.work.step(node.line, () => this.#value(node, scope));
  }

  #value(node: Expression, scope: Scope): Value {
    const evaluate = (child: Expression): Value => this.evaluate(child, scope);
    switch (node.kind) {
      case "constant":
        return node.value;
      case "name":
        return orUndefined(scope.get(node.name), `${node.name} is undefined`);
      case "list":
        return this.work.made(node.items.map(evaluate));
      case "tuple":
        return this.work.made(new Tuple(node.items.map(evaluate)));
      case "dict": {
        const entries = node.entries.map(
          ([key, value]) => [evaluate(key), evaluate(value)] as const,
        );
        return this.work.made(new Dict(entries));
      }
      case "unary":
        if (node.operator === "not") return !isTrue(evaluate(node.operand));
        return sign(node.operator, evaluate(node.operand));
      case "binary":
        return this.#binary(node, scope);
      case "concat":
        return this.work.joined(node.parts.map((part) => print(evaluate(part))));
      case "compare":
        return this.#compare(node, scope);
      case "attribute":
        return named(node, attributeOf(evaluate(node.object), node.name));
      case "item":
        return named(node, itemOf(evaluate(node.object), evaluate(node.key)));
      case "slice": {
        const object = evaluate(node.object);
        const [start, stop, step] = node.bounds.map((bound) => (bound ? evaluate(bound) : null));
        return this.work.made(sliceOf(object, start, stop, step));
      }
      case "call":
        return this.call(node, scope);
      case "filter":
        return this.filtered(node, null, scope);
      case "test": {
        const test = tests.get(node.name) ?? fail(`there is no test named ${node.name}`);
        const input = evaluate(node.input);
        const [positional, byName] = this.#arguments(node.call, scope);
        return test.call([input, ...positional], byName);
      }
      case "conditional":
        if (isTrue(evaluate(node.test))) return evaluate(node.yes);
        return node.no ? evaluate(node.no) : new Undefined("an if without else was false");
    }
  }

  #binary(node: Expression & { kind: "binary" }, scope: Scope): Value {
    const left = this.evaluate(node.left, scope);
    if (node.operator === "and") return isTrue(left) ? this.evaluate(node.right, scope) : left;
    if (node.operator === "or") return isTrue(left) ? left : this.evaluate(node.right, scope);
    return this.work.made(binary(node.operator, left, this.evaluate(node.right, scope)));
  }

  #compare({ first, rest }: Expression & { kind: "compare" }, scope: Scope): boolean {
    let left = this.evaluate(first, scope);
    return rest.every(([operator, operand]) => {
      const right = this.evaluate(operand, scope);
      const holds = compare(operator, left, right);
      left = right;
      return holds;
    });
  }

  /** A call; `caller` is what a call block hands over. */
  call(node: Expression & { kind: "call" }, scope: Scope, caller?: Callable): Value {
    const callee = this.evaluate(node.callee, scope);
    const [positional, byName] = this.#arguments(node.call, scope);
    if (caller) byName.set("caller", caller);
    if (callee instanceof Callable) return this.work.made(callee.call(positional, byName));
    if (callee instanceof Undefined) return fail(callee.reason);
    return fail(`${sourceOf(node.callee)} is ${aTypeOf(callee)}, which cannot be called`);
  }

  /** A filter, or several one behind the other; the first takes `input` where it has none of its own. */
  filtered(node: Expression, input: Value, scope: Scope): Value {
    if (node.kind !== "filter") return this.evaluate(node, scope);
    const value = node.input ? this.filtered(node.input, input, scope) : input;
    const filter = filters.get(node.name) ?? fail(`there is no filter named ${node.name}`);
    const [positional, byName] = this.#arguments(node.call, scope);
    return this.work.made(filter.call([value, ...positional], byName));
  }

  #arguments(call: Arguments, scope: Scope): [Value[], Map<string, Value>] {
    const positional = call.positional.map((node) => this.evaluate(node, scope));
    const byName = new Map<string, Value>();
    const add = (name: string, value: Value): void => {
      if (byName.has(name)) fail(`the argument "${name}" is given twice`);
      byName.set(name, value);
    };
    for (const [name, node] of call.named) add(name, this.evaluate(node, scope));
    if (call.spread) positional.push(...iterate(this.evaluate(call.spread, scope)));
    if (!call.namedSpread) return [positional, byName];
    const mapping = this.evaluate(call.namedSpread, scope);
    if (!(mapping instanceof Dict)) return fail(`** needs a mapping, not ${aTypeOf(mapping)}`);
    for (const [name, value] of mapping.entries())
      add(typeof name === "string" ? name : fail("** needs texts as keys"), value);
    return [positional, byName];
  }
}

/** An undefined value says as what it was asked for. */
function named(node: Expression, value: Value): Value {
  if (!(value instanceof Undefined)) return value;
  return new Undefined(`${sourceOf(node)} is undefined: ${value.reason}`);
}

/** Refuses filters and tests that do not exist before anything runs, as jinja2 does; those directly in an if only where they are reached. */
export function checkNames(block: Block, inIf = false): void {
  for (const statement of block) {
    const soft = statement.kind === "if";
    for (const node of expressionsOf(statement)) checkExpression(node, inIf || soft);
    for (const body of blocksOf(statement)) checkNames(body, soft);
  }
}

function checkExpression(node: Expression, soft: boolean): void {
  const reached = !soft && node.kind !== "conditional";
  const unknown =
    (node.kind === "filter" && !filters.has(node.name)) ||
    (node.kind === "test" && !tests.has(node.name));
  if (reached && unknown) {
    const error = new TemplateError(`there is no ${node.kind} named ${node.name}`);
    error.line = node.line;
    throw error;
  }
  for (const child of childrenOf(node)) checkExpression(child, !reached);
}
