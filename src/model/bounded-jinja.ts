/** A Jinja interpreter that counts work and sizes, for templates that are not trusted; the time limit and the variables are the caller's. */
import {
  jinjaLibrary,
  type JinjaEnvironment,
  type JinjaNode,
  type JinjaValue,
} from "./hugging-face";

/** Nodes evaluated in one rendering; large published templates take some hundred a message. */
const maximumSteps = 1_000_000;
const maximumDepth = 300;
/** Characters that all strings made in one rendering may have together. */
const maximumCharacters = 64_000_000;
/** How far one replace, join, indent or tojson may blow its inputs up, as a multiple of the size limit. */
const maximumProduct = 16;
/** Elements that `range` may give. */
export const maximumRange = 20_000;

const amplifyingFilters = new Set(["replace", "join", "indent", "tojson"]);

/** The parts of a node that the limits look at. */
interface NodeParts extends JinjaNode {
  readonly callee?: NodeParts;
  readonly filter?: NodeParts;
  readonly property?: NodeParts;
  readonly computed?: boolean;
  readonly value?: unknown;
}

/** A node under evaluation; `product` multiplies its inputs' sizes where it can blow them up. */
interface Frame {
  readonly node: NodeParts | undefined;
  readonly amplifies: boolean;
  product: number;
}

/**
 * An interpreter whose values are limited to `sizeLimit` characters or list elements each. Throws a plain
 * Error, with the reason, at the limit: before an operation that multiplies sizes, after one that adds them.
 */
export class BoundedInterpreter extends jinjaLibrary.Interpreter {
  readonly #frames: Frame[] = [];
  readonly #sizes = new WeakMap<object, number>();
  #steps = 0;
  #characters = 0;

  constructor(
    environment: JinjaEnvironment,
    private readonly sizeLimit: number,
  ) {
    super(environment);
  }

  override evaluate(node: JinjaNode | undefined, environment: JinjaEnvironment): JinjaValue {
    if (++this.#steps > maximumSteps) throw new Error("it takes too many steps.");
    if (this.#frames.length >= maximumDepth)
      throw new Error("it is nested too deeply or calls itself.");
    if (node?.type === "FilterStatement") throw new Error("filter blocks are not supported.");
    const parent = this.#frames.at(-1);
    const frame = { node, amplifies: amplifies(node), product: 1 };
    this.#frames.push(frame);
    let result;
    try {
      result = super.evaluate(node, environment);
    } finally {
      this.#frames.pop();
    }
    this.#checkResult(result, frame, parent);
    return result;
  }

  #checkResult(result: JinjaValue, frame: Frame, parent: Frame | undefined): void {
    // A method in a variable could be called where its inputs are not seen.
    if (
      frame.node?.type === "MemberExpression" &&
      result.type === "FunctionValue" &&
      !(parent?.node?.type === "CallExpression" && parent.node.callee === frame.node)
    )
      throw new Error("a method may only be called, not kept.");
    const size = this.#size(result);
    if (typeof result.value === "string") this.#characters += size;
    if (size > this.sizeLimit || this.#characters > maximumCharacters)
      throw new Error("it makes too much text or too long a list.");
    if (!parent?.amplifies) return;
    const factor = typeof result.value === "number" ? Math.abs(result.value) : size;
    parent.product *= Math.max(1, factor);
    if (parent.product > maximumProduct * this.sizeLimit)
      throw new Error("it makes too much text (replace, join, indent or tojson).");
  }

  /** Characters, with those of all elements; lists and mappings cannot change once made, so theirs are kept. */
  #size(value: JinjaValue, inside = false): number {
    if (typeof value.value === "string") return value.value.length;
    const elements = elementsOf(value);
    if (!elements) return 1;
    // Namespaces change, and one inside another could grow unseen.
    if (value.type === "NamespaceValue")
      return inside ? Infinity : this.#sum(elements, value.value as Map<string, unknown>);
    const known = this.#sizes.get(value);
    if (known !== undefined) return known;
    const size = this.#sum(elements, value.value as object);
    this.#sizes.set(value, size);
    return size;
  }

  #sum(elements: Iterable<JinjaValue>, container: object): number {
    let total = 1;
    for (const element of elements) total += 1 + this.#size(element, true);
    if (container instanceof Map) for (const key of container.keys()) total += String(key).length;
    return total;
  }
}

function elementsOf({ value }: JinjaValue): Iterable<JinjaValue> | undefined {
  if (Array.isArray(value)) return value as JinjaValue[];
  if (value instanceof Map) return value.values() as Iterable<JinjaValue>;
  return undefined;
}

/** True for a node whose result can be longer than its inputs together. */
function amplifies(node: NodeParts | undefined): boolean {
  if (node?.type === "FilterExpression" && node.filter?.type === "CallExpression")
    return amplifyingFilters.has(String(node.filter.callee?.value));
  if (node?.type !== "CallExpression" || node.callee?.type !== "MemberExpression") return false;
  return node.callee.computed === true || node.callee.property?.value === "replace";
}
