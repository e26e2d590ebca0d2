/** Every relative link of every text leads to a file, and to a heading where it names one. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("links");
const root = path.join(__dirname, "../..");

/** Folders that hold no texts of ours. */
const FOREIGN = new Set(["node_modules", ".git", "dist", ".venv", ".partial"]);

/** All Markdown files below a folder. */
function texts(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return FOREIGN.has(entry.name) ? [] : texts(file);
    return entry.name.endsWith(".md") ? [file] : [];
  });
}

/** A text without its code, in which brackets are no links. */
function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`/g, "");
}

/** The targets of a text's links and pictures. */
function targets(text: string): string[] {
  const inline = withoutCode(text).matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g);
  const references = withoutCode(text).matchAll(/^\[[^\]]+\]:\s*(\S+)/gm);
  const html = withoutCode(text).matchAll(/<(?:img|a)\b[^>]*?(?:src|href)="([^"]+)"/g);
  return [...inline, ...references, ...html].map(([, target]) => target);
}

/** The headings' anchors, as GitHub makes them: the second of the same name ends in -1. */
function anchors(text: string): string[] {
  const names = [...text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ (.+)$/gm)].map(
    ([, heading]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .trim()
        .replace(/ /g, "-"),
  );
  return names.map((name, i) => {
    const before = names.slice(0, i).filter((other) => other === name).length;
    return before > 0 ? `${name}-${before}` : name;
  });
}

/** The relative links of a text that lead nowhere, were it this file. */
function dead(file: string, text: string): string[] {
  return targets(text).filter((target) => {
    if (/^[a-z][a-z+.-]*:/i.test(target)) return false;
    const [place, anchor] = target.split("#");
    if (place === "") return !anchors(text).includes(anchor);
    const aim = path.join(path.dirname(file), decodeURIComponent(place));
    if (!existsSync(aim)) return true;
    if (anchor === undefined || statSync(aim).isDirectory() || !aim.endsWith(".md")) return false;
    return !anchors(readFileSync(aim, "utf8")).includes(anchor);
  });
}

test("no relative link of any text is dead", () => {
  const files = texts(root);
  const found = files.flatMap((file) =>
    dead(file, readFileSync(file, "utf8")).map(
      (target) => `${path.relative(root, file)}: ${target}`,
    ),
  );
  assert.equal(found, []);
  for (const file of ["README.md", "experiments/README.md", "notebooks/README.md"])
    assert.ok(files.includes(path.join(root, file)), file);
});

test("paths of sources that texts name are there", () => {
  const found = texts(root).flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(/`((?:src|test)\/[\w./-]+)`/g)]
      .map(([, name]) => name)
      .filter((name) => !existsSync(path.join(root, name)))
      .map((name) => `${path.relative(root, file)}: ${name}`),
  );
  assert.equal(found, []);
});

test("dead links, pictures, references and anchors are found; code and the web are left alone", () => {
  const text = [
    "# A head, and more",
    "[good](LICENSE) ![good](results/LOG.md) [good](#a-head-and-more) [web](https://example.org/x)",
    '[dead](nowhere.md) ![dead](none.png "title") [dead](#no-head) [dead](results/LOG.md#no-such)',
    "[r]: missing.md",
    '<img src="gone.png">',
    "`[code](a)`",
    "```ts\nconst a = [b](c);\n```",
  ].join("\n");
  assert.equal(dead(path.join(root, "made-up.md"), text), [
    "nowhere.md",
    "none.png",
    "#no-head",
    "results/LOG.md#no-such",
    "missing.md",
    "gone.png",
  ]);
});

test.run();
