/**
 * The Jupyter kernel's process: starts the tslab of the checkout that the notebook lies in (else of the one that was set
 * up last). The set-up copies this file beside the kernel's specification, so it uses nothing of the project.
 */
"use strict";
const fs = require("node:fs");
const { createRequire } = require("node:module");
const path = require("node:path");

/** The first of these folders, or of those above it, that has tslab installed. */
function findRoot(starts) {
  for (const start of starts.filter(Boolean)) {
    for (let folder = path.resolve(start); ; folder = path.dirname(folder)) {
      if (fs.existsSync(path.join(folder, "node_modules", "tslab"))) return folder;
      if (folder === path.dirname(folder)) break;
    }
  }
  process.stderr.write("No node_modules with tslab here: run `npm run notebooks` once.\n");
  process.exit(2);
}

const root = findRoot([process.cwd(), process.env.SEAL_LAB_ROOT]);
const fromRoot = createRequire(path.join(root, "package.json"));

// tslab watches every file that it has read types from, and fails where one changes between two cells. What is imported
// stays as it was anyway, since Node keeps it.
const fromTslab = createRequire(fromRoot.resolve("tslab/dist/main.js"));
const ts = fromTslab("@tslab/typescript-for-tslab");
ts.sys.watchFile = ts.sys.watchDirectory = () => ({ close: () => undefined });

/**
 * A cell's code without two forms in which tslab does not see that a name is an earlier cell's, or takes it for one:
 * `{ name }` becomes `{ name: name }`, and in `({ name: own }) => …` the property's name is quoted.
 */
function spellOut(code) {
  const edits = [];
  const visit = (node) => {
    if (ts.isShorthandPropertyAssignment(node) && !node.objectAssignmentInitializer)
      edits.push([node.name.end, node.name.end, `: ${node.name.text}`]);
    if (ts.isBindingElement(node) && node.propertyName && ts.isIdentifier(node.propertyName)) {
      const { end, text } = node.propertyName;
      edits.push([node.propertyName.getStart(), end, JSON.stringify(text)]);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("cell.ts", code, ts.ScriptTarget.Latest, true));
  return edits
    .sort(([a], [b]) => b - a)
    .reduce((text, [from, to, by]) => text.slice(0, from) + by + text.slice(to), code);
}

const converters = fromTslab("./converter");
const { createConverter } = converters;
converters.createConverter = (options) => {
  const converter = createConverter(options);
  const convert = converter.convert;
  return { ...converter, convert: (before, code) => convert(before, spellOut(code)) };
};
const { startKernel } = fromRoot("tslab/dist/main.js");

const stamp = path.join(root, "dist/.seal-build");
// The listener is also called once where there is no such file: then nothing has changed.
fs.watchFile(stamp, { persistent: false, interval: 2000 }, (now, before) => {
  if (now.mtimeMs !== before.mtimeMs)
    process.stderr.write("seal-lab was rebuilt: restart the kernel to use it.\n");
});

// A kernel outlives a front end that is killed; this one does not.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && process.exit(1), 5000).unref();
startKernel({ configPath: process.argv[2], enableFindLocal: false });
