/** A template's syntax tree, and the expression that a piece of it was written as. */
import { represent } from "./printing";
import type { Value } from "./values";

/** The arguments of a call, filter or test. */
export interface Arguments {
  readonly positional: readonly Expression[];
  readonly named: readonly (readonly [name: string, value: Expression])[];
  /** `*values` */
  readonly spread?: Expression;
  /** `**mapping` */
  readonly namedSpread?: Expression;
}

interface Located {
  readonly line: number;
}

/** An expression. */
export type Expression = Located &
  (
    | { readonly kind: "constant"; readonly value: Value }
    | { readonly kind: "name"; readonly name: string }
    | { readonly kind: "list" | "tuple"; readonly items: readonly Expression[] }
    | { readonly kind: "dict"; readonly entries: readonly (readonly [Expression, Expression])[] }
    | { readonly kind: "unary"; readonly operator: "+" | "-" | "not"; readonly operand: Expression }
    | {
        readonly kind: "binary";
        readonly operator: string;
        readonly left: Expression;
        readonly right: Expression;
      }
    | { readonly kind: "concat"; readonly parts: readonly Expression[] }
    | {
        readonly kind: "compare";
        readonly first: Expression;
        readonly rest: readonly (readonly [operator: string, Expression])[];
      }
    | { readonly kind: "attribute"; readonly object: Expression; readonly name: string }
    | { readonly kind: "item"; readonly object: Expression; readonly key: Expression }
    | {
        readonly kind: "slice";
        readonly object: Expression;
        /** Start, stop and step. */
        readonly bounds: readonly (Expression | undefined)[];
      }
    | { readonly kind: "call"; readonly callee: Expression; readonly call: Arguments }
    | {
        readonly kind: "filter";
        /** Absent in a filter block or on a set block. */
        readonly input?: Expression;
        readonly name: string;
        readonly call: Arguments;
      }
    | {
        readonly kind: "test";
        readonly input: Expression;
        readonly name: string;
        readonly call: Arguments;
      }
    | {
        readonly kind: "conditional";
        readonly test: Expression;
        readonly yes: Expression;
        readonly no?: Expression;
      }
  );

/** What a set or a loop assigns to. */
export type Target = Located &
  (
    | { readonly kind: "name"; readonly name: string }
    | { readonly kind: "field"; readonly namespace: string; readonly name: string }
    | { readonly kind: "tuple"; readonly items: readonly Target[] }
  );

/** The parameters of a macro or a call block; the last ones may have defaults. */
export interface Signature {
  readonly names: readonly string[];
  readonly defaults: readonly Expression[];
}

/** A statement, or text between tags. */
export type Statement = Located &
  (
    | { readonly kind: "text"; readonly text: string }
    | { readonly kind: "print"; readonly values: readonly Expression[] }
    | {
        readonly kind: "if";
        readonly branches: readonly { readonly test: Expression; readonly body: Block }[];
        readonly otherwise: Block;
      }
    | {
        readonly kind: "for";
        readonly target: Target;
        readonly iterable: Expression;
        readonly test?: Expression;
        readonly recursive: boolean;
        readonly body: Block;
        readonly otherwise: Block;
      }
    | { readonly kind: "set"; readonly target: Target; readonly value: Expression }
    | {
        readonly kind: "set block";
        readonly target: Target;
        readonly filter?: Expression;
        readonly body: Block;
      }
    | {
        readonly kind: "macro";
        readonly name: string;
        readonly signature: Signature;
        readonly body: Block;
      }
    | {
        readonly kind: "call block";
        readonly signature: Signature;
        readonly call: Expression & { readonly kind: "call" };
        readonly body: Block;
      }
    | { readonly kind: "filter block"; readonly filter: Expression; readonly body: Block }
    | {
        readonly kind: "with";
        readonly targets: readonly Target[];
        readonly values: readonly Expression[];
        readonly body: Block;
      }
    /** transformers' own tag, which marks what the assistant has said. */
    | { readonly kind: "generation"; readonly signature: Signature; readonly body: Block }
    | { readonly kind: "break" | "continue" }
  );

/** Statements in their order. */
export type Block = readonly Statement[];

/** The expressions that an expression is made of. */
export function childrenOf(node: Expression): Expression[] {
  switch (node.kind) {
    case "list":
    case "tuple":
      return [...node.items];
    case "dict":
      return node.entries.flat();
    case "unary":
      return [node.operand];
    case "binary":
      return [node.left, node.right];
    case "concat":
      return [...node.parts];
    case "compare":
      return [node.first, ...node.rest.map(([, operand]) => operand)];
    case "attribute":
      return [node.object];
    case "item":
      return [node.object, node.key];
    case "slice":
      return present([node.object, ...node.bounds]);
    case "call":
      return [node.callee, ...argumentsOf(node.call)];
    case "filter":
    case "test":
      return present([node.input, ...argumentsOf(node.call)]);
    case "conditional":
      return present([node.test, node.yes, node.no]);
    default:
      return [];
  }
}

function argumentsOf({ positional, named, spread, namedSpread }: Arguments): Expression[] {
  return present([...positional, ...named.map(([, value]) => value), spread, namedSpread]);
}

function present(nodes: readonly (Expression | undefined)[]): Expression[] {
  return nodes.filter((node) => node !== undefined);
}

/** The expression as it might be written, for messages: `messages[0].content.upper`. */
export function sourceOf(node: Expression): string {
  switch (node.kind) {
    case "constant":
      return represent(node.value);
    case "name":
      return node.name;
    case "attribute":
      return `${sourceOf(node.object)}.${node.name}`;
    case "item":
      return `${sourceOf(node.object)}[${sourceOf(node.key)}]`;
    case "slice":
      return `${sourceOf(node.object)}[…:…]`;
    case "call":
      return `${sourceOf(node.callee)}(…)`;
    case "filter":
      return `${node.input ? sourceOf(node.input) : ""}|${node.name}`;
    default:
      return "(…)";
  }
}
