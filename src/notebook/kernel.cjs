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
// Node keeps the old build that was imported, while completion and type checks already show the new one.
fs.watchFile(path.join(root, "dist/.seal-build"), { persistent: false, interval: 2000 }, () =>
  process.stderr.write("seal-lab was rebuilt: restart the kernel to use it.\n"),
);
// A kernel outlives a front end that is killed; this one does not.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && process.exit(1), 5000).unref();
const { startKernel } = createRequire(path.join(root, "package.json"))("tslab/dist/main.js");
startKernel({ configPath: process.argv[2], enableFindLocal: false });
