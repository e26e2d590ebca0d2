/** Python's regular expressions over the names of a model's modules, as PEFT matches them; they come with an adapter, so they are not trusted. */
import vm from "node:vm";
import { errorMessage, UserError } from "../messages/errors";

const TIME_LIMIT_MS = 1000;

/** Whether an expression matches a name, and what its group `idx` holds. */
export interface NameMatch {
  readonly matches: boolean;
  readonly idx?: string;
}

/** Runs in a context of its own, as only there its time can be limited. */
const SCRIPT = `patterns.map((pattern) => names.map((name) => {
  const found = pattern.exec(name);
  return found ? { matches: true, idx: found.groups?.idx } : { matches: false };
}))`;

/**
 * For each expression and each name, whether it matches the name's start (re.match) or the whole of it (re.fullmatch).
 * Throws UserError for an expression that JavaScript does not know, and where they take too long.
 */
export function matchNames(
  expressions: readonly string[],
  extent: "start" | "whole",
  names: readonly string[],
  where: string,
): NameMatch[][] {
  const patterns = expressions.map((expression) => {
    const { source, flags } = javascriptPattern(expression);
    try {
      return new RegExp(`^(?:${source})${extent === "whole" ? "$" : ""}`, flags);
    } catch (error) {
      throw new UserError(
        `${where}: the regular expression ${JSON.stringify(expression).slice(0, 100)} is not known here (${errorMessage(error).slice(0, 150)}); name the modules in a list.`,
      );
    }
  });
  try {
    return vm.runInNewContext(
      SCRIPT,
      { patterns, names },
      { timeout: TIME_LIMIT_MS },
    ) as NameMatch[][];
  } catch {
    throw new UserError(
      `${where}: the regular expressions take longer than ${TIME_LIMIT_MS / 1000} s; name the modules in a list.`,
    );
  }
}

/** The same expression in JavaScript's spelling, where Python's means something else there. */
function javascriptPattern(expression: string): { source: string; flags: string } {
  const [prefix = "", flags = ""] = /^\(\?([aimsuL]+)\)/.exec(expression) ?? [];
  const source = expression
    .slice(prefix.length)
    .replaceAll("(?P<", "(?<")
    .replace(/\(\?P=(\w+)\)/g, "\\k<$1>")
    // A backslash with what follows it, a class's first bracket, a quantifier without its least number.
    .replace(/\\([\s\S])|\[(\^?)\]|\{,(\d+)\}/g, (whole, escaped, negated, most) => {
      if (most !== undefined) return `{0,${most}}`;
      if (negated !== undefined) return `[${negated}\\]`;
      if (escaped === "A") return "^";
      return escaped === "Z" ? "$" : (whole as string);
    });
  return { source, flags: flags.replace(/[auL]/g, "") };
}
