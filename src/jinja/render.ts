/** Renders a template of jinja2 as transformers sets it up for chats (ImmutableSandboxedEnvironment, trim_blocks, lstrip_blocks). */
import { globals, RaisedByTemplate } from "./globals";
import { Interpreter } from "./interpreter";
import { parse } from "./parser";
import { TemplateError, valueOf } from "./values";

/** What a rendering is given. */
export interface RenderOptions {
  /** Plain data by name. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** What strftime_now tells. */
  readonly now: () => Date;
}

/** Why the template could not be rendered, in one line. */
export class RenderError extends Error {
  override readonly name = "RenderError";
}

/** The template's text. Throws RenderError where it is broken, raises an exception or goes beyond the limits. */
export function renderTemplate(source: string, { variables, now }: RenderOptions): string {
  const values = globals(now);
  for (const [name, value] of Object.entries(variables)) values.set(name, valueOf(value));
  try {
    return new Interpreter(parse(source), values).render();
  } catch (error) {
    throw explained(error);
  }
}

function explained(error: unknown): unknown {
  if (error instanceof RaisedByTemplate) return new RenderError(error.message);
  if (error instanceof RangeError) return new RenderError("it is nested too deeply.");
  if (!(error instanceof TemplateError)) return error;
  const line = error.line === undefined ? "" : `line ${error.line}: `;
  return new RenderError(`${line}${error.message}.`);
}
