/** Parses a template's statements, with the tags that transformers adds: break, continue and generation. */
import { ExpressionParser } from "./expressions";
import { tokenize } from "./lexer";
import type { Block, Expression, Signature, Statement, Target } from "./nodes";

/** Tags that jinja2 has for several templates at once; transformers gives it one. */
const known = new Set(["block", "extends", "include", "import", "from", "autoescape"]);

/** The template's statements. Throws TemplateError, with the line, where the syntax is wrong. */
export function parse(source: string): Block {
  const parser = new Parser(tokenize(source));
  return parser.block([]);
}

class Parser extends ExpressionParser {
  /** Loops around the present place, within the present macro. */
  #loops = 0;

  /** Statements up to a tag of one of the names, which is not taken; the whole template, where there are none. */
  block(ends: readonly string[]): Block {
    return this.nested(() => {
      const statements: Statement[] = [];
      for (;;) {
        const { line } = this;
        const token = this.take();
        if (token.kind === "end") {
          if (ends.length > 0)
            this.refuse(`the template ends, but {% ${ends.join(" %} or {% ")} %} is missing`);
          return statements;
        }
        if (token.kind === "text") statements.push({ kind: "text", text: token.text, line });
        else if (token.kind === "print begin") {
          statements.push({ kind: "print", values: [this.tuple()], line });
          this.expect("print end");
        } else {
          if (ends.some((end) => this.is("name", end))) return statements;
          statements.push(this.#statement());
          this.expect("block end");
        }
      }
    });
  }

  /** The rest of a tag, the statements in it and its closing tag (up to that one's end). */
  #body(end: string): Block {
    const body = this.#opened([end]);
    this.take();
    return body;
  }

  #opened(ends: readonly string[]): Block {
    this.skip("operator", ":");
    this.expect("block end");
    return this.block(ends);
  }

  #statement(): Statement {
    const { line } = this;
    const tag = this.expect("name").text;
    switch (tag) {
      case "if":
        return this.#if(line);
      case "for":
        return this.#for(line);
      case "set":
        return this.#set(line);
      case "macro": {
        const name = this.expect("name").text;
        const signature = this.#signature();
        return { kind: "macro", name, signature, body: this.#apart("endmacro"), line };
      }
      case "call":
        return this.#call(line);
      case "filter": {
        const filter = this.filters(this.filter());
        return { kind: "filter block", filter, body: this.#body("endfilter"), line };
      }
      case "with":
        return this.#with(line);
      case "print":
        return { kind: "print", values: this.#printed(), line };
      case "generation":
        return {
          kind: "generation",
          signature: { names: [], defaults: [] },
          body: this.#apart("endgeneration"),
          line,
        };
      case "break":
      case "continue":
        if (this.#loops === 0) this.refuse(`{% ${tag} %} outside of a loop`, line);
        return { kind: tag, line };
      default:
        return this.refuse(
          known.has(tag)
            ? `the tag {% ${tag} %} is not supported here`
            : `unknown tag {% ${tag} %}`,
          line,
        );
    }
  }

  /** A body that is a function of its own: no break reaches out of it. */
  #apart(end: string): Block {
    const loops = this.#loops;
    this.#loops = 0;
    const body = this.#body(end);
    this.#loops = loops;
    return body;
  }

  #if(line: number): Statement {
    const branches: { test: Expression; body: Block }[] = [];
    for (;;) {
      const test = this.tuple({ conditional: false });
      branches.push({ test, body: this.#opened(["elif", "else", "endif"]) });
      const tag = this.take().text;
      if (tag === "elif") continue;
      const otherwise = tag === "else" ? this.#body("endif") : [];
      return { kind: "if", branches, otherwise, line };
    }
  }

  #for(line: number): Statement {
    const target = this.#target({ until: "in" });
    this.expect("name", "in");
    const iterable = this.tuple({ conditional: false, until: "recursive" });
    const test = this.skip("name", "if") ? this.expression() : undefined;
    const recursive = this.skip("name", "recursive");
    this.#loops++;
    const body = this.#opened(["endfor", "else"]);
    this.#loops--;
    const otherwise = this.take().text === "else" ? this.#body("endfor") : [];
    return {
      kind: "for",
      target,
      iterable,
      ...(test && { test }),
      recursive,
      body,
      otherwise,
      line,
    };
  }

  #set(line: number): Statement {
    const target = this.#target({ fields: true });
    if (this.skip("operator", "=")) return { kind: "set", target, value: this.tuple(), line };
    const filter = this.filters();
    return {
      kind: "set block",
      target,
      ...(filter && { filter }),
      body: this.#body("endset"),
      line,
    };
  }

  #call(line: number): Statement {
    const signature = this.is("operator", "(") ? this.#signature() : { names: [], defaults: [] };
    const call = this.expression();
    if (call.kind !== "call") return this.refuse("{% call %} needs a call", line);
    return { kind: "call block", signature, call, body: this.#apart("endcall"), line };
  }

  #with(line: number): Statement {
    const targets: Target[] = [];
    const values: Expression[] = [];
    while (!this.is("block end")) {
      if (targets.length > 0) this.expect("operator", ",");
      targets.push(this.#target({}));
      this.expect("operator", "=");
      values.push(this.expression());
    }
    return { kind: "with", targets, values, body: this.#body("endwith"), line };
  }

  #printed(): Expression[] {
    const values: Expression[] = [];
    while (!this.is("block end")) {
      if (values.length > 0) this.expect("operator", ",");
      values.push(this.expression());
    }
    return values;
  }

  #signature(): Signature {
    const names: string[] = [];
    const defaults: Expression[] = [];
    this.expect("operator", "(");
    while (!this.skip("operator", ")")) {
      if (names.length > 0) this.expect("operator", ",");
      names.push(this.expect("name").text);
      if (this.skip("operator", "=")) defaults.push(this.expression());
      else if (defaults.length > 0)
        this.refuse("a parameter without a default follows one with a default");
    }
    return { names, defaults };
  }

  /** Names with commas; `fields`: also fields of namespaces. */
  #target({ until, fields = false }: { until?: string; fields?: boolean }): Target {
    const { line } = this;
    const items: Target[] = [];
    let comma = false;
    do {
      if (until !== undefined && this.is("name", until)) break;
      if (this.is("block end") || this.is("operator", ")")) break;
      items.push(this.#single(fields));
      comma ||= this.is("operator", ",");
    } while (this.skip("operator", ","));
    if (!comma && items.length === 1) return items[0];
    return items.length > 0
      ? { kind: "tuple", items, line }
      : this.refuse("expected a name to assign to");
  }

  #single(fields: boolean): Target {
    const { line } = this;
    if (this.skip("operator", "(")) {
      const target = this.nested(() => this.#target({}));
      this.expect("operator", ")");
      return target;
    }
    const name = this.expect("name").text;
    if (/^(true|false|none|True|False|None)$/.test(name))
      this.refuse(`cannot assign to ${name}`, line);
    if (fields && this.skip("operator", "."))
      return { kind: "field", namespace: name, name: this.expect("name").text, line };
    return { kind: "name", name, line };
  }
}
