/** Which chat template a model's folder has: several may be there by name, in files or in tokenizer_config.json. */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { UserError } from "../messages/errors";
import { readTextIfThere } from "../files/text";

/** The folder of the named templates beside the default one. */
export const TEMPLATES_FOLDER = "additional_chat_templates";

/**
 * The template for chats without tools: "default" of those by name. Files come before tokenizer_config.json (parsed),
 * as in transformers. Where there are templates but no default, one that says so when it is rendered.
 */
export async function chatTemplateOf(
  directory: string,
  tokenizerConfig: unknown,
): Promise<string | undefined> {
  const files = await templateFiles(directory);
  const templates = files.size > 0 ? files : configTemplates(tokenizerConfig, directory);
  if (templates.size === 0) return undefined;
  const chosen = templates.get("default");
  if (chosen !== undefined) return chosen;
  const reason = `the model has templates named ${[...templates.keys()].sort().join(", ")}, but none named default: put the right one into ${path.join(directory, "chat_template.jinja")}`;
  return `{{ raise_exception(${JSON.stringify(reason)}) }}`;
}

async function templateFiles(directory: string): Promise<Map<string, string>> {
  const templates = new Map<string, string>();
  const single = await readTextIfThere(path.join(directory, "chat_template.jinja"));
  if (single !== undefined) templates.set("default", single);
  const folder = path.join(directory, TEMPLATES_FOLDER);
  if (!existsSync(folder)) return templates;
  for (const name of readdirSync(folder).sort()) {
    const text = name.endsWith(".jinja")
      ? await readTextIfThere(path.join(folder, name))
      : undefined;
    if (text !== undefined) templates.set(name.slice(0, -".jinja".length), text);
  }
  return templates;
}

/** A text, or a list of `{ name, template }`. */
function configTemplates(tokenizerConfig: unknown, directory: string): Map<string, string> {
  const { chat_template: said } = (tokenizerConfig ?? {}) as { chat_template?: unknown };
  if (said === undefined || said === null) return new Map();
  if (typeof said === "string") return new Map([["default", said]]);
  const pairs = Array.isArray(said)
    ? (said as unknown[]).map((one) => {
        const { name, template } = (one ?? {}) as { name?: unknown; template?: unknown };
        return [name, template];
      })
    : Object.entries(said);
  if (typeof said !== "object" || !pairs.flat().every((text) => typeof text === "string"))
    throw new UserError(
      `${path.join(directory, "tokenizer_config.json")}: chat_template is neither a text nor a list of templates by name.`,
    );
  return new Map(pairs as [string, string][]);
}
