/** Templates against jinja2 as transformers sets it up: whole ones in the forms of instruct models, and single snippets. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RenderError, renderTemplate } from "../../src/jinja/render";

const test = suite("jinja differential");
const fixtures = path.join(__dirname, "../fixtures/jinja");

/** A text, or the kind of error (and its message where the template raised it). */
type Outcome = string | string[];

const read = <T>(name: string): T =>
  JSON.parse(readFileSync(path.join(fixtures, name), "utf8")) as T;
const expected = read<{ templates: Record<string, Outcome[]>; snippets: Outcome[] }>(
  "expected.json",
);

function rendered(source: string, variables: Record<string, unknown>): Outcome {
  try {
    return renderTemplate(source, { variables, now: () => new Date() });
  } catch (error) {
    if (!(error instanceof RenderError)) throw error;
    return ["error", error.message];
  }
}

/** What is wrong with an outcome; undefined where it is as expected. */
function difference(wanted: Outcome, got: Outcome): string | undefined {
  const raised = Array.isArray(wanted) ? wanted[1] : undefined;
  const same =
    typeof wanted === "string"
      ? got === wanted
      : Array.isArray(got) && (raised === undefined || raised === got[1]);
  return same ? undefined : `wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`;
}

test("whole templates with every conversation are as transformers renders them", () => {
  const conversations = read<Record<string, unknown>[]>("conversations.json");
  const names = readdirSync(path.join(fixtures, "templates")).sort();
  assert.equal(names, Object.keys(expected.templates));
  const defaults = { tools: null, documents: null, add_generation_prompt: true };
  const tokens = { bos_token: "<s>", eos_token: "</s>" };
  const differences = names.flatMap((name) => {
    const source = readFileSync(path.join(fixtures, "templates", name), "utf8");
    return conversations.flatMap((conversation, c) => {
      const got = rendered(source, { ...defaults, ...tokens, ...conversation });
      const found = difference(expected.templates[name][c], got);
      return found === undefined ? [] : [`${name}, conversation ${c}: ${found}`];
    });
  });
  console.log(
    `${names.length} templates x ${conversations.length} conversations: ${differences.length} differences`,
  );
  assert.equal(differences, []);
});

/** Stand-ins for characters that a line of the file cannot show; the last one marks what is refused here on purpose. */
const standIns: Record<string, string> = {
  "\u23ce": "\n",
  "\u240d": "\r",
  "\u21e5": "\t",
  "\u2298": "",
};

test("snippets are as jinja2 renders them, or an error where it gives one", () => {
  const variables = read<Record<string, unknown>>("variables.json");
  const lines = readFileSync(path.join(fixtures, "snippets.txt"), "utf8")
    .split("\n")
    .filter(Boolean);
  assert.is(lines.length, expected.snippets.length);
  let refused = 0;
  const differences = lines.flatMap((line, i) => {
    const source = line.replace(/[\u23ce\u240d\u21e5\u2298]/g, (mark) => standIns[mark]);
    const got = rendered(source, variables);
    if (line.startsWith("\u2298") && Array.isArray(got)) refused++;
    else {
      const found = difference(expected.snippets[i], got);
      if (found !== undefined) return [`${source}: ${found}`];
    }
    return [];
  });
  console.log(
    `${lines.length} snippets: ${differences.length} differences, ${refused} refused by name`,
  );
  assert.equal(differences, []);
  assert.is(refused, lines.filter((line) => line.startsWith("\u2298")).length);
});

test.run();
