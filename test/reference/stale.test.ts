/** The committed reference is what `npm run reference` makes now, and nothing in it lacks a docstring. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("reference");
const root = path.resolve(__dirname, "../..");
const committed = path.join(root, "src/reference");
const made = mkdtempSync(path.join(os.tmpdir(), "seal reference "));
test.after(() => rmSync(made, { recursive: true }));

const pagesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".md"))
    .sort();

test("every export and every key has a docstring, and the pages say what they say", async () => {
  const typedoc = path.join(root, "node_modules/typedoc/bin/typedoc");
  try {
    await promisify(execFile)(process.execPath, [typedoc, "--out", made], { cwd: root });
  } catch (error) {
    // TypeDoc names on stderr what has no docstring.
    throw new Error((error as { stderr?: string }).stderr, { cause: error });
  }
  assert.equal(pagesIn(committed), pagesIn(made));
  for (const page of pagesIn(made)) {
    const [ours, theirs] = [committed, made].map((folder) =>
      readFileSync(path.join(folder, page), "utf8"),
    );
    assert.is(ours, theirs, `src/reference/${page} is stale: npm run reference`);
  }
});

/** What GitHub calls a page's headings: a name that is there already gets a number. */
function anchorsOf(page: string): Set<string> {
  const anchors: string[] = [];
  for (const [, heading] of page.matchAll(/^#+ (.*)$/gm)) {
    const name = heading
      .toLowerCase()
      .replace(/[^\w -]/g, "")
      .replaceAll(" ", "-");
    const before = anchors.filter((own) => own.replace(/-\d+$/, "") === name).length;
    anchors.push(before === 0 ? name : `${name}-${before}`);
  }
  return new Set(anchors);
}

test("links between the pages lead somewhere", () => {
  const text = (page: string): string => readFileSync(path.join(committed, page), "utf8");
  for (const page of pagesIn(committed))
    for (const [, file, name] of text(page).matchAll(/\]\(([\w-]+\.md)?#([\w-]+)\)/g))
      assert.ok(anchorsOf(text(file ?? page)).has(name), `${page}: ${file ?? ""}#${name}`);
});

/** The folders of `src`, and what `src/README.md` links to. */
const readme = readFileSync(path.join(root, "src/README.md"), "utf8");
const links = [...readme.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, link]) => link);

test("src/README.md has a line for every room, and its links lead somewhere", () => {
  const rooms = readdirSync(path.join(root, "src"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  const told = [...readme.matchAll(/^\| \[(\w+)\]\(\1\/?\)/gm)].map(([, name]) => name);
  assert.equal(told.sort(), rooms.sort());
  const dead = links.filter((link) => !existsSync(path.join(root, "src", link)));
  assert.equal(dead, []);
});

test.run();
