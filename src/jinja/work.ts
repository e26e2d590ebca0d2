/** The limits of one rendering: templates come with downloaded files and are not trusted. The time limit is the caller's affair. */
import { checkLength, fail, Iteration, lengthOf, type Value } from "./values";

/** Expressions and statements; large published templates take some hundred a message. */
const MAXIMUM_STEPS = 1_000_000;
const MAXIMUM_DEPTH = 400;
/** Characters and list elements made, together. */
const MAXIMUM_MADE = 32_000_000;

/** Counts what one rendering does. Every method throws TemplateError at its limit. */
export class Work {
  /** Of the source: where the rendering is. */
  line = 1;
  #steps = 0;
  #depth = 0;
  #made = 0;

  /** One more expression or statement, within those that are under way. */
  step<T>(line: number, run: () => T): T {
    this.line = line;
    if (++this.#steps > MAXIMUM_STEPS) fail("it takes too many steps");
    if (++this.#depth > MAXIMUM_DEPTH) fail("it is nested too deeply or calls itself");
    const result = run();
    this.#depth--;
    return result;
  }

  /** A value that was made just now. */
  made<T extends Value>(value: T): T {
    const size =
      typeof value === "string" ? value.length : value instanceof Iteration ? 0 : lengthOf(value);
    this.#made += size ?? 0;
    if (this.#made > MAXIMUM_MADE) fail("it makes too much text or too many lists");
    return value;
  }

  /** Parts of a text as one. */
  joined(parts: readonly string[]): string {
    checkLength(parts.reduce((sum, part) => sum + part.length, 0));
    return this.made(parts.join(""));
  }
}
