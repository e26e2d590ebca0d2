/**
 * Which names each frame of a template (its whole, a loop's body, a macro's) has of its own, and how they begin. jinja2 decides
 * this before it runs anything: a name that a frame sets anywhere belongs to that frame from its start.
 */
import { childrenOf, type Block, type Expression, type Statement, type Target } from "./nodes";
import { TemplateError } from "./values";

/** How a name begins in a frame: looked up in the template's variables, copied from around, missing, or given by the caller. */
export type Start = "variable" | "outer" | "missing" | "parameter";

/** The frame of each block that has one, and of each loop's condition. */
export type Frames = ReadonlyMap<object, ReadonlyMap<string, Start>>;

/** The frames of a template. Throws TemplateError where a loop assigns to `loop`. */
export function framesOf(template: Block): Frames {
  const frames = new Map<object, ReadonlyMap<string, Start>>();
  analyse(template, new Symbols(), frames);
  return frames;
}

/** Those of the names that a macro's body uses without setting them. */
export function usesOf(body: Block, names: readonly string[]): Set<string> {
  const sought = new Set(names);
  const found = new Set<string>();
  visitBlock(body, (name, assigned) => {
    if (assigned) sought.delete(name);
    else if (sought.has(name)) found.add(name);
  });
  return found;
}

/** Parameters that a macro has only where its body uses them. */
export const specialParameters = ["caller", "kwargs", "varargs"] as const;

class Symbols {
  readonly starts = new Map<string, Start>();
  readonly #stored = new Set<string>();

  constructor(private readonly parent?: Symbols) {}

  knows(name: string): boolean {
    return this.starts.has(name) || (this.parent?.knows(name) ?? false);
  }

  load(name: string): void {
    if (!this.knows(name)) this.starts.set(name, "variable");
  }

  store(name: string): void {
    this.#stored.add(name);
    if (!this.starts.has(name)) this.starts.set(name, this.#startOf(name, "missing"));
  }

  parameter(name: string): void {
    this.#stored.add(name);
    this.starts.set(name, "parameter");
  }

  /** For a branch of an if. */
  copy(): Symbols {
    const copy = new Symbols(this.parent);
    copy.#add(this);
    return copy;
  }

  /** After an if: what only branches set may also be what it was before. */
  join(branches: readonly Symbols[]): void {
    const stored = branches.flatMap((branch) => [...branch.#stored]);
    const fresh = stored.filter((name) => !this.#stored.has(name));
    branches.forEach((branch) => this.#add(branch));
    for (const name of fresh) this.starts.set(name, this.#startOf(name, "variable"));
  }

  #add(other: Symbols): void {
    other.starts.forEach((start, name) => this.starts.set(name, start));
    other.#stored.forEach((name) => this.#stored.add(name));
  }

  #startOf(name: string, otherwise: Start): Start {
    return this.parent?.knows(name) ? "outer" : otherwise;
  }
}

/** The names of a frame's own statements, then the frames inside. */
function analyse(
  body: Block,
  symbols: Symbols,
  frames: Map<object, ReadonlyMap<string, Start>>,
): void {
  body.forEach((statement) => note(statement, symbols));
  frames.set(body, symbols.starts);
  body.forEach((statement) => enter(statement, symbols, frames));
}

/** What a statement does to the frame that it stands in. */
function note(statement: Statement, symbols: Symbols): void {
  const load = (node: Expression): void => visitExpression(node, (name) => symbols.load(name));
  const store = (target: Target): void =>
    visitTarget(target, (name, assigned) => (assigned ? symbols.store(name) : symbols.load(name)));
  switch (statement.kind) {
    case "if":
      return noteBranches(statement, symbols);
    case "set":
      load(statement.value);
      return store(statement.target);
    case "set block":
      return store(statement.target);
    case "macro":
      return symbols.store(statement.name);
    default:
      return outerExpressions(statement).forEach(load);
  }
}

/** The expressions that are evaluated in the frame around. */
function outerExpressions(statement: Statement): readonly Expression[] {
  switch (statement.kind) {
    case "print":
    case "with":
      return statement.values;
    case "for":
      return [statement.iterable];
    case "call block":
      return [statement.call];
    case "filter block":
      return [statement.filter];
    default:
      return [];
  }
}

function noteBranches({ branches, otherwise }: Statement & { kind: "if" }, symbols: Symbols): void {
  const [first, ...rest] = branches;
  const branch = (body: Block, before: Symbols): Symbols => {
    const copy = before.copy();
    body.forEach((statement) => note(statement, copy));
    return copy;
  };
  visitExpression(first.test, (name) => symbols.load(name));
  const yes = branch(first.body, symbols);
  const others = symbols.copy();
  for (const { test, body } of rest) {
    visitExpression(test, (name) => others.load(name));
    others.join([branch(body, others)]);
  }
  symbols.join([yes, others, branch(otherwise, symbols)]);
}

/** The frames within a statement; an if has none of its own. */
function enter(
  statement: Statement,
  symbols: Symbols,
  frames: Map<object, ReadonlyMap<string, Start>>,
): void {
  const within = (
    body: Block,
    parameters: Iterable<string> = [],
    defaults: readonly Expression[] = [],
  ): void => {
    const own = new Symbols(symbols);
    for (const name of parameters) own.parameter(name);
    for (const node of defaults) visitExpression(node, (name) => own.load(name));
    analyse(body, own, frames);
  };
  switch (statement.kind) {
    case "if":
      for (const body of [...statement.branches.map((branch) => branch.body), statement.otherwise])
        body.forEach((one) => enter(one, symbols, frames));
      return;
    case "for": {
      refuseLoopTarget(statement);
      const names = namesOf([statement.target]);
      within(statement.body, ["loop", ...names]);
      within(statement.otherwise);
      if (statement.test) {
        const own = new Symbols(symbols);
        names.forEach((name) => own.parameter(name));
        visitExpression(statement.test, (name) => own.load(name));
        frames.set(statement.test, own.starts);
      }
      return;
    }
    case "macro":
    case "call block":
    case "generation": {
      const { names, defaults } = statement.signature;
      return within(
        statement.body,
        [...names, ...usesOf(statement.body, specialParameters)],
        defaults,
      );
    }
    case "with":
      return within(statement.body, namesOf(statement.targets));
    case "set block":
    case "filter block":
      return within(statement.body);
    default:
  }
}

function refuseLoopTarget(statement: Statement & { kind: "for" }): void {
  visitBlock([statement], (name, assigned) => {
    if (!assigned || name !== "loop") return;
    const error = new TemplateError("the loop's own variable, loop, cannot be assigned to");
    error.line = statement.line;
    throw error;
  });
}

function namesOf(targets: readonly Target[]): string[] {
  const names: string[] = [];
  for (const target of targets) visitTarget(target, (name) => names.push(name));
  return names;
}

type Visit = (name: string, assigned: boolean) => void;

function visitTarget(target: Target, visit: Visit): void {
  if (target.kind === "tuple") target.items.forEach((item) => visitTarget(item, visit));
  else if (target.kind === "name") visit(target.name, true);
  else visit(target.namespace, false);
}

function visitExpression(node: Expression, visit: Visit): void {
  if (node.kind === "name") visit(node.name, false);
  else for (const child of childrenOf(node)) visitExpression(child, visit);
}

/** Every name in a block and in all that is in it. */
function visitBlock(block: Block, visit: Visit): void {
  for (const statement of block) {
    for (const target of targetsOf(statement)) visitTarget(target, visit);
    for (const node of expressionsOf(statement)) visitExpression(node, visit);
    for (const body of blocksOf(statement)) visitBlock(body, visit);
  }
}

function targetsOf(statement: Statement): readonly Target[] {
  const { line } = statement;
  if ("signature" in statement)
    return statement.signature.names.map((name) => ({ kind: "name", name, line }));
  if (statement.kind === "with") return statement.targets;
  return "target" in statement ? [statement.target] : [];
}

/** All expressions that stand in a statement itself. */
export function expressionsOf(statement: Statement): readonly Expression[] {
  switch (statement.kind) {
    case "if":
      return statement.branches.map(({ test }) => test);
    case "for":
      return [statement.iterable, ...(statement.test ? [statement.test] : [])];
    case "set":
      return [statement.value];
    case "set block":
      return statement.filter ? [statement.filter] : [];
    case "macro":
      return statement.signature.defaults;
    case "call block":
      return [statement.call, ...statement.signature.defaults];
    default:
      return outerExpressions(statement);
  }
}

/** The blocks within a statement. */
export function blocksOf(statement: Statement): readonly Block[] {
  switch (statement.kind) {
    case "if":
      return [...statement.branches.map(({ body }) => body), statement.otherwise];
    case "for":
      return [statement.body, statement.otherwise];
    default:
      return "body" in statement ? [statement.body] : [];
  }
}
